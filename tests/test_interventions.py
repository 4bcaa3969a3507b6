"""Work that staff enters, corrects or deletes by hand: the plan follows its latest one."""

from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db.models import RestrictedError

from machines.models import Intervention, Machine, MaintenancePlan
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
