"""What stands below a machine's card follows it, and lets who is writing there write."""

import json

import pytest

from tests.broker.lab import until
from tests.browser.lab import DORA_CARD, SOON

FIRST_USE = ".uses tbody tr:first-child"


@pytest.fixture
def saw(the_lab):
    return the_lab.fresh_saw()


@pytest.fixture
def page(browser, staff, saw):
    page = browser.open(f"/machines/{saw}/", person=staff)
    until(lambda: page.is_live() and page.state(saw) == "free")
    page.run("window.isStillTheSame = true")
    return page


def test_the_latest_uses_follow_the_card(the_lab, page, saw):
    assert page.text(FIRST_USE) is None
    the_lab.start_use(saw)
    until(lambda: "running" in (page.text(FIRST_USE) or ""), 2 * SOON)
    the_lab.stop_use(saw)
    until(lambda: "stopped at the board" in page.text(FIRST_USE), 2 * SOON)
    assert page.value("window.isStillTheSame")


def test_what_is_being_written_stays_while_warnings_and_uses_follow(the_lab, page, saw):
    page.find("#id_reason").send_keys("The belt is")
    the_lab.start_use(saw)
    until(lambda: "ends the present use" in page.text("#warnings"), 2 * SOON)
    until(lambda: "running" in (page.text(FIRST_USE) or ""), SOON)
    page.press(" torn")
    assert page.value("document.getElementById('id_reason').value") == "The belt is torn"


def test_a_tick_is_not_taken_away_but_its_warning_comes(the_lab, page, saw):
    page.find("#id_sees").click()
    page.run("document.activeElement.blur()")
    the_lab.start_use(saw)
    until(lambda: "ends the present use" in page.text("#warnings"), 2 * SOON)
    assert page.value("document.getElementById('id_sees').checked")


def test_the_boards_answer_to_a_request_appears_by_itself(the_lab, page, saw):
    board = the_lab.listen(f"machine/{saw}/request")
    page.find("#id_sees").click()
    page.find("button[value=start]").click()
    asked = json.loads(until(lambda: board.latest(f"machine/{saw}/request")))
    assert asked == {"request_type": "start", "uid": DORA_CARD}
    until(lambda: "waiting for the board" in (page.text("#echo") or ""))
    page.run("window.isStillTheSame = true")
    the_lab.start_use(saw, DORA_CARD)
    until(lambda: "The board started at" in page.text("#echo"), 2 * SOON)
    assert page.value("window.isStillTheSame")
