"""From when to when a machine was silent or blocked: noted once, by the worker, whatever happens to it meanwhile."""

import json
from datetime import timedelta

import pytest
from django.db import OperationalError

from machines.models import Machine
from telemetry.collected import LastHeard
from telemetry.downtimes import Downtimes
from telemetry.link import Arrived, Disconnected
from telemetry.models import Downtime
from telemetry.status import snapshot
from tests.at_the_desk import database_fails
from tests.conftest import NOW
from tests.test_worker import shift

__all__ = ["shift"]

pytestmark = pytest.mark.django_db


def at(seconds):
    return NOW + timedelta(seconds=seconds)


class Lab:
    """A worker's notes, and what it would have heard."""

    def __init__(self):
        self.heard = LastHeard()
        self.downtimes = Downtimes()

    def hear(self, machine, seconds):
        self.heard.note(machine.pk, at(seconds))

    def look(self, seconds):
        self.downtimes.compare(snapshot(at(seconds), heard=self.heard.at), at(seconds))
        self.downtimes.write()

    def restart(self):
        """As if killed: what was heard is known as far as it was written."""
        self.heard, self.downtimes = LastHeard(), Downtimes()
        self.heard.load()


@pytest.fixture
def lab(laser):
    return Lab()


def noted(machine=None):
    """Kind, start and end in seconds after NOW."""
    rows = Downtime.objects.order_by("pk") if machine is None else machine.downtimes.order_by("pk")
    return [(row.kind, seconds(row.started_at), seconds(row.ended_at)) for row in rows]


def seconds(time):
    return None if time is None else round((time - NOW).total_seconds())


def block(machine, seconds=0, *, is_blocked=True):
    machine.is_blocked, machine.blocked_at = is_blocked, at(seconds)
    machine.save()


# ---- what is noted ---------------------------------------------------------------------------------------------------


def test_silence_begins_when_the_machine_was_last_heard(lab, laser):
    lab.hear(laser, 0)
    lab.look(89)
    assert noted() == []
    lab.look(90)
    assert noted() == [("offline", 0, None)]


def test_silence_ends_when_the_machine_speaks(lab, laser):
    lab.hear(laser, 0)
    lab.look(100)
    lab.hear(laser, 200)
    lab.look(201)
    assert noted() == [("offline", 0, 201)]


def test_a_machine_never_heard_of_is_not_noted(lab):
    lab.look(1000)
    assert noted() == []


def test_a_block_lasts_from_when_staff_blocked_until_it_is_seen_to_be_free(lab, laser):
    lab.hear(laser, 0)
    block(laser, 5)
    lab.look(7)
    assert noted() == [("blocked", 5, None)]
    block(laser, is_blocked=False)
    lab.look(60)
    assert noted() == [("blocked", 5, 60)]


def test_a_machine_can_be_silent_and_blocked(lab, laser):
    lab.hear(laser, 0)
    block(laser, 5)
    lab.look(100)
    assert sorted(noted()) == [("blocked", 5, None), ("offline", 0, None)]


def test_every_downtime_has_a_row_of_its_own(lab, laser):
    for start in (0, 1000):
        lab.hear(laser, start)
        lab.look(start + 1)
        lab.look(start + 100)
    assert noted() == [("offline", 0, 1001), ("offline", 1000, None)]


def test_machines_are_told_apart(lab, laser, printer):
    lab.hear(laser, 0)
    lab.hear(printer, 95)
    lab.look(100)
    assert (noted(laser), noted(printer)) == ([("offline", 0, None)], [])


def test_nothing_is_written_while_nothing_changes(lab, laser, django_assert_num_queries):
    lab.hear(laser, 0)
    lab.look(100)
    lab.look(103)
    statuses = snapshot(at(106), heard=lab.heard.at)
    with django_assert_num_queries(0):
        lab.downtimes.compare(statuses, at(106))
        lab.downtimes.write()


def test_a_thousand_machines_take_as_many_queries_as_one(lab, laser_type, django_assert_max_num_queries):
    Machine.objects.bulk_create([Machine(id=100 + n, name="x", type=laser_type, last_seen_at=NOW) for n in range(1000)])
    lab.heard.load()
    lab.downtimes.compare(snapshot(at(100), heard=lab.heard.at), at(100))
    with django_assert_max_num_queries(8):  # SQLite takes so many rows at once
        lab.downtimes.write()
    assert Downtime.objects.count() == 1000


# ---- whatever happens meanwhile --------------------------------------------------------------------------------------


def test_a_machine_heard_shortly_before_a_restart_was_never_away(lab, laser):
    Machine.objects.update(last_seen_at=at(0))
    lab.restart()
    lab.look(30)
    lab.hear(laser, 40)
    lab.look(41)
    assert noted() == []


def test_the_workers_own_absence_of_minutes_counts_as_silence(lab, laser):
    Machine.objects.update(last_seen_at=at(0))
    lab.restart()
    lab.look(600)
    lab.hear(laser, 605)
    lab.look(606)
    assert noted() == [("offline", 0, 606)]


