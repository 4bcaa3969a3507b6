"""Boards in the admin: the say over which of them belongs where."""

from datetime import timedelta

import pytest
from django.test import Client

from machines.models import Machine
from telemetry.models import Board
from tests.conftest import NOW
from tests.staff import MACHINE_WORK, backend_role, client_of, filled_in, page, save

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


@pytest.fixture
def board(laser) -> Board:
    return Board.objects.create(serial="A1", machine=laser, ip_address="10.0.0.7", firmware="1.2", last_seen_at=NOW)


def test_every_page_opens(boss, board):
    for url in (
        page(Board, "changelist"),
        page(Board, "change", board.pk),
        page(Board, "history", board.pk),
    ):
        assert boss.get(url).status_code == 200, url


def test_a_list_asks_the_database_as_often_for_many_rows(
    boss, board, laser_type, django_assert_max_num_queries, django_assert_num_queries
):
    with django_assert_max_num_queries(20) as few:
        boss.get(page(Board, "changelist"))
    for number in range(100, 115):
        machine = Machine.objects.create(id=number, name=f"Machine {number}", type=laser_type)
        Board.objects.create(serial=f"B{number}", machine=machine, conflict_machine=machine, conflict_since=NOW)
    with django_assert_num_queries(len(few)):
        boss.get(page(Board, "changelist"))


def test_nobody_invents_a_board(boss):
    assert boss.get(page(Board, "add")).status_code == 403


def test_a_board_that_is_gone_is_deleted(boss, board):
    assert boss.post(page(Board, "delete", board.pk), {"post": "yes"}).status_code == 302
    assert not Board.objects.exists()


def test_staff_says_at_which_machine_a_board_is(make_member, board, printer):
    fixer = client_of(make_member("Fred", role=backend_role("Repairs", *MACHINE_WORK)))
    save(fixer, page(Board, "change", board.pk), machine=printer.pk)
    board.refresh_from_db()
    assert board.machine == printer


def test_who_may_only_look_changes_no_board(make_member, board, printer):
    guest = client_of(make_member("Gil", role=backend_role("Guests", "view_board")))
    assert guest.get(page(Board, "change", board.pk)).status_code == 200
    assert guest.post(page(Board, "change", board.pk), {"machine": printer.pk}).status_code == 403


def test_saying_where_a_board_is_keeps_what_it_told_meanwhile(boss, board, printer):
    sent = filled_in(boss, page(Board, "change", board.pk))
    Board.objects.update(firmware="1.3", last_seen_at=NOW + timedelta(minutes=1))
    boss.post(page(Board, "change", board.pk), {**sent, "machine": printer.pk})
    board.refresh_from_db()
    assert (board.machine, board.firmware, board.last_seen_at) == (printer, "1.3", NOW + timedelta(minutes=1))


def test_saying_where_a_board_is_ends_its_conflict(boss, board, laser, printer):
    Board.objects.update(conflict_machine=printer, conflict_since=NOW)
    save(boss, page(Board, "change", board.pk), machine=printer.pk)
    board.refresh_from_db()
    assert (board.machine, board.conflict_machine) == (printer, None)


def test_a_board_taken_from_its_machine_waits(boss, board):
    save(boss, page(Board, "change", board.pk), machine="")
    board.refresh_from_db()
    assert board.machine is None


def test_a_second_board_without_serial_number_replaces_the_first(boss, laser, printer):
    first = Board.objects.create(machine=laser, ip_address="10.0.0.1")
    second = Board.objects.create(machine=printer, ip_address="10.0.0.2")
    save(boss, page(Board, "change", second.pk), machine=laser.pk)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.machine, second.machine) == (None, laser)


def choose(client: Client, *boards: Board):
    selected = {"action": "belongs_where_it_speaks", "_selected_action": [board.pk for board in boards]}
    return client.post(page(Board, "changelist"), selected, follow=True)


def test_one_click_settles_a_conflict(boss, board, laser, printer):
    newcomer = Board.objects.create(serial="B2", machine=printer, conflict_machine=laser, conflict_since=NOW)
    choose(boss, newcomer)
    board.refresh_from_db()
    newcomer.refresh_from_db()
    assert (board.machine, newcomer.machine, newcomer.conflict_machine) == (None, laser, None)


def test_two_boards_do_not_belong_to_one_machine(boss, laser):
    boards = [
        Board.objects.create(serial=serial, conflict_machine=laser, conflict_since=NOW) for serial in ("B1", "B2")
    ]
    assert "one board per machine" in choose(boss, *boards).content.decode()
    assert Board.objects.filter(conflict_machine=laser).count() == 2


def test_one_click_says_that_the_known_board_is_the_right_one(boss, board, laser):
    newcomer = Board.objects.create(serial="B2", conflict_machine=laser, conflict_since=NOW)
    choose(boss, board)
    board.refresh_from_db()
    newcomer.refresh_from_db()
    assert (board.machine, newcomer.machine, newcomer.conflict_machine) == (laser, None, None)


def test_of_two_boards_at_one_machine_only_one_is_the_right_one(boss, board, laser):
    newcomer = Board.objects.create(serial="B2", conflict_machine=laser, conflict_since=NOW)
    assert "one board per machine" in choose(boss, board, newcomer).content.decode()


def test_a_board_without_a_conflict_stays_where_it_is(boss, board, laser):
    assert "0 conflicts" in choose(boss, board).content.decode()
