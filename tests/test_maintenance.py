"""When work is due, by hours or by days, and what is recorded when somebody has done it."""

from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from machines.maintenance import active_plans, due, record_work
from machines.models import Intervention, MaintenancePlan
from tests.conftest import NOW

pytestmark = pytest.mark.django_db

HOUR = 3600


def due_at(machine, seconds_used, now=NOW):
    return [plan.description for plan in due(active_plans(machine.pk), seconds_used, now)]


# ---- by hours --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds_used", "is_due"), [(0, False), (10 * HOUR - 1, False), (10 * HOUR, True)])
def test_plan_is_due_when_the_odometer_has_moved_by_its_hours(laser, make_plan, seconds_used, is_due):
    make_plan(laser, hours_between=10)
    assert bool(due_at(laser, seconds_used)) is is_due


def test_hours_count_from_the_last_work(laser, make_plan):
    make_plan(laser, hours_between=10, reading_at_last_work=100 * HOUR)
    assert (due_at(laser, 109 * HOUR), due_at(laser, 110 * HOUR)) == ([], ["Clean the lens"])


def test_odometer_that_staff_set_back_makes_nothing_due(laser, make_plan):
    make_plan(laser, hours_between=10, reading_at_last_work=100 * HOUR)
    assert due_at(laser, 0) == []


# ---- by days ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("passed", "is_due"), [(timedelta(days=7, seconds=-1), False), (timedelta(days=7), True)])
def test_plan_is_due_when_its_days_have_passed(laser, make_plan, passed, is_due):
    make_plan(laser, days_between=7)
    assert bool(due_at(laser, 0, NOW + passed)) is is_due


def test_plan_with_hours_and_days_is_due_with_the_first_of_them(laser, make_plan):
    make_plan(laser, hours_between=10, days_between=7)
    assert due_at(laser, 10 * HOUR, NOW) == ["Clean the lens"]
    assert due_at(laser, 0, NOW + timedelta(days=7)) == ["Clean the lens"]
    assert due_at(laser, 9 * HOUR, NOW + timedelta(days=6)) == []


# ---- new plans -------------------------------------------------------------------------------------------------------


def test_new_plan_starts_counting_now(laser, make_use, make_plan):
    make_use(laser, 50 * HOUR, hours_ago=60)
    with time_machine.travel(NOW, tick=False):
        plan = MaintenancePlan.objects.create(machine=laser, description="Oil", hours_between=10)
    assert (plan.reading_at_last_work, plan.last_work_at) == (50 * HOUR, NOW)


def test_new_plan_counts_from_the_work_staff_knows_of(laser, make_use, make_plan):
    make_use(laser, 50 * HOUR, hours_ago=60)
    make_plan(laser, hours_between=10, reading_at_last_work=40 * HOUR)
    assert due_at(laser, 50 * HOUR) == ["Clean the lens"]


def test_form_of_a_new_plan_needs_no_reading(laser):
    plan = MaintenancePlan(machine=laser, description="Oil", hours_between=10)
    plan.full_clean()
    plan.save()
    assert plan.reading_at_last_work == 0


def test_editing_a_plan_does_not_start_it_anew(laser, make_plan, make_use):
    plan = make_plan(laser, hours_between=10)
    make_use(laser, 9 * HOUR, hours_ago=20)
    plan.hours_between = 8
    plan.save()
    assert due_at(laser, 9 * HOUR) == ["Clean the lens"]


@pytest.mark.parametrize(
    "intervals",
    [
        {"hours_between": None, "days_between": None},
        {"hours_between": 0, "days_between": None},
        {"hours_between": None, "days_between": 0},
        {"hours_between": 10, "days_between": 0},
    ],
)
def test_database_refuses_a_plan_without_hours_or_days(laser, make_plan, intervals):
    with pytest.raises(IntegrityError), transaction.atomic():
        make_plan(laser, **intervals)


