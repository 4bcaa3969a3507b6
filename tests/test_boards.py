"""Which board speaks for which machine: a reset board must not borrow another machine's rights."""

import json
from contextlib import contextmanager
from datetime import timedelta

import pytest

from machines.models import Machine, Use
from telemetry.boards import settle_conflict
from telemetry.models import Board
from tests.at_the_desk import Lab, database_fails
from tests.conftest import UIDS, UNKNOWN_UID

pytestmark = pytest.mark.django_db

ADA, CARLA, DORA = UIDS["ada"], UIDS["carla"], UIDS["dora"]


@pytest.fixture
def lab(everybody, laser, printer):
    return Lab()


def board(serial):
    return Board.objects.get(serial=serial)


def outcome(lab, machine, uid=DORA):
    lab.time.travel(1)
    lab.tap(machine, uid)
    return lab.taps()[-1].outcome


def test_a_board_is_noted_with_what_it_says(lab):
    lab.alive(7, "A1", version="1700000000,0.8.1-abc", ip="10.0.0.7", heap="123456")
    noted = board("A1")
    assert (noted.machine_id, noted.build, noted.firmware) == (7, "1700000000", "0.8.1-abc")
    assert (noted.ip_address, noted.free_heap) == ("10.0.0.7", 123456)


def test_a_heap_may_be_a_number_too(lab):
    lab.alive(7, "A1", heap=4711)
    assert board("A1").free_heap == 4711


@pytest.mark.parametrize(
    "odd",
    [{"heap": -1}, {"heap": "many"}, {"heap": 2**70}, {"ip": "nowhere"}, {"ip": 7}, {"version": None}, {"version": 3}],
)
def test_what_is_odd_in_a_sign_of_life_is_left_out(lab, odd):
    lab.alive(7, "A1", **odd)
    assert board("A1").machine_id == 7


def test_a_board_that_speaks_again_is_the_same_board(lab):
    lab.alive(7, "A1")
    lab.time.travel(120)
    lab.alive(7, "A1")
    assert Board.objects.count() == 1
    assert board("A1").last_seen_at - board("A1").first_seen_at == timedelta(seconds=120)


def test_a_known_board_on_another_machine_is_a_conflict_there(lab):
    lab.alive(7, "A1")
    lab.alive(12, "A1")
    assert outcome(lab, 12) == "board_conflict"
    assert outcome(lab, 7) == "granted"


def test_a_reset_board_that_calls_itself_machine_1_is_let_in_by_nobody(lab, printer_type):
    Machine.objects.create(id=1, name="Drill", type=printer_type)
    lab.alive(7, "A1")
    assert outcome(lab, 1, ADA) == "granted"
    lab.alive(1, "A1")
    for uid in (ADA, CARLA, DORA):
        assert outcome(lab, 1, uid) == "board_conflict"


def test_a_conflict_refuses_on_the_wire_also_who_may_use_everything(lab):
    lab.alive(7, "A1")
    lab.alive(12, "A1")
    reply = lab.tap(12, DORA)
    assert (reply["request_ok"], reply["is_valid"], reply["level"]) == (True, False, 0)


def test_a_conflict_gives_boards_no_cards_to_remember(lab):
    assert lab.ask(7, "synccache")["cards"]
    lab.alive(12, "A1")
    lab.alive(7, "A1")
    assert lab.ask(7, "synccache")["cards"] == []


def test_what_happens_at_a_machine_in_conflict_is_recorded_all_the_same(lab):
    lab.alive(12, "A1")
    lab.alive(7, "A1")
    assert lab.ask(7, "startuse", uid=ADA)["request_ok"] is True
    assert Use.objects.get().note


def test_two_boards_on_one_machine_within_five_minutes_are_a_conflict(lab):
    lab.alive(7, "A1")
    lab.time.travel(299)
    lab.alive(7, "B2")
    assert outcome(lab, 7) == "board_conflict"


def test_a_new_board_after_the_old_one_fell_silent_is_a_swap(lab, caplog):
    caplog.set_level("INFO")
    lab.alive(7, "A1")
    lab.time.travel(301)
    lab.alive(7, "B2")
    assert outcome(lab, 7) == "granted"
    assert board("B2").machine_id == 7
    assert "B2" in caplog.text


def test_the_old_board_that_comes_back_soon_after_a_swap_is_a_conflict(lab):
    lab.alive(7, "A1")
    lab.time.travel(301)
    lab.alive(7, "B2")
    lab.time.travel(60)
    lab.alive(7, "A1")
    assert outcome(lab, 7) == "board_conflict"


def test_a_conflict_stands_however_long_nobody_settles_it(lab):
    lab.alive(7, "A1")
    lab.alive(7, "B2")
    for _time in range(30):
        lab.time.travel(120)
        lab.alive(7, "B2")
    assert outcome(lab, 7) == "board_conflict"


def test_a_conflict_stands_while_the_rightful_board_goes_on_speaking(lab):
    lab.alive(7, "A1")
    lab.alive(7, "B2")
    lab.time.travel(600)
    lab.alive(7, "A1")
    assert outcome(lab, 7) == "board_conflict"


