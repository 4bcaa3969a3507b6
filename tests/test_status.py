"""What a machine is doing, for screens: which state is shown, the exact JSON, and no person in it."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from machines.models import Machine, Use
from telemetry.status import State, is_online, snapshot, snapshot_of, topic_of
from tests.conftest import NOW

pytestmark = pytest.mark.django_db

GOLDEN = Path(__file__).parent / "golden" / "status.json"
HOUR = 3600


def status(machine, now=NOW, heard=None):
    """Both ways to ask give the same answer."""
    one = snapshot_of(machine.pk, now, heard or {})
    assert [one] == snapshot(now, [machine.pk], heard)
    return one


def hear(machine, seconds_ago=0):
    Machine.objects.filter(pk=machine.pk).update(last_seen_at=NOW - timedelta(seconds=seconds_ago))


def use(machine, member=None):
    uid = member.uid if member else "deadbeef"
    return Use.objects.create(machine=machine, member=member, card_uid=uid, started_at=NOW - timedelta(minutes=5))


def block(machine):
    machine.is_blocked = True
    machine.save()


# ---- states ----------------------------------------------------------------------------------------------------------


def test_machine_nobody_heard_of_is_offline_since_ever(laser):
    assert (status(laser).state, status(laser).since, status(laser).is_online) == (State.OFFLINE, None, False)


@pytest.mark.parametrize(("seconds", "state"), [(0, State.FREE), (89, State.FREE), (90, State.OFFLINE)])
def test_machine_silent_for_ninety_seconds_is_offline(laser, seconds, state):
    hear(laser, seconds)
    assert status(laser).state is state


def test_offline_machine_is_so_since_it_was_last_heard(laser):
    hear(laser, 600)
    assert status(laser).since == NOW - timedelta(seconds=600)


def test_what_is_not_yet_written_counts_as_heard(laser):
    hear(laser, 600)
    assert status(laser, heard={laser.pk: NOW}).state is State.FREE


def test_free_machine_is_so_since_its_last_use(laser, make_use):
    hear(laser)
    make_use(laser, 600, hours_ago=9)
    last = make_use(laser, 600, hours_ago=3)
    assert (status(laser).state, status(laser).since) == (State.FREE, last.ended_at)


def test_machine_in_use_is_so_since_its_start(laser):
    hear(laser)
    assert (status(laser).state, status(laser).since) == (State.FREE, None)
    running = use(laser)
    assert (status(laser).state, status(laser).since) == (State.IN_USE, running.started_at)


def test_blocked_machine_is_so_since_it_was_blocked(laser):
    hear(laser)
    block(laser)
    assert (status(laser).state, status(laser).since) == (State.BLOCKED, Machine.objects.get().blocked_at)


def test_due_maintenance_by_days_is_so_since_it_fell_due(laser, make_plan):
    hear(laser)
    make_plan(laser, days_between=7, last_work_at=NOW - timedelta(days=10))
    assert (status(laser).state, status(laser).since) == (State.MAINTENANCE, NOW - timedelta(days=3))


def test_due_maintenance_by_hours_is_so_since_the_use_that_made_it_due(laser, make_plan, make_use):
    hear(laser)
    make_plan(laser, hours_between=1)
    last = make_use(laser, HOUR, hours_ago=3)
    assert (status(laser).state, status(laser).since) == (State.MAINTENANCE, last.ended_at)


def test_inactive_plan_is_not_shown(laser, make_plan):
    make_plan(laser, days_between=1, last_work_at=NOW - timedelta(days=10), is_active=False)
    assert status(laser).maintenance is None


def make_in_use(machine, make_plan):
    use(machine)


def make_blocked(machine, make_plan):
    block(machine)


def make_due(machine, make_plan):
    make_plan(machine, days_between=1, last_work_at=NOW - timedelta(days=10))


def make_offline(machine, make_plan):
    hear(machine, 600)


IN_ORDER = [
    (make_in_use, State.IN_USE),
    (make_blocked, State.BLOCKED),
    (make_due, State.MAINTENANCE),
    (make_offline, State.OFFLINE),
]
PAIRS = [(first, second) for at, first in enumerate(IN_ORDER) for second in IN_ORDER[at + 1 :]]


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=lambda pair: pair[1])
def test_of_two_states_the_first_is_shown(laser, make_plan, first, second):
    hear(laser)
    first[0](laser, make_plan)
    second[0](laser, make_plan)
    assert status(laser).state is first[1]


def test_online_is_told_whatever_the_state(laser):
    use(laser)
    assert not status(laser).is_online
    hear(laser)
    assert status(laser).is_online


# ---- maintenance -----------------------------------------------------------------------------------------------------


def test_plan_that_is_furthest_is_shown_before_it_is_due(laser, make_plan, make_use):
    make_plan(laser, "Oil", hours_between=100)
    make_plan(laser, "Lens", hours_between=4)
    make_use(laser, HOUR)
    shown = status(laser).maintenance
    assert (shown.message, shown.is_due, shown.progress) == ("Lens", False, 0.25)


def test_progress_grows_on_past_one(laser, make_plan, make_use):
    make_plan(laser, hours_between=1)
    make_use(laser, 3 * HOUR, hours_ago=5)
    assert (status(laser).maintenance.is_due, status(laser).maintenance.progress) == (True, 3)


# ---- on the wire -----------------------------------------------------------------------------------------------------


@pytest.fixture
def whole_lab(laser, printer, everybody, make_plan, make_use):
    hear(laser)
    make_plan(laser, hours_between=3)
    make_use(laser, HOUR, hours_ago=3, member=everybody.ada, card_uid=everybody.ada.uid)
    use(laser, everybody.carla)
    Machine.objects.filter(pk=printer.pk).update(name="Drucker für Größeres")
    Machine.objects.filter(pk=printer.pk).update(last_seen_at=NOW - timedelta(minutes=10))


def test_json_is_what_it_was(whole_lab):
    lines = b"\n".join(machine.to_json() for machine in snapshot(NOW)) + b"\n"
    assert lines == GOLDEN.read_bytes()


def test_json_has_the_keys_of_the_design_and_real_types(whole_lab):
    fields = json.loads(snapshot(NOW)[0].to_json())
    assert list(fields) == ["id", "name", "type", "state", "since", "is_online", "seconds_used", "maintenance"]
    assert [type(value) for value in fields.values()] == [int, str, str, str, str, bool, int, dict]


def test_no_person_is_in_it(whole_lab, everybody):
    text = b"".join(machine.to_json() for machine in snapshot(NOW)).decode().lower()
    for member in vars(everybody).values():
        assert member.uid not in text
        assert member.first_name.lower() not in text
        assert str(member.email) not in text


def test_every_machine_has_a_topic_of_its_own():
    assert topic_of(7) == "fabomatic/status/7"


def test_unknown_machine_has_no_status(db):
    assert snapshot_of(999, NOW, {}) is None
    assert snapshot(NOW, [999]) == []


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_words_for_people(state):
    assert str(state.sentence)


# ---- what it costs ---------------------------------------------------------------------------------------------------


def test_all_machines_take_two_queries(whole_lab, laser_type, django_assert_num_queries):
    Machine.objects.bulk_create([Machine(id=100 + number, name="x", type=laser_type) for number in range(50)])
    with django_assert_num_queries(2):
        assert len(snapshot(NOW)) == 52


def test_one_machine_takes_two_queries_whatever_its_history(whole_lab, laser, make_use, django_assert_num_queries):
    for hours_ago in range(10, 60):
        make_use(laser, 60, hours_ago=hours_ago)
    with django_assert_num_queries(2):
        snapshot_of(laser.pk, NOW, {})


@pytest.mark.parametrize("hours", [1, 24])
def test_a_clock_that_was_set_back_keeps_no_silent_machine_online(laser, hours):
    assert not is_online(NOW + timedelta(hours=hours), NOW)
