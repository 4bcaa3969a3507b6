"""What boards notice of a database that is locked, gone, or comes back: nothing where that can be."""

import os
import shutil
import time

import pytest

from tests.broker import lab
from tests.broker.lab import ADA, BRUNO, CARLA, LASER, PRINTER, until

pytestmark = lab.needs_broker

QUESTIONS = (("checkuser", {"uid": ADA}), ("checkmachine", {}), ("synccache", {}))


def test_a_lock_of_a_second_is_noticed_by_nobody(worker, boards, database):
    with database.locked():
        boards.send(LASER, "startuse", uid=ADA)
        boards.send(PRINTER, "inuse", uid=BRUNO, duration=30)
        boards.send(100, "stopuse", uid=ADA, duration=60)
        for action, fields in QUESTIONS:
            assert boards.ask(101, action, patience=0.5, **fields)["request_ok"] is True
        assert boards.reply(LASER, 0.7) is None
    for machine in (LASER, PRINTER, 100):
        assert boards.reply(machine, 1.0)["request_ok"] is True
    assert database.hours_add_up()
    assert boards.reply(LASER, 0.1) is None


def test_a_tap_at_the_same_machine_waits_for_its_turn_and_is_answered(worker, boards, database):
    with database.locked():
        boards.send(LASER, "startuse", uid=ADA)
        boards.send(LASER, "checkmachine")
        time.sleep(0.5)
    assert "message" in boards.reply(LASER)
    assert "allowed" in boards.reply(LASER)


def test_during_a_long_lock_questions_are_answered_and_what_happened_waits_at_the_board(worker, boards, database):
    began = time.monotonic()
    with database.locked():
        while time.monotonic() - began < 10:
            assert boards.ask(PRINTER, "checkuser", uid=BRUNO)["is_valid"] is True
            assert boards.ask(100, "checkmachine")["allowed"] is True
            assert boards.ask(101, "inuse", uid=ADA, duration=30)["request_ok"] is False
            boards.send(LASER, "stopuse", uid=ADA, duration=600)
            assert boards.reply(LASER, 0.2) is None
    boards.reply(LASER, 0.5)  # the last one may have been in time
    reply = until(lambda: boards.ask(LASER, "stopuse", uid=ADA, duration=600, replay=True))
    assert reply["request_ok"] is True
    assert database.uses() == [(ADA, 600, "stop")]
    assert database.odometer() == 600
    assert "Traceback" not in worker.log


def test_a_database_that_cannot_even_be_read_says_so_within_the_boards_patience(broker, boards, database, start_worker):
    database.change("PRAGMA journal_mode=DELETE")
    with database.locked("EXCLUSIVE"):
        worker = start_worker(broker)
        until(lambda: "Connected" in worker.log)
        time.sleep(0.2)
        for machine, (action, fields) in enumerate(QUESTIONS, start=100):
            boards.send(machine, action, **fields)
        boards.send(LASER, "startuse", uid=ADA)
        boards.send(PRINTER, "maintenance", uid=CARLA)
        assert [boards.reply(machine)["request_ok"] for machine in (100, 101, 102)] == [False] * 3
        assert boards.reply(LASER, 0.2) is boards.reply(PRINTER, 0.1) is None
    until(lambda: boards.ask(100, "checkuser", uid=ADA)["is_valid"])
    assert boards.ask(LASER, "startuse", uid=ADA, replay=True)["request_ok"] is True
    assert len(database.uses()) == 1


def aside(path):
    return path.with_name("aside.sqlite3")


def move(path, there):
    """With its journal, as `mv lab.sqlite3*` does."""
    for suffix in ("-wal", "-shm", ""):
        if os.path.exists(f"{path}{suffix}"):
            os.replace(f"{path}{suffix}", f"{there}{suffix}")


def test_a_database_that_is_moved_away_is_not_made_anew(worker, boards, database):
    move(database.path, aside(database.path))
    for action, fields in QUESTIONS:
        assert boards.ask(LASER, action, **fields)["request_ok"] is False
    assert boards.ask(LASER, "startuse", uid=ADA, patience=2) is None
    assert not database.path.exists()
    move(aside(database.path), database.path)
    until(lambda: boards.ask(LASER, "checkuser", uid=ADA)["is_valid"])
    assert boards.ask(LASER, "startuse", uid=ADA, replay=True)["request_ok"] is True
    assert len(database.uses()) == 1
    assert "Traceback" not in worker.log


def test_a_database_that_is_broken_is_our_failure_and_boards_keep_what_happened(worker, boards, database):
    move(database.path, aside(database.path))
    database.path.write_bytes(b"this is no database " * 500)
    for _time in range(20):
        assert boards.ask(LASER, "checkuser", uid=ADA)["request_ok"] is False
    assert boards.ask(PRINTER, "stopuse", patience=0.3, uid=ADA, duration=60, replay=True) is None
    database.path.unlink()
    move(aside(database.path), database.path)
    until(lambda: boards.ask(LASER, "checkuser", uid=ADA)["is_valid"])
    assert boards.ask(PRINTER, "stopuse", uid=ADA, duration=60, replay=True)["request_ok"] is True
    assert database.uses(PRINTER) == [(ADA, 60, "stop")]
    assert "Traceback" not in worker.log
    assert len(worker.log.splitlines()) < 20