def test_since_when_a_conflict_stands_does_not_move(lab):
    lab.alive(7, "A1")
    lab.alive(7, "B2")
    since = board("B2").conflict_since
    lab.time.travel(120)
    lab.alive(7, "B2")
    assert board("B2").conflict_since == since


def test_a_board_that_is_back_on_its_own_machine_ends_the_conflict(lab):
    lab.alive(7, "A1")
    lab.alive(12, "A1")
    lab.time.travel(120)
    lab.alive(7, "A1")
    assert outcome(lab, 12) == "granted"
    assert outcome(lab, 7) == "granted"


def test_staff_says_which_board_belongs_there(lab):
    lab.alive(7, "A1")
    lab.alive(7, "B2")
    settle_conflict(7, board("A1"))
    assert outcome(lab, 7) == "granted"


def test_staff_may_say_that_the_board_has_moved(lab):
    lab.alive(7, "A1")
    lab.alive(12, "A1")
    settle_conflict(12, board("A1"))
    lab.time.travel(120)
    lab.alive(12, "A1")
    assert outcome(lab, 12) == "granted"
    assert board("A1").machine_id == 12


def test_a_board_that_was_sent_away_and_goes_on_speaking_is_a_conflict_again(lab):
    lab.alive(7, "A1")
    lab.alive(7, "B2")
    settle_conflict(7, board("A1"))
    lab.time.travel(60)
    lab.alive(7, "A1")
    lab.alive(7, "B2")
    assert outcome(lab, 7) == "board_conflict"


def test_a_settled_board_stays_settled_while_the_other_is_silent(lab):
    lab.alive(7, "A1")
    lab.alive(7, "B2")
    settle_conflict(7, board("B2"))
    for _time in range(5):
        lab.time.travel(120)
        lab.alive(7, "B2")
    assert outcome(lab, 7) == "granted"


def test_a_conflict_is_told_in_the_log(lab, caplog):
    lab.alive(7, "A1")
    lab.alive(12, "A1")
    assert "A1" in caplog.text
    assert "12" in caplog.text


def test_a_firmware_without_serial_is_no_conflict(lab):
    lab.alive(7)
    lab.alive(7, ip="192.168.1.99")
    assert outcome(lab, 7) == "granted"
    assert Board.objects.count() == 1


def test_boards_without_serial_are_one_for_each_machine(lab):
    lab.alive(7)
    lab.alive(12)
    assert set(Board.objects.values_list("machine_id", flat=True)) == {7, 12}


def test_a_board_that_learned_its_serial_is_the_same_board(lab):
    lab.alive(7)
    lab.time.travel(60)
    lab.alive(7, "A1")
    assert board("A1").machine_id == 7
    assert Board.objects.count() == 1
    assert outcome(lab, 7) == "granted"


def test_a_board_of_a_machine_that_was_deleted_is_free_for_another(lab, printer):
    lab.alive(12, "A1")
    printer.delete()
    lab.alive(7, "A1")
    assert outcome(lab, 7) == "granted"


@pytest.mark.parametrize("uid", [ADA, UNKNOWN_UID])
def test_the_outcome_of_a_conflict_comes_before_what_the_card_may_do(lab, uid):
    lab.alive(7, "A1")
    lab.alive(7, "B2")
    assert outcome(lab, 7, uid) == "board_conflict"


@contextmanager
def nothing_can_be_written(lab, message="database is locked"):
    lab.time.step = 0.001
    with database_fails(message, when=lambda sql: sql.startswith(("INSERT", "UPDATE", "SELECT COUNT"))):
        yield
    lab.time.step = 0.0


@pytest.mark.parametrize("trouble", ["database is locked", "disk I/O error"])
def test_a_conflict_that_could_not_be_noted_lets_nobody_in(lab, trouble):
    lab.alive(7, "A1")
    lab.alive(12, "B2")
    lab.time.travel(600)
    with nothing_can_be_written(lab, trouble):
        lab.alive(7, "B2")
        assert lab.tap(7, DORA)["request_ok"] is False
        assert lab.tap(12, DORA)["is_valid"] is True
    assert lab.tap(7, DORA)["is_valid"] is False
    assert board("B2").conflict_machine_id == 7


def test_a_board_where_it_belongs_need_not_be_noted_for_a_tap_to_be_decided(lab):
    lab.alive(7, "A1")
    lab.time.travel(120)
    with nothing_can_be_written(lab):
        lab.alive(7, "A1")
        assert lab.tap(7, DORA)["is_valid"] is True


def test_a_sign_of_life_that_could_not_be_noted_is_noted_later(lab):
    with nothing_can_be_written(lab):
        lab.alive(7, "A1")
    lab.desk.hear_again()
    lab.tap(12, DORA)
    assert board("A1").machine_id == 7
    lab.desk.hear_again()
    assert not lab.desk.pending


def test_a_board_in_conflict_gets_no_cards_while_its_sign_of_life_waits(lab):
    lab.alive(7, "A1")
    lab.alive(12, "B2")
    alive = json.dumps({"action": "alive", "version": "1,2", "ip": "10.0.0.1", "serial": "B2"})
    lab.desk.accept("machine/7", alive.encode(), lab.time.seconds)
    assert lab.ask(7, "synccache")["cards"] == []
