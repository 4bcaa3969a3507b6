"""`/machines/<id>/`: live as the wall is, and staff's hands on a machine from afar."""

import json

import pytest

from tests.broker.lab import BRUNO, PRINTER, until
from tests.browser.lab import DORA_CARD, SOON


@pytest.fixture
def saw(the_lab):
    return the_lab.fresh_saw()


@pytest.fixture
def page(browser, saw):
    page = browser.open(f"/machines/{saw}/")
    until(page.is_live)
    return page


def test_its_state_and_its_uses_are_live(the_lab, page, saw):
    assert page.state(saw) == "free"
    the_lab.start_use(saw)
    until(lambda: page.state(saw) == "in_use", SOON)
    until(lambda: "running" in page.text("#uses"), SOON)
    the_lab.stop_use(saw, duration=1)
    until(lambda: page.state(saw) == "free" and "running" not in page.text("#uses"), SOON)


def test_other_machines_do_not_disturb_it(the_lab, browser, page):
    browser.socket_frames().clear()
    other = the_lab.fresh_saw()
    the_lab.start_use(other)
    wall = browser.open()
    until(lambda: wall.state(other) == "in_use", SOON)
    assert page.state(other) is None


def test_a_visitor_sees_no_buttons(page):
    assert not page.has("#block, #remote")


def test_a_machine_that_is_deleted_ends_its_page(the_lab, browser, staff):
    browser.expects("404 (Not Found)")
    staff.save("/admin/machines/machine/add/", id=4712, name="Short-lived", type=2)
    page = browser.open("/machines/4712/")
    until(page.is_live)
    staff.delete("/admin/machines/machine/4712/delete/")
    until(lambda: "Short-lived" not in page.text("main"), 2 * SOON)


def test_an_unknown_machine_is_a_page_in_the_sites_style(browser):
    browser.expects("404 (Not Found)")
    page = browser.open("/machines/64000/")
    assert page.text("h1") == "Not found"
    assert page.has("main a.button")


def test_staff_blocks_with_a_reason_and_unblocks(the_lab, browser, staff, page, saw):
    desk = browser.open(f"/machines/{saw}/", person=staff)
    desk.find("#block [name=reason]").send_keys("Belt <b>torn</b>")
    desk.click("#block button")
    until(lambda: page.state(saw) == "blocked", SOON)
    assert "Belt <b>torn</b>" in page.card(saw)
    until(lambda: desk.text("#block button") == "Unblock this machine")
    desk.click("#block button")
    until(lambda: page.state(saw) == "free", SOON)


# ---- from afar -------------------------------------------------------------------------------------------------------


@pytest.fixture
def board(the_lab):
    """Of the printer, whose type may be started from afar."""
    assert the_lab.boards.ask(PRINTER, "checkmachine")["request_ok"]
    return the_lab.listen(f"machine/{PRINTER}/request")


@pytest.fixture
def desk(the_lab, browser, staff, board):
    desk = browser.open(f"/machines/{PRINTER}/", person=staff)
    until(lambda: desk.is_live() and desk.go(f"/machines/{PRINTER}/").has("#remote form"))
    until(desk.is_live)
    return desk


def press(desk, kind):
    desk.click("#remote [name=sees]")
    desk.click(f"#remote [value={kind}]")


def request(board):
    return until(lambda: board.latest(f"machine/{PRINTER}/request"), what="the board was not asked")


def test_staff_stops_a_printer_and_sees_that_the_board_obeyed(the_lab, desk, board):
    the_lab.start_use(PRINTER, BRUNO)
    until(lambda: desk.state(PRINTER) == "in_use" and "in use" in desk.text("#warnings"), 2 * SOON)
    press(desk, "stop")
    assert json.loads(request(board)) == {"request_type": "stop", "uid": DORA_CARD}
    until(lambda: "waiting for the board" in desk.text("#echo"))
    the_lab.stop_use(PRINTER, BRUNO, duration=3)
    until(lambda: "The board stopped" in desk.text("#echo"), 3)
    until(lambda: desk.state(PRINTER) == "free", SOON)


def test_staff_starts_a_printer_with_their_own_card(the_lab, desk, board):
    press(desk, "start")
    assert json.loads(request(board)) == {"request_type": "start", "uid": DORA_CARD}
    the_lab.start_use(PRINTER, DORA_CARD)
    until(lambda: "The board started" in desk.text("#echo"), 3)
    the_lab.stop_use(PRINTER, DORA_CARD, duration=3)


def test_nothing_is_asked_unless_somebody_sees_the_machine(the_lab, browser, desk, board):
    browser.expects("422")
    desk.run("document.querySelector('#remote form').noValidate = true")
    desk.click("#remote [value=stop]")
    until(lambda: "eyes on the machine" in desk.text("#remote"))
    assert board.latest(f"machine/{PRINTER}/request") is None


def test_requests_are_not_retained(the_lab, desk, board):
    """The board would obey again at each connect."""
    press(desk, "stop")
    request(board)
    later = the_lab.listen(f"machine/{PRINTER}/#")
    the_lab.boards.ask(PRINTER, "checkmachine")
    until(lambda: later.heard)
    assert later.latest(f"machine/{PRINTER}/request") is None