def a_backup_in_which_ada_lost_her_card(seeded_file, path):
    shutil.copy(seeded_file, path)
    backup = lab.Database(path)
    backup.change("UPDATE members_card SET is_lost = 1 WHERE uid = ?", ADA)
    backup.change("PRAGMA journal_mode=DELETE")
    return backup


def restore_as_a_file(backup, database):
    """With the old journal removed, as SQLite demands."""
    for suffix in ("-wal", "-shm"):
        os.unlink(f"{database.path}{suffix}")
    os.replace(backup.path, database.path)


def restore_through_sqlite(backup, database):
    """As `sqlite3 lab.sqlite3 ".restore backup.sqlite3"` does."""
    with backup.connection() as source, database.connection() as target:
        source.backup(target)


@pytest.mark.parametrize("restore", [restore_as_a_file, restore_through_sqlite])
def test_a_restored_copy_counts_from_the_next_message(worker, boards, database, seeded_file, restore):
    boards.ask(LASER, "stopuse", uid=ADA, duration=600)
    restore(a_backup_in_which_ada_lost_her_card(seeded_file, aside(database.path)), database)
    assert boards.ask(LASER, "checkuser", uid=ADA)["is_valid"] is False
    assert boards.ask(PRINTER, "stopuse", uid=BRUNO, duration=60)["request_ok"] is True
    assert database.uses(PRINTER) == [(BRUNO, 60, "stop")]
    assert database.uses(LASER) == []
    assert database.value("PRAGMA integrity_check") == "ok"


def test_a_worker_that_starts_without_a_database_makes_none_and_waits_for_it(
    broker, boards, database, start_worker, seeded_file
):
    database.path.unlink()
    worker = start_worker(broker)
    until(lambda: boards.ask(LASER, "checkuser", uid=ADA, patience=0.3))
    assert not database.path.exists()
    shutil.copy(seeded_file, database.path)
    until(lambda: boards.ask(LASER, "checkuser", uid=ADA)["is_valid"])
    assert "Traceback" not in worker.log


def test_taps_made_while_the_database_was_locked_are_written_afterwards(worker, boards, database):
    with database.locked():
        assert boards.ask(LASER, "checkuser", uid=ADA)["is_valid"] is True
        time.sleep(1.2)
        assert database.taps() == []
    until(lambda: database.taps() == [(LASER, ADA, "granted")], seconds=2)


def test_a_tap_is_in_the_log_within_a_second(worker, boards, database):
    boards.ask(LASER, "checkuser", uid="00c0ffee")
    until(lambda: database.taps() == [(LASER, "00c0ffee", "unknown_card")], seconds=1.2)


def test_a_change_by_staff_counts_at_the_next_tap(worker, boards, database):
    assert boards.ask(LASER, "checkuser", uid=ADA)["is_valid"] is True
    database.change("UPDATE members_card SET is_lost = 1 WHERE uid = ?", ADA)
    assert boards.ask(LASER, "checkuser", uid=ADA)["is_valid"] is False


# ---- mqtt_worker --check ---------------------------------------------------------------------------------------------


@pytest.fixture
def check(start_worker):
    def run(broker, **options):
        worker = start_worker(broker, "--check", name="check", **options)
        code = worker.wait(15)
        assert "Traceback" not in worker.log
        lines = worker.log.strip().splitlines()
        return code, lines[-1]

    return run


def test_the_check_says_that_all_is_well(check, broker):
    code, line = check(broker)
    assert code == 0
    assert "All is well" in line
    assert "42 machines" in line


def test_the_check_disturbs_no_worker_and_no_board(check, worker, broker, connect):
    listener = connect(lab.Client, "machine/#", "fabomatic/worker/#")
    listener.heard.clear()
    assert check(broker)[0] == 0
    assert [topic for topic, _payload, is_retained in listener.heard if not is_retained] == []
    assert worker.is_running


def test_the_check_says_that_there_is_no_broker(check, broker):
    broker.stop()
    code, line = check(broker)
    assert code != 0
    assert "No broker answers" in line


def test_the_check_says_that_the_password_is_wrong(check, tmp_path):
    if lab.PASSWORDS is None:
        pytest.skip("mosquitto_passwd is not installed")
    guarded = lab.Broker(tmp_path, passwords={"backend": "right"}).start()
    try:
        code, line = check(guarded, url=f"mqtt://backend:wrong@127.0.0.1:{guarded.port}")
    finally:
        guarded.end()
    assert code != 0
    assert "refuses us" in line
    assert "wrong@" not in line


def test_the_check_says_that_the_database_is_missing_and_makes_none(check, broker, database):
    database.path.unlink()
    code, line = check(broker)
    assert code != 0
    assert "database" in line
    assert not database.path.exists()


def test_the_check_says_that_the_database_is_not_migrated(check, broker, database):
    database.change("DELETE FROM django_migrations WHERE app = 'telemetry'")
    code, line = check(broker)
    assert code != 0
    assert "migrate" in line


def test_the_check_says_that_the_database_is_none(check, broker, database):
    database.path.write_bytes(b"this is no database" * 100)
    code, line = check(broker)
    assert code != 0
    assert "database" in line