@pytest.mark.parametrize(
    "wrong", [{"lcd_message": "Linse säubern"}, {"lcd_message": "16 columns wide!"}, {"hours_between": None}]
)
def test_form_refuses_what_the_board_cannot_show_or_count(laser, wrong):
    plan = MaintenancePlan(**{"machine": laser, "description": "Oil", "hours_between": 10, **wrong})
    with pytest.raises(ValidationError):
        plan.full_clean()


# ---- which is shown --------------------------------------------------------------------------------------------------


def test_most_overdue_plan_comes_first(laser, make_plan):
    make_plan(laser, "Oil", hours_between=20)
    make_plan(laser, "Lens", hours_between=5)
    make_plan(laser, "Belt", days_between=30)
    assert due_at(laser, 20 * HOUR, NOW + timedelta(days=90)) == ["Lens", "Belt", "Oil"]


def test_inactive_plan_is_never_due(laser, make_plan):
    make_plan(laser, is_active=False)
    assert due_at(laser, 1000 * HOUR) == []


def test_plan_of_another_machine_does_not_matter(laser, printer, make_plan):
    make_plan(printer)
    assert due_at(laser, 1000 * HOUR) == []


def test_board_shows_the_short_text_or_the_description(laser, make_plan):
    make_plan(laser, "Clean the lens", lcd_message="LENS")
    make_plan(laser, "Oil")
    assert [plan.board_message for plan in active_plans(laser.pk)] == ["LENS", "Oil"]


def test_what_is_due_takes_one_query_whatever_the_history(laser, make_plan, make_use, django_assert_num_queries):
    plan = make_plan(laser)
    for hours_ago in range(2, 30):
        make_use(laser, 60, hours_ago=hours_ago)
        Intervention.objects.create(plan=plan, at=NOW - timedelta(hours=hours_ago))
    with django_assert_num_queries(1):
        due_at(laser, 10 * HOUR)


# ---- confirmed at the board ------------------------------------------------------------------------------------------


def test_work_is_recorded_for_each_due_plan_and_no_other(laser, printer, make_plan, carla):
    make_plan(laser, "Oil", hours_between=5)
    make_plan(laser, "Lens", hours_between=10)
    make_plan(laser, "Tube", hours_between=1000)
    make_plan(printer, "Nozzle", hours_between=1)
    record_work(laser.pk, carla.pk, 10 * HOUR, NOW)
    done = Intervention.objects.order_by("plan").values_list("plan__description", "machine", "member", "at", "reading")
    assert list(done) == [
        ("Oil", laser.pk, carla.pk, NOW, 10 * HOUR),
        ("Lens", laser.pk, carla.pk, NOW, 10 * HOUR),
    ]


def test_nothing_due_nothing_recorded(laser, make_plan, carla):
    make_plan(laser)
    assert record_work(laser.pk, carla.pk, HOUR, NOW) == []
    assert not Intervention.objects.exists()


def test_work_done_starts_the_interval_anew(laser, make_plan, carla):
    make_plan(laser, hours_between=10, days_between=30)
    record_work(laser.pk, carla.pk, 12 * HOUR, NOW + timedelta(days=1))
    plan = MaintenancePlan.objects.get()
    assert (plan.reading_at_last_work, plan.last_work_at) == (12 * HOUR, NOW + timedelta(days=1))


def test_repeated_confirmation_is_recorded_once(laser, make_plan, carla):
    make_plan(laser, hours_between=10)
    record_work(laser.pk, carla.pk, 12 * HOUR, NOW)
    record_work(laser.pk, carla.pk, 12 * HOUR, NOW + timedelta(seconds=5), is_replay=True)
    assert Intervention.objects.count() == 1


def test_replayed_confirmation_is_marked(laser, make_plan, carla):
    make_plan(laser, hours_between=10)
    record_work(laser.pk, carla.pk, 12 * HOUR, NOW, is_replay=True)
    assert Intervention.objects.get().is_replay


def test_uses_make_a_plan_due_and_deleting_them_undoes_it(laser, make_plan, make_use, odometer):
    make_plan(laser, hours_between=10)
    use = make_use(laser, 10 * HOUR, hours_ago=20)
    assert due_at(laser, odometer(laser)) == ["Clean the lens"]
    use.delete()
    assert due_at(laser, odometer(laser)) == []
