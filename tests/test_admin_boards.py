"""Boards in the admin: what they tell of themselves, and the say over which of them belongs where."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from machines.models import Machine
from members.changes import changes_of, sentences
from members.models import Member
from telemetry.models import Board
from tests.conftest import NOW
from tests.staff import MACHINE_WORK, backend_role, client_of, filled_in, page, save

pytestmark = pytest.mark.django_db

LIST = "/admin/telemetry/board/"
LONG_AGO = NOW - timedelta(days=40)


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


@pytest.fixture
def make_staff(make_member):
    def make(*codenames: str) -> Client:
        return client_of(make_member("Fred", role=backend_role("Helpers", *codenames)))

    return make


@pytest.fixture
def board(laser) -> Board:
    facts = {"ip_address": "10.0.0.7", "firmware": "1.2", "build": "170", "free_heap": 181_234}
    return Board.objects.create(serial="A1", machine=laser, last_seen_at=NOW, **facts)


@pytest.fixture
def newcomer(board, laser, printer) -> Board:
    """Known at the printer, and now it calls itself the laser."""
    return Board.objects.create(
        serial="B2", machine=printer, conflict_machine=laser, conflict_since=NOW, last_seen_at=NOW
    )


def text_of(client: Client, url: str = LIST, **query: str) -> str:
    response = client.get(url, query)
    assert response.status_code == 200
    return response.content.decode()


def listed(client: Client, **query: str) -> list[str]:
    return [str(board) for board in client.get(LIST, query).context["cl"].result_list]


def choose(client: Client, board: Board, place: Machine, **data: str):
    return client.post(page(Board, "belongs", board.pk), {"place": place.pk, **data}, follow=True)


def places() -> dict[str, tuple[Machine | None, Machine | None]]:
    return {str(board): (board.machine, board.conflict_machine) for board in Board.objects.all()}


def log_of(board: Board) -> list[str]:
    return [line for change in changes_of(board) for line in sentences(change, sees_people=True)]


# ---- what is shown ---------------------------------------------------------------------------------------------------


def test_every_page_opens(boss, board, newcomer):
    for url in (
        LIST,
        page(Board, "change", board.pk),
        page(Board, "history", board.pk),
        page(Board, "delete", board.pk),
    ):
        assert boss.get(url).status_code in (200, 403), url


@pytest.mark.parametrize("url", [LIST, "/admin/telemetry/board/{}/change/"])
def test_pages_open_in_italian(boss, dora, board, newcomer, url):
    Member.objects.filter(pk=dora.pk).update(language="it")
    assert 'lang="it"' in text_of(boss, url.format(board.pk))


def test_the_list_tells_what_boards_tell(boss, board):
    text = text_of(boss)
    assert not [
        told for told in ("A1", "Laser (7)", "10.0.0.7", "177.0\xa0KB", "10 Mar 2026, 13:00") if told not in text
    ]


def test_a_list_asks_the_database_as_often_for_many_rows(
    boss, board, newcomer, laser, laser_type, django_assert_max_num_queries
):
    with django_assert_max_num_queries(9) as few:
        boss.get(LIST)
    for number in range(100, 115):
        machine = Machine.objects.create(id=number, name=f"Machine {number}", type=laser_type)
        facts = {"conflict_machine": laser, "conflict_since": NOW, "firmware": f"1.{number}"}
        Board.objects.create(serial=f"B{number}", machine=machine, **facts)
        Board.objects.create(serial=f"C{number}", last_seen_at=LONG_AGO)
    with django_assert_max_num_queries(len(few)):
        boss.get(LIST)


def test_a_replaced_board_says_by_which(boss, board, laser):
    Board.objects.create(serial="OLD", machine=laser, last_seen_at=LONG_AGO)
    assert "Replaced by A1." in text_of(boss)
    assert listed(boss, state="replaced") == ["OLD"]


def test_a_board_that_lost_its_machine_says_to_which(boss, board, newcomer, laser):
    choose(boss, newcomer, laser)
    assert "Without a machine.; Machine: Laser (7) → –; Replaced by: B2" in text_of(boss)
    assert listed(boss, state="nowhere") == ["A1"]


def test_a_silent_board_says_so(boss, board):
    Board.objects.create(serial="OLD", last_seen_at=NOW - timedelta(minutes=6))
    assert "Silent." in text_of(boss)
    assert listed(boss, state="silent") == ["OLD"]


def test_boards_behind_the_newest_firmware_are_marked(boss, board, printer):
    Board.objects.create(serial="B2", machine=printer, firmware="v1.10", last_seen_at=NOW)
    assert listed(boss, state="behind") == ["A1"]
    assert text_of(boss).count('class="behind"') == 1


def test_a_board_that_was_replaced_is_behind_nobody(boss, board, laser):
    Board.objects.create(serial="OLD", machine=laser, firmware="0.9", last_seen_at=LONG_AGO)
    assert listed(boss, state="behind") == []


@pytest.mark.parametrize("firmware", ["", "main", "9" * 40, "1.2", "v1.2.0", "2024-13-77", "☃"])
def test_a_firmware_that_says_nothing_makes_nobody_late(boss, board, printer, firmware):
    Board.objects.create(serial="B2", machine=printer, firmware=firmware, last_seen_at=NOW)
    assert listed(boss, state="behind") == []


# ---- conflicts -------------------------------------------------------------------------------------------------------


def test_both_boards_of_a_conflict_are_shown(boss, board, newcomer):
    (conflict,) = boss.get(LIST).context["conflicts"]
    assert [str(one) for one in conflict.boards] == ["A1", "B2"]
    assert sorted(listed(boss, state="conflict")) == ["A1", "B2"]
    assert "In conflict at Laser (7)." in text_of(boss)


def test_a_board_that_was_replaced_long_ago_claims_nothing(boss, board, newcomer, laser):
    Board.objects.create(serial="OLD", machine=laser, last_seen_at=LONG_AGO)
    (conflict,) = boss.get(LIST).context["conflicts"]
    assert [str(one) for one in conflict.boards] == ["A1", "B2"]
    assert sorted(listed(boss, state="conflict")) == ["A1", "B2"]


def test_the_page_of_a_board_shows_only_its_own_conflict(boss, board, newcomer, printer):
    other = Board.objects.create(serial="C3", machine=printer)
    assert [str(found.machine) for found in boss.get(page(Board, "change", board.pk)).context["conflicts"]] == [
        "Laser (7)"
    ]
    assert boss.get(page(Board, "change", other.pk)).context["conflicts"] == []


def test_one_click_says_that_the_newcomer_is_the_right_one(boss, board, newcomer, laser):
    text = choose(boss, newcomer, laser).content.decode()
    assert places() == {"A1": (None, None), "B2": (laser, None)}
    assert "B2 belongs to Laser (7): cards are accepted there again." in text
    assert "A1 has no machine any more." in text


def test_one_click_says_that_the_known_board_is_the_right_one(boss, board, newcomer, laser, printer):
    choose(boss, board, laser)
    assert places() == {"A1": (laser, None), "B2": (printer, None)}


def test_the_row_itself_has_the_button(boss, board, newcomer):
    text = text_of(boss)
    for one in (board, newcomer):
        assert f'formaction="{page(Board, "belongs", one.pk)}" name="place" value="7"' in text


def test_of_three_that_claim_a_machine_one_stays(boss, board, newcomer, laser):
    Board.objects.create(serial="C3", conflict_machine=laser, conflict_since=NOW)
    choose(boss, newcomer, laser)
    assert places() == {"A1": (None, None), "B2": (laser, None), "C3": (None, None)}


def test_both_boards_keep_in_the_log_what_was(boss, dora, board, newcomer, laser):
    choose(boss, newcomer, laser)
    assert log_of(newcomer) == ["Machine: Printer (12) → Laser (7)", "In conflict at: Laser (7) → –"]
    assert log_of(board) == ["Machine: Laser (7) → –", "Replaced by: B2"]
    assert changes_of(board).get().member == dora


def test_a_conflict_that_somebody_else_settled_is_left_alone(boss, board, newcomer, laser):
    choose(boss, board, laser)
    assert "This conflict is no longer there" in choose(boss, newcomer, laser).content.decode()
    assert places()["A1"] == (laser, None)


@pytest.mark.parametrize("place", ["", "12", "999", "seven", "-7"])
def test_only_what_was_asked_can_be_answered(boss, board, newcomer, place):
    before = places()
    boss.post(page(Board, "belongs", newcomer.pk), {"place": place})
    assert places() == before


def test_a_look_at_the_address_settles_nothing(boss, board, newcomer, laser):
    before = places()
    assert boss.get(page(Board, "belongs", newcomer.pk), {"place": laser.pk}).status_code == 302
    assert places() == before


def test_who_may_only_look_settles_nothing(make_staff, board, newcomer, laser):
    guest = make_staff("view_board")
    assert "/belongs/" not in text_of(guest)
    assert choose(guest, newcomer, laser).status_code == 403
    assert places()["B2"][1] == laser


def test_one_answers_from_the_page_of_a_board_and_comes_back_to_it(boss, board, newcomer, laser):
    response = choose(boss, board, laser, back="board")
    assert response.redirect_chain[-1][0] == page(Board, "change", board.pk)


# ---- by hand ---------------------------------------------------------------------------------------------------------


def test_nobody_invents_a_board(boss):
    assert boss.get(page(Board, "add")).status_code == 403


def test_a_board_that_is_gone_is_deleted(boss, board):
    Board.objects.update(last_seen_at=LONG_AGO)
    assert boss.post(page(Board, "delete", board.pk), {"post": "yes"}).status_code == 302
    assert not Board.objects.exists()


def test_a_board_that_speaks_is_not_deleted(boss, board):
    assert boss.post(page(Board, "delete", board.pk), {"post": "yes"}).status_code == 403
    boss.post(LIST, {"action": "delete_selected", "_selected_action": [board.pk], "post": "yes"})
    assert Board.objects.exists()


def test_staff_says_at_which_machine_a_board_is(make_staff, board, printer):
    save(make_staff(*MACHINE_WORK), page(Board, "change", board.pk), machine=printer.pk)
    assert places() == {"A1": (printer, None)}
    assert log_of(board) == ["Machine: Laser (7) → Printer (12)"]


def test_nothing_but_the_machine_can_be_changed(boss, board):
    assert set(boss.get(page(Board, "change", board.pk)).context["adminform"].form.fields) == {"machine"}


def test_who_may_only_look_changes_no_board(make_staff, board, printer):
    guest = make_staff("view_board")
    assert guest.get(page(Board, "change", board.pk)).status_code == 200
    assert guest.post(page(Board, "change", board.pk), {"machine": printer.pk}).status_code == 403


def test_saying_where_a_board_is_keeps_what_it_told_meanwhile(boss, board, printer):
    sent = filled_in(boss, page(Board, "change", board.pk))
    Board.objects.update(firmware="1.3", last_seen_at=NOW + timedelta(minutes=1))
    boss.post(page(Board, "change", board.pk), {**sent, "machine": printer.pk})
    board.refresh_from_db()
    assert (board.machine, board.firmware, board.last_seen_at) == (printer, "1.3", NOW + timedelta(minutes=1))


def test_saying_where_a_board_is_ends_its_conflict(boss, board, printer):
    Board.objects.update(conflict_machine=printer, conflict_since=NOW)
    save(boss, page(Board, "change", board.pk), machine=printer.pk)
    assert places() == {"A1": (printer, None)}


def test_a_board_taken_from_its_machine_waits(boss, board):
    save(boss, page(Board, "change", board.pk), machine="")
    assert places() == {"A1": (None, None)}


def test_a_second_board_without_serial_number_replaces_the_first(boss, laser, printer):
    first = Board.objects.create(machine=laser, ip_address="10.0.0.1")
    second = Board.objects.create(machine=printer, ip_address="10.0.0.2")
    save(boss, page(Board, "change", second.pk), machine=laser.pk)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.machine, second.machine) == (None, laser)
    assert "Replaced by: board without serial number" in log_of(first)
