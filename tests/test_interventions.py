"""Work that staff enters, corrects or deletes by hand: the plan follows its latest one."""

from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db.models import RestrictedError

from machines.models import Intervention, Machine, MaintenancePlan, Use
from machines.models.maintenance import is_long_ago, odometer_at
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


def work(plan, days_ago, **fields):
    return Intervention.objects.create(plan=plan, at=NOW - timedelta(days=days_ago), **fields)


def last_work(plan):
    plan.refresh_from_db()
    return (NOW - plan.last_work_at).days, plan.reading_at_last_work


def test_work_entered_by_hand_moves_the_plan(plan):
    work(plan, 3, reading=40 * HOUR)
    assert last_work(plan) == (3, 40 * HOUR)


def test_older_work_entered_later_does_not_move_the_plan_back(plan):
    work(plan, 3, reading=40 * HOUR)
    work(plan, 9, reading=20 * HOUR)
    assert last_work(plan) == (3, 40 * HOUR)


def test_corrected_work_moves_the_plan(plan):
    done = work(plan, 3, reading=40 * HOUR)
    done.at, done.reading = NOW - timedelta(days=2), 41 * HOUR
    done.save()
    assert last_work(plan) == (2, 41 * HOUR)


def test_deleting_the_latest_gives_the_plan_back_to_the_one_before(plan):
    work(plan, 9, reading=20 * HOUR)
    work(plan, 3, reading=40 * HOUR).delete()
    assert last_work(plan) == (9, 20 * HOUR)


def test_deleting_in_bulk_lets_the_plan_follow_too(plan):
    work(plan, 9, reading=20 * HOUR)
    work(plan, 3, reading=40 * HOUR)
    work(plan, 2, reading=50 * HOUR)
    Intervention.objects.filter(reading__gt=20 * HOUR).delete()
    assert last_work(plan) == (9, 20 * HOUR)


def test_work_moved_to_another_plan_moves_both(laser, plan, make_plan):
    other = make_plan(laser, "Oil", last_work_at=NOW - timedelta(days=60))
    work(plan, 9, reading=20 * HOUR)
    done = work(plan, 3, reading=40 * HOUR)
    done.plan = other
    done.save()
    assert (last_work(plan), last_work(other)) == ((9, 20 * HOUR), (3, 40 * HOUR))


def test_empty_reading_is_what_the_machine_shows_now(plan, make_use, laser):
    make_use(laser, 600)
    done = Intervention(plan=plan, machine=laser)
    done.full_clean()
    done.save()
    assert (done.reading, done.at) == (600, NOW)


def test_empty_reading_of_the_past_is_what_the_machine_showed_then(plan, make_use, laser):
    make_use(laser, 5 * HOUR, hours_ago=30)
    make_use(laser, 2 * HOUR, hours_ago=20)
    make_use(laser, HOUR, hours_ago=5)
    Use.objects.create(machine=laser, started_at=NOW - timedelta(hours=1))
    readings = [odometer_at(laser.pk, NOW - timedelta(hours=hours)) for hours in (40, 24, 19, 10, 4, 0)]
    assert readings == [0, 5 * HOUR, 5 * HOUR, 7 * HOUR, 8 * HOUR, 8 * HOUR]
    assert work(plan, 1, reading=None).reading == 5 * HOUR


def test_hours_the_machine_came_with_were_always_there(laser, make_use):
    laser.initial_seconds = 100 * HOUR
    laser.save()
    make_use(laser, HOUR)
    assert odometer_at(laser.pk, NOW - timedelta(days=900)) == 100 * HOUR


def test_what_would_add_up_a_whole_history_is_known_before(laser, make_use, monkeypatch):
    monkeypatch.setattr("machines.models.maintenance.MOST_COUNTED_BACK", 2)
    for hours_ago in (9, 6, 3):
        make_use(laser, 60, hours_ago=hours_ago)
    assert is_long_ago(laser.pk, NOW - timedelta(days=1))
    assert not is_long_ago(laser.pk, NOW - timedelta(hours=7))


def test_machine_is_that_of_the_plan_whatever_the_form_said(plan, printer):
    assert Intervention.objects.create(plan=plan, machine=printer).machine_id == plan.machine_id


def test_work_in_the_future_is_refused(plan, laser):
    with pytest.raises(ValidationError) as refusal:
        Intervention(plan=plan, machine=laser, at=NOW + timedelta(hours=1), reading=0).full_clean()
    assert "at" in refusal.value.error_dict


def test_plan_with_work_done_cannot_be_deleted(plan):
    work(plan, 3)
    with pytest.raises(RestrictedError):
        plan.delete()


def test_plan_without_work_can_be_deleted(plan):
    plan.delete()
    assert not MaintenancePlan.objects.exists()


def test_machine_with_work_done_can_be_deleted(plan):
    work(plan, 3)
    Machine.objects.get().delete()
    assert not Intervention.objects.exists()
