"""Whatever dies or goes away meanwhile: no use is lost, none counts twice."""

import time

import pytest

from tests.broker import lab
from tests.broker.lab import ADA, BRUNO, CARLA, LASER, PRINTER, until

pytestmark = lab.needs_broker


def test_a_worker_killed_between_start_and_stop_loses_nothing(worker, boards, database, start_worker, broker):
    boards.ask(LASER, "startuse", uid=ADA)
    worker.kill()
    start_worker(broker)
    boards.wait_for_worker()
    assert boards.ask(LASER, "stopuse", uid=ADA, duration=600)["request_ok"] is True
    assert database.uses() == [(ADA, 600, "stop")]
    assert database.odometer() == 600


@pytest.mark.parametrize(
    ("action", "fields", "expected"),
    [
        ("startuse", {"uid": ADA}, [(ADA, None, "")]),
        ("stopuse", {"uid": ADA, "duration": 600}, [(ADA, 600, "stop")]),
    ],
)
def test_what_was_written_and_not_answered_is_found_by_the_replay(
    broker, boards, database, start_worker, action, fields, expected
):
    dying = start_worker(broker, script=["-m", "tests.broker.dies_before_answering"])
    boards.wait_for_worker()
    assert boards.ask(LASER, action, **fields) is None
    dying.wait()
    assert database.uses() == expected
    start_worker(broker)
    boards.wait_for_worker()
    assert boards.ask(LASER, action, replay=True, **fields)["request_ok"] is True
    assert database.uses() == expected
    assert database.hours_add_up()


def test_a_worker_killed_at_any_moment_of_a_burst_loses_and_doubles_nothing(
    worker, boards, database, start_worker, broker
):
    machines = range(100, 140)
    for machine in machines:
        boards.send(machine, "stopuse", uid=ADA, duration=machine)
    boards.reply(110)
    worker.kill()
    start_worker(broker)
    boards.wait_for_worker()
    answered = [machine for machine in machines if machine == 110 or boards.unread(machine)]
    for machine in answered:
        assert database.uses(machine) == [(ADA, machine, "stop")], "answered and not written"
    for machine in set(machines) - set(answered):
        assert boards.ask(machine, "stopuse", uid=ADA, duration=machine, replay=True)["request_ok"] is True
    assert [database.uses(machine) for machine in machines] == [[(ADA, m, "stop")] for m in machines]
    assert database.hours_add_up()


def test_while_the_worker_is_away_boards_go_on_and_bring_it_all_afterwards(
    worker, boards, database, start_worker, broker
):
    """Ada's use has begun; the rest of ten minutes nobody hears. The board replays it in order."""
    boards.ask(LASER, "startuse", uid=ADA)
    boards.ask(LASER, "inuse", uid=ADA, duration=0)
    worker.kill()
    start_worker(broker)
    boards.wait_for_worker()
    story = [
        ("stopuse", {"uid": ADA, "duration": 180}),
        ("startuse", {"uid": BRUNO}),
        ("stopuse", {"uid": BRUNO, "duration": 120}),
        ("startuse", {"uid": ADA}),
        ("stopuse", {"uid": ADA, "duration": 60}),
        ("startuse", {"uid": CARLA}),
        ("maintenance", {"uid": CARLA}),
    ]
    for action, fields in story:
        began = time.monotonic()
        assert boards.ask(LASER, action, replay=True, **fields)["request_ok"] is True
        assert time.monotonic() - began < 0.9
    assert boards.ask(LASER, "inuse", uid=CARLA, duration=240)["request_ok"] is True
    assert boards.ask(LASER, "stopuse", uid=CARLA, duration=240)["request_ok"] is True
    assert database.uses() == [
        (ADA, 180, "stop"),
        (BRUNO, 120, "stop"),
        (ADA, 60, "stop"),
        (CARLA, 240, "stop"),
    ]
    assert database.odometer() == 600


def test_an_outage_in_which_the_stop_and_its_replay_both_arrive_counts_once(worker, boards, database):
    boards.ask(LASER, "startuse", uid=ADA)
    for replay in ({}, {"replay": True}, {"replay": True}):
        assert boards.ask(LASER, "stopuse", uid=ADA, duration=900, **replay)["request_ok"] is True
    assert database.uses() == [(ADA, 900, "stop")]
    assert database.odometer() == 900


def test_no_use_ends_in_the_future_and_every_estimate_is_marked(worker, boards, database):
    for number in range(5):
        boards.ask(LASER, "startuse", uid=ADA, replay=True)
        boards.ask(LASER, "stopuse", uid=ADA, duration=3600 + number, replay=True)
    rows = database.rows("SELECT ended_at <= datetime('now'), is_replay FROM machines_use WHERE machine_id = 7")
    assert rows == [(1, 1)] * 5
    assert database.odometer() == 5 * 3600 + 10


def test_a_full_buffer_is_replayed_while_other_boards_tap(worker, boards, database):
    """40 messages, each waiting for its answer, within the board's watchdog; nobody else waits."""
    slowest = 0.0
    for number in range(20):
        uid = ADA if number % 2 else CARLA
        for action, fields in (("startuse", {}), ("stopuse", {"duration": 60 + number})):
            boards.send(PRINTER, "checkuser", uid=BRUNO)
            boards.send(100 + number, "checkmachine")
            began = time.monotonic()
            assert boards.ask(LASER, action, uid=uid, replay=True, **fields)["request_ok"] is True
            slowest = max(slowest, time.monotonic() - began)
            assert boards.reply(PRINTER)["is_valid"] is True
            assert boards.reply(100 + number)["allowed"] is True
    assert slowest < 0.5
    assert len(database.uses()) == 20
    assert database.odometer() == sum(range(60, 80))


def test_forty_boards_that_replay_at_once_are_all_answered(worker, boards, database):
    machines = range(100, 140)
    for step in range(5):
        for machine in machines:
            boards.send(machine, "stopuse", uid=ADA, duration=100 + step, replay=True)
        for machine in machines:
            assert boards.reply(machine)["request_ok"] is True
    assert all(database.odometer(machine) == 510 for machine in machines)
    assert sum(boards.unread(machine) for machine in machines) == 0


def test_two_boards_with_one_number_are_a_conflict_and_nobody_is_let_in(worker, boards, database):
    boards.send(LASER, "alive", version="1,0.8.1", ip="10.0.0.7", serial="A1")
    assert boards.ask(LASER, "checkuser", uid=CARLA)["is_valid"] is True
    boards.send(LASER, "alive", version="1,0.8.1", ip="10.0.0.8", serial="B2")
    until(lambda: boards.ask(LASER, "checkuser", uid=CARLA)["is_valid"] is False)
    assert boards.ask(PRINTER, "checkuser", uid=CARLA)["is_valid"] is True
    until(lambda: (LASER, CARLA, "board_conflict") in database.taps())
    assert "B2" in worker.log


def test_the_board_conflict_outlives_a_restart(worker, boards, start_worker, broker):
    for serial in ("A1", "B2"):
        boards.send(LASER, "alive", version="1,0.8.1", ip="10.0.0.7", serial=serial)
    until(lambda: boards.ask(LASER, "checkuser", uid=CARLA)["is_valid"] is False)
    worker.kill()
    start_worker(broker)
    boards.wait_for_worker()
    assert boards.ask(LASER, "checkuser", uid=CARLA)["is_valid"] is False
