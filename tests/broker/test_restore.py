"""A worker that goes on while a backup takes the place of its database: the next tap is answered by it."""

import threading

import pytest

from tests.broker import lab
from tests.broker.lab import ADA, BRUNO, LASER, PRINTER, until
from tests.restoring import LabInAFolder

pytestmark = lab.needs_broker

NEW = "0c0c0c0c"  # a card that was given to Bruno after the backup
GIVE_NEW_CARD = (
    "INSERT INTO members_card (uid, member_id, is_lost, label, created_at)"
    " SELECT '0c0c0c0c', member_id, 0, '', created_at FROM members_card WHERE uid = 'b1b1b1b1'"
)


@pytest.fixture
def place(tmp_path, broker, database):
    place = LabInAFolder(tmp_path, broker.url)
    place.backup()
    return place


def restore(place):
    code, said = place.run("restore", "latest", "--no-input")
    assert code == 0, said
    return said


def may(boards, uid, machine=PRINTER):
    return boards.ask(machine, "checkuser", uid=uid)["is_valid"]


def change_much(database):
    database.change("UPDATE members_card SET is_lost = 1 WHERE uid = ?", ADA)
    database.change(GIVE_NEW_CARD)
    database.change("DELETE FROM members_card WHERE uid = ?", BRUNO)
    database.change("UPDATE machines_machine SET is_blocked = 1, blocked_reason = 'Belt' WHERE id = ?", LASER)


def test_cards_rights_and_blocks_of_the_backup_count_at_the_next_tap(worker, boards, database, place, connect):
    screen = connect(lab.Client, "fabomatic/status/#")
    change_much(database)
    assert [may(boards, uid) for uid in (ADA, BRUNO, NEW)] == [False, False, True]
    assert boards.ask(LASER, "checkmachine")["allowed"] is False
    until(lambda: (screen.status(LASER) or {}).get("state") == "blocked", seconds=6)
    assert "Nothing has to be restarted" in restore(place)
    assert [may(boards, uid) for uid in (ADA, BRUNO, NEW)] == [True, True, False]
    assert boards.ask(LASER, "checkmachine")["allowed"] is True
    until(lambda: screen.status(LASER)["state"] != "blocked", seconds=2, what="the worker was not nudged")
    assert "Traceback" not in worker.log


def test_uses_go_on_in_the_restored_database(worker, boards, database, place):
    assert boards.ask(LASER, "startuse", uid=ADA)["request_ok"] is True
    restore(place)
    assert boards.ask(LASER, "inuse", uid=ADA, duration=30)["request_ok"] is True
    assert boards.ask(LASER, "stopuse", uid=ADA, duration=60)["request_ok"] is True
    assert database.uses() == [(ADA, 60, "stop")]
    assert database.hours_add_up()


def test_a_conflict_of_boards_is_that_of_the_backup(worker, boards, database, place):
    alive = {"version": "1", "ip": "10.0.0.1", "heap": "1", "build": "b"}
    for serial in ("one", "two"):
        boards.send(LASER, "alive", serial=serial, **alive)
    until(lambda: database.value("SELECT count(*) FROM telemetry_board WHERE conflict_machine_id = ?", LASER))
    assert not may(boards, ADA, LASER)
    restore(place)
    assert may(boards, ADA, LASER)


def test_boards_are_answered_meanwhile_and_nothing_that_happened_is_half_there(worker, boards, database, place):
    said = []
    restoring = threading.Thread(target=lambda: said.append(restore(place)))
    restoring.start()
    answers = []
    while restoring.is_alive():
        answers.append(boards.ask(PRINTER, "checkuser", uid=BRUNO))
        boards.ask(LASER, "stopuse", uid=ADA, duration=60)
    restoring.join()
    assert said
    assert all(answer and answer["is_valid"] for answer in answers)
    assert database.hours_add_up()
    assert database.value("PRAGMA integrity_check") == "ok"
    assert "Traceback" not in worker.log


def test_a_worker_beside_a_broken_database_goes_on_by_itself_with_the_restored_one(worker, boards, database, place):
    for side in ("-wal", "-shm"):
        place.folder.joinpath(f"lab.sqlite3{side}").unlink(missing_ok=True)
    database.path.unlink()
    database.path.write_bytes(b"this is no database " * 500)
    assert boards.ask(LASER, "checkuser", uid=ADA)["request_ok"] is False
    restore(place)
    until(lambda: boards.ask(LASER, "checkuser", uid=ADA)["is_valid"])
    assert boards.ask(LASER, "stopuse", uid=ADA, duration=60)["request_ok"] is True
    assert database.hours_add_up()