def test_a_downtime_goes_on_over_a_restart(lab, laser):
    Machine.objects.update(last_seen_at=at(0))
    block(laser, 5)
    lab.restart()
    lab.look(100)
    before = noted()
    lab.restart()
    lab.look(110)
    assert noted() == before
    block(laser, is_blocked=False)
    lab.restart()
    lab.hear(laser, 119)
    lab.look(120)
    assert sorted(noted()) == [("blocked", 5, 120), ("offline", 0, 120)]


def test_a_clock_set_back_ends_no_downtime_before_its_start(lab, laser):
    lab.hear(laser, 0)
    lab.look(100)
    lab.heard.at[laser.pk] = at(-5000)
    lab.look(-4990)
    assert noted() == [("offline", 0, 0)]


def test_a_clock_set_back_begins_no_downtime_in_the_future(lab, laser):
    lab.hear(laser, 5000)
    block(laser, 5000)
    lab.look(0)
    assert sorted(noted()) == [("blocked", 0, None), ("offline", 0, None)]


def test_a_deleted_machine_takes_its_downtimes_along(lab, laser, printer):
    lab.hear(laser, 0)
    lab.hear(printer, 0)
    lab.look(100)
    laser.delete()
    lab.heard.forget(7)
    lab.hear(printer, 200)
    lab.look(201)
    assert noted() == [("offline", 0, 201)]


@pytest.mark.django_db(transaction=True)
def test_a_machine_deleted_between_looking_and_writing_keeps_the_others_from_nothing(lab, laser, printer):
    lab.hear(laser, 0)
    lab.hear(printer, 0)
    statuses = snapshot(at(100), heard=lab.heard.at)
    laser.delete()
    lab.downtimes.compare(statuses, at(100))
    lab.downtimes.write()
    lab.look(103)
    assert noted() == [("offline", 0, None)]


def test_a_restored_backup_without_the_downtime_is_no_trouble(lab, laser):
    lab.hear(laser, 0)
    lab.look(100)
    Downtime.objects.all().delete()
    lab.hear(laser, 200)
    lab.look(201)
    lab.look(400)
    assert noted() == [("offline", 200, None)]


def test_a_restored_backup_with_a_downtime_we_had_ended_gets_no_second_one(lab, laser):
    lab.hear(laser, 0)
    lab.look(1)
    row = Downtime.objects.create(machine=laser, kind="offline", started_at=at(-50))
    lab.look(100)
    assert noted() == [("offline", -50, None)]
    lab.hear(laser, 200)
    lab.look(203)
    row.refresh_from_db()
    assert row.ended_at == at(203)


def test_a_restored_backup_is_noticed_also_where_nothing_failed(lab, laser):
    lab.hear(laser, 0)
    lab.look(1)
    Downtime.objects.create(machine=laser, kind="offline", started_at=at(-50))
    lab.hear(laser, 700)
    lab.look(700)
    assert noted() == [("offline", -50, 700)]


@pytest.mark.parametrize("message", ["database is locked", "disk I/O error"])
def test_what_could_not_be_written_is_written_later(lab, laser, message):
    lab.hear(laser, 0)
    with database_fails(message, lambda sql: "INSERT" in sql), pytest.raises(OperationalError):
        lab.look(100)
    assert noted() == []
    lab.downtimes.write()
    assert noted() == [("offline", 0, None)]


# ---- the worker ------------------------------------------------------------------------------------------------------


def test_the_worker_notes_silence_and_its_end(shift):
    shift.hear("machine/7", action="checkmachine")
    shift.pass_time(100)
    assert noted() == [("offline", 0, None)]
    shift.hear("machine/7", action="checkmachine")
    shift.pass_time(5)
    ((kind, start, end),) = noted()
    assert (kind, start) == ("offline", 0)
    assert 100 <= end <= 105


def test_a_nudged_worker_notes_a_block_at_once(shift, laser):
    shift.hear("machine/7", action="checkmachine")
    shift.pass_time(10)
    block(laser, 10)
    shift.hear("fabomatic/nudge")
    shift.pass_time(1, step=0.1)
    assert noted() == [("blocked", 10, None)]


def test_without_a_broker_nobody_can_tell_a_silent_machine(shift):
    shift.hear("machine/7", action="checkmachine")
    shift.link.inbox.put(Disconnected())
    shift.turn()
    shift.pass_time(600, step=5)
    assert noted() == []


def test_nothing_is_noted_while_messages_wait_but_not_for_ever(shift):
    shift.hear("machine/7", action="checkmachine")
    shift.pass_time(86)
    question = json.dumps({"action": "alive", "version": "1", "ip": "10.0.0.1"}).encode()
    for _number in range(400):
        shift.link.inbox.put(Arrived("machine/99", question, shift.time.seconds, False))
    shift.pass_time(20, step=0.5)
    assert noted() == []
    shift.pass_time(30, step=0.5)
    assert not shift.link.inbox.empty()
    assert noted() == [("offline", 0, None)]


def test_a_lock_is_waited_for_without_a_word(shift, caplog):
    shift.hear("machine/7", action="checkmachine")
    with database_fails("database is locked", lambda sql: 'INSERT INTO "telemetry_downtime"' in sql):
        shift.pass_time(110)
    assert noted() == []
    shift.pass_time(1, step=0.1)
    assert noted() == [("offline", 0, None)]
    assert caplog.records == []
