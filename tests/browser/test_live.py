"""What boards and staff do shows on every open page, within a second."""

from datetime import UTC, datetime, timedelta

import pytest
from selenium.webdriver.common.keys import Keys

from tests.broker.lab import ADA, LASER, until
from tests.browser.lab import SOON

CHANGE = "/admin/machines/machine/{}/change/"


@pytest.fixture
def saw(the_lab):
    return the_lab.fresh_saw()


@pytest.fixture
def page(browser, saw):
    page = browser.open()
    until(lambda: page.is_live() and page.state(saw) == "free")
    return page


def test_a_tap_turns_the_card_and_the_counts_follow(the_lab, page, saw):
    free, in_use = page.count("free"), page.count("in_use")
    the_lab.start_use(saw)
    until(lambda: page.state(saw) == "in_use", SOON)
    assert page.text(f"#machine-{saw} .word") == "In use"
    assert (page.count("free"), page.count("in_use")) == (free - 1, in_use + 1)
    the_lab.stop_use(saw)
    until(lambda: page.state(saw) == "free", SOON)
    assert page.text(f"#machine-{saw} .word") == "Free"
    assert (page.count("free"), page.count("in_use")) == (free, in_use)


def test_every_open_page_follows(the_lab, browser, page, saw):
    pages = [page, browser.open(), browser.open("/?kiosk", language="it")]
    until(lambda: all(page.is_live() for page in pages))
    the_lab.start_use(saw)
    until(lambda: all(page.state(saw) == "in_use" for page in pages), SOON)
    assert pages[2].text(f"#machine-{saw} .word") == "In uso"


def test_changes_are_announced(the_lab, page, saw):
    the_lab.start_use(saw)
    name = page.text(f"#machine-{saw} h3")
    until(lambda: name in page.text("[aria-live=polite]") and "In use" in page.text("[aria-live=polite]"), SOON)


def test_the_time_of_use_ticks(the_lab, page, saw):
    assert the_lab.boards.ask(saw, "inuse", uid=ADA, duration=57)["request_ok"]
    elapsed = f"#machine-{saw} .elapsed"
    until(lambda: page.text(elapsed) == "0 min", SOON)
    until(lambda: page.text(elapsed) == "1 min", 5)


def test_a_card_that_changes_stays_where_the_reader_is(the_lab, page, saw):
    """With the keyboard's focus on it."""
    page.run("document.querySelector(arguments[0]).focus()", f"#machine-{saw} a")
    the_lab.start_use(saw)
    until(lambda: page.state(saw) == "in_use", SOON)
    assert page.value("document.activeElement.closest('.machine')?.id") == f"machine-{saw}"


# ---- staff -----------------------------------------------------------------------------------------------------------


def test_staff_blocks_and_frees(page, staff, saw):
    staff.save(CHANGE.format(saw), is_blocked="on", blocked_reason="Belt <b>torn</b>")
    until(lambda: page.state(saw) == "blocked", SOON)
    assert "Belt <b>torn</b>" in page.card(saw)
    staff.save(CHANGE.format(saw), is_blocked=None)
    until(lambda: page.state(saw) == "free", SOON)


def test_staff_renames_and_moves(page, staff, saw):
    staff.save(CHANGE.format(saw), name="Aaa <i>saw</i>", location="Cellar")
    until(lambda: "Aaa <i>saw</i>" in page.card(saw) and "Cellar" in page.card(saw), SOON)
    assert page.value("document.querySelector('main h3').innerText") == "Aaa <i>saw</i>"


def test_staff_adds_and_deletes(page, staff):
    total = page.count()
    staff.save("/admin/machines/machine/add/", id=4711, name="New saw", type=2)
    until(lambda: page.state(4711) == "offline", SOON)
    assert page.count() == total + 1
    staff.delete("/admin/machines/machine/4711/delete/")
    until(lambda: page.state(4711) is None, SOON)
    assert page.count() == total


