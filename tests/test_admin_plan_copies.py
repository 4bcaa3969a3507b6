"""Maintenance plans copied to other machines."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.test import Client

from machines.models import Machine, MachineType, MaintenancePlan
from members.models import Change
from tests.conftest import NOW
from tests.staff import backend_role, client_of, errors_of

pytestmark = pytest.mark.django_db

HOUR = 3600
LIST = "/admin/machines/maintenanceplan/"
COPY = f"{LIST}copy/"


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


def told(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


@pytest.fixture
def small(laser_type):
    """Another laser, which has run 20 hours."""
    return Machine.objects.create(id=8, name="Small", type=laser_type, initial_seconds=20 * HOUR)


def copied(client, plan, **asked):
    return client.post(COPY, {"plans": [plan.pk], **asked})


def test_machines_of_the_same_type_are_offered_first(boss, laser, small, printer, make_plan):
    response = boss.get(COPY, {"plans": make_plan(laser).pk})
    fields = response.context["adminform"].form.fields
    assert list(fields["same_type"].queryset) == [small]


def test_a_copy_counts_from_now(boss, laser, small, make_plan):
    plan = make_plan(laser, "Clean", lcd_message="LENS", days_between=5, instructions_url="https://lab.example.org/")
    assert copied(boss, plan, same_type=[small.pk]).status_code == 302
    copy = small.maintenance_plans.get()
    assert (copy.description, copy.lcd_message, copy.days_between) == ("Clean", "LENS", 5)
    assert (copy.instructions_url, copy.is_active) == ("https://lab.example.org/", True)
    assert (copy.reading_at_last_work, copy.last_work_at) == (20 * HOUR, NOW)
    assert (copy.base_reading, copy.base_at) == (20 * HOUR, NOW)


def test_a_copy_counts_from_when_staff_says(boss, laser, small, make_plan):
    copied(boss, make_plan(laser), same_type=[small.pk], hours_ago="5", days_ago="3")
    copy = small.maintenance_plans.get()
    assert (copy.reading_at_last_work, copy.last_work_at) == (15 * HOUR, NOW - timedelta(days=3))


def test_other_machines_get_copies_too(boss, laser, small, printer, make_plan):
    copied(boss, make_plan(laser), same_type=[small.pk], others=[printer.pk, small.pk])
    assert sorted(MaintenancePlan.objects.values_list("machine", flat=True)) == [laser.pk, small.pk, printer.pk]


def test_what_is_there_already_is_not_copied_again(boss, laser, small, make_plan):
    plan = make_plan(laser)
    copied(boss, plan, same_type=[small.pk])
    again = copied(boss, plan, same_type=[small.pk])
    assert "0 plans were added. 1 was there already." in told(again)
    assert MaintenancePlan.objects.count() == 2


def test_copies_are_in_the_log(boss, dora, laser, small, make_plan):
    copied(boss, make_plan(laser), same_type=[small.pk])
    (change,) = Change.objects.all()
    assert (change.member, change.kind, change.object_repr) == (dora, "added", "Clean the lens (Small (8))")


@pytest.mark.parametrize(
    ("asked", "field"),
    [({}, "__all__"), ({"same_type": [8], "hours_ago": "21"}, "hours_ago"), ({"days_ago": "-1"}, "days_ago")],
)
def test_what_cannot_be_copied_is_told(boss, laser, small, make_plan, asked, field):
    assert list(errors_of(copied(boss, make_plan(laser), **asked))) == [field]
    assert not small.maintenance_plans.exists()


def test_many_are_copied_from_the_list(boss, laser, small, make_plan):
    chosen = [make_plan(laser).pk, make_plan(laser, "Oil").pk]
    response = boss.post(LIST, {"action": "copy_selected", "_selected_action": chosen})
    assert {plan.pk for plan in response.context["plans"]} == set(chosen)
    boss.post(COPY, {"plans": chosen, "same_type": [small.pk]})
    assert small.maintenance_plans.count() == 2


def test_who_may_not_add_plans_copies_none(make_member, laser, small, make_plan):
    fixer = client_of(
        make_member("Fred", role=backend_role("Repairs", "view_maintenanceplan", "change_maintenanceplan"))
    )
    assert copied(fixer, make_plan(laser), same_type=[small.pk]).status_code == 403
    assert not small.maintenance_plans.exists()


@pytest.mark.parametrize("asked", [{}, {"plans": "x"}, {"plans": 99}])
def test_an_address_without_plans_leads_to_the_list(boss, asked):
    assert boss.get(COPY, asked).url == LIST


def test_copying_takes_no_more_queries_for_more_machines(boss, laser, make_plan, django_assert_max_num_queries):
    for number in range(100, 150):
        Machine.objects.create(id=number, name="Laser", type=MachineType.objects.get(pk=laser.type_id))
    plan = make_plan(laser)
    with django_assert_max_num_queries(9):
        boss.get(COPY, {"plans": plan.pk})
