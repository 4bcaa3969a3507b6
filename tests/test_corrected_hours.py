"""Hours that staff corrects before the last work: a plan goes on counting what was used since."""

from datetime import timedelta

import pytest
import time_machine

from machines.models import Intervention, Use
from tests.conftest import NOW

pytestmark = pytest.mark.django_db

HOUR = 3600


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def plan(laser, make_plan):
    return make_plan(laser, hours_between=10, last_work_at=NOW - timedelta(days=30))


def used(machine, days_ago, hours):
    end = NOW - timedelta(days=days_ago)
    return Use.objects.create(machine=machine, started_at=end - timedelta(hours=hours), ended_at=end)


def since_last_work(plan):
    plan.refresh_from_db()
    plan.machine.refresh_from_db()
    return (plan.machine.seconds_used - plan.reading_at_last_work) / HOUR


def work(plan, days_ago):
    return Intervention.objects.create(plan=plan, at=NOW - timedelta(days=days_ago))


def test_a_wrong_use_before_the_last_work_is_deleted(plan, laser):
    wrong = used(laser, 9, 200)
    work(plan, 5)
    used(laser, 3, 4)
    wrong.delete()
    assert since_last_work(plan) == 4


def test_a_use_before_the_last_work_is_shortened_or_forgotten_ones_are_added(plan, laser):
    wrong = used(laser, 9, 200)
    work(plan, 5)
    wrong.ended_at = wrong.started_at + timedelta(hours=2)
    wrong.save()
    used(laser, 7, 6)
    assert since_last_work(plan) == 0


def test_a_use_before_the_last_work_moves_to_another_machine(plan, laser, printer, make_plan):
    wrong = used(laser, 9, 200)
    other = make_plan(printer, hours_between=10)
    work(plan, 5)
    work(other, 5)
    wrong.machine = printer
    wrong.save()
    assert (since_last_work(plan), since_last_work(other)) == (0, 0)


def test_a_use_after_the_last_work_is_what_counts(plan, laser):
    work(plan, 5)
    late = used(laser, 3, 4)
    late.ended_at = late.started_at + timedelta(hours=3)
    late.save()
    assert since_last_work(plan) == 3


def test_what_is_deleted_later_brings_the_plan_back_to_a_corrected_reading(plan, laser):
    wrong = used(laser, 9, 200)
    work(plan, 5)
    last = work(plan, 1)
    wrong.delete()
    last.delete()
    assert since_last_work(plan) == 0


def test_a_plan_without_work_counts_on_from_where_it_began(laser, make_plan):
    wrong = used(laser, 9, 200)
    plan = make_plan(laser, hours_between=10, last_work_at=NOW)
    wrong.delete()
    assert since_last_work(plan) == 0


def test_a_note_leaves_readings_alone(plan, laser):
    use = used(laser, 9, 200)
    done = Intervention.objects.create(plan=plan, at=NOW - timedelta(days=5), reading=HOUR)
    use.note = "With gloves"
    use.save()
    done.refresh_from_db()
    assert done.reading == HOUR


def test_hours_from_before_the_machine_came_here_make_no_plan_due(plan, laser):
    used(laser, 9, 8)
    work(plan, 5)
    used(laser, 3, 4)
    for hours in (1000, 20, 0):
        laser.refresh_from_db()
        laser.initial_seconds = hours * HOUR
        laser.save()
        assert since_last_work(plan) == 4