def test_staff_records_work(the_lab, page, staff):
    the_lab.boards.ask(LASER, "checkmachine")
    the_lab.stop_use(LASER, duration=7200)
    until(lambda: page.state(LASER) == "maintenance", SOON)
    plan = the_lab.database.value("SELECT id FROM machines_maintenanceplan WHERE machine_id = ?", LASER)
    staff.save("/admin/machines/intervention/add/", plan=plan)
    until(lambda: page.state(LASER) == "free", SOON)


def test_staff_closes_a_use_by_hand(the_lab, page, staff, saw):
    the_lab.start_use(saw)
    until(lambda: page.state(saw) == "in_use", SOON)
    use = the_lab.database.value("SELECT id FROM machines_use WHERE machine_id = ? AND ended_at IS NULL", saw)
    path = f"/admin/machines/use/{use}/change/"
    began = staff.fields(path)
    staff.save(path, ended_at_0=began["started_at_0"], ended_at_1=began["started_at_1"])
    until(lambda: page.state(saw) == "free", SOON)


def test_a_plan_falls_due_by_the_calendar(the_lab, page, staff, saw):
    """Nobody does anything: the time comes."""
    due_at = datetime.now(UTC) + timedelta(seconds=1)
    the_lab.database.change(
        "INSERT INTO machines_maintenanceplan (machine_id, description, lcd_message, instructions_url, days_between,"
        " reading_at_last_work, last_work_at, base_reading, base_at, is_active)"
        " VALUES (?1, 'Oil it', 'Oil it', '', 1, 0, ?2, 0, ?2, 1)",
        saw,
        f"{due_at - timedelta(days=1):%Y-%m-%d %H:%M:%S.%f}",
    )
    until(lambda: page.state(saw) == "maintenance", 20)


# ---- filters ---------------------------------------------------------------------------------------------------------


def test_a_click_on_a_count_shows_those_only(the_lab, page, saw):
    other = the_lab.fresh_saw()
    the_lab.start_use(other)
    until(lambda: page.state(other) == "in_use", SOON)
    page.run("window.stays = true")
    page.click(".states .in_use")
    until(lambda: not page.shows(f"#machine-{saw}"), SOON)
    assert page.shows(f"#machine-{other}")
    the_lab.start_use(saw)
    until(lambda: page.shows(f"#machine-{saw}"), SOON)
    the_lab.stop_use(saw)
    until(lambda: not page.shows(f"#machine-{saw}"), SOON)
    page.click(".states a:not(.free, .in_use, .maintenance, .blocked, .offline)")
    until(lambda: page.shows(f"#machine-{saw}"), SOON)
    assert page.value("window.stays"), "the page was loaded again"


def test_a_filter_outlives_a_reload(the_lab, page, saw):
    the_lab.start_use(saw)
    until(lambda: page.state(saw) == "in_use", SOON)
    page.click(".states .free")
    until(lambda: not page.shows(f"#machine-{saw}"), SOON)
    page.driver.refresh()
    until(page.is_live)
    assert page.url.endswith("?state=free")
    assert not page.shows(f"#machine-{saw}")


def test_filters_work_from_the_keyboard(the_lab, page, saw):
    page.run("document.querySelector('.states .blocked').focus()")
    page.press(Keys.ENTER)
    until(lambda: not page.shows(f"#machine-{saw}"), SOON)
    assert page.value("document.activeElement.classList.contains('blocked')")
    assert page.value("document.activeElement.ariaCurrent") == "true"


def test_a_page_grouped_by_place_follows_too(the_lab, browser, staff, saw):
    page = browser.open("/?group=place")
    until(page.is_live)
    staff.save(CHANGE.format(saw), location="Attic")
    until(lambda: "attic" in [title.lower() for title in page.texts("main h2")], SOON)
    the_lab.start_use(saw)
    until(lambda: page.state(saw) == "in_use", SOON)
