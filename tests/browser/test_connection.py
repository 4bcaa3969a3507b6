"""When something between a machine and the page is away: it is said plainly, and the truth comes back by itself."""

import pytest

from tests.broker.lab import until
from tests.browser.lab import SOON

LIVE_AGAIN = 2.5  # seconds after what was away is back
NOTICED = 15  # a worker is missed after two heart-beats and a half


@pytest.fixture
def saw(the_lab):
    return the_lab.fresh_saw()


@pytest.fixture
def page(browser, saw):
    browser.expects("WebSocket connection", "ERR_INTERNET_DISCONNECTED", "ERR_CONNECTION_REFUSED")
    page = browser.open()
    until(lambda: page.is_live() and page.state(saw) == "free")
    return page


def troubles(page):
    banners = (
        "[...document.querySelectorAll('.trouble')].filter(banner => banner.checkVisibility()).map(each => each.id)"
    )
    return page.value(banners)


def test_all_is_well_and_nothing_is_said(page):
    assert troubles(page) == []


def test_the_broker_restarts(the_lab, page, saw):
    the_lab.broker.stop()
    until(lambda: troubles(page) == ["trouble-broker"], SOON)
    assert page.text("#trouble-broker")
    the_lab.database.change("UPDATE machines_machine SET name = 'Changed meanwhile' WHERE id = ?", saw)
    the_lab.broker.start()
    until(lambda: troubles(page) == [], LIVE_AGAIN)
    until(lambda: "Changed meanwhile" in page.card(saw), SOON)
    the_lab.wait_for_boards()
    the_lab.start_use(saw)
    until(lambda: page.state(saw) == "in_use", SOON)


def test_the_database_is_shown_while_the_broker_is_away(the_lab, page, staff, saw):
    """Staff's work does not wait for it."""
    the_lab.broker.stop()
    until(lambda: troubles(page) == ["trouble-broker"], SOON)
    staff.save(f"/admin/machines/machine/{saw}/change/", is_blocked="on", blocked_reason="Belt torn")
    until(lambda: page.state(saw) == "blocked", SOON)
    the_lab.broker.start()
    until(lambda: troubles(page) == [], LIVE_AGAIN)
    the_lab.wait_for_boards()


def test_the_web_server_is_killed_and_comes_back(the_lab, page, saw):
    the_lab.web.kill()
    until(lambda: page.is_lost() and troubles(page) == ["trouble-connection"], 4)
    assert page.text("#trouble-connection")
    assert is_faded(page, saw)
    the_lab.start_use(saw)
    the_lab.web.start()
    until(lambda: page.is_live() and page.state(saw) == "in_use", LIVE_AGAIN)
    assert troubles(page) == []
    assert not is_faded(page, saw)


def is_faded(page, machine):
    """Whether a reader sees that this is old."""
    return page.value(
        "(card => parseFloat(getComputedStyle(card).opacity) < 1 || getComputedStyle(card).filter !== 'none'"
        " || [...card.parentElement.closest('main').querySelectorAll('#grid, section, ul')].some("
        "each => parseFloat(getComputedStyle(each).opacity) < 1 || getComputedStyle(each).filter !== 'none'))"
        "(document.getElementById(arguments[0]))",
        f"machine-{machine}",
    )


def test_the_worker_is_killed(the_lab, page, saw):
    the_lab.worker.kill()
    until(lambda: troubles(page) == ["trouble-worker"], NOTICED)
    assert page.text("#trouble-worker")
    the_lab.worker.start()
    the_lab.boards.wait_for_worker()
    until(lambda: troubles(page) == [], LIVE_AGAIN)
    the_lab.start_use(saw)
    until(lambda: page.state(saw) == "in_use", SOON)


def test_the_worker_stops_and_says_so(the_lab, page):
    the_lab.worker.terminate()
    until(lambda: troubles(page) == ["trouble-worker"], SOON)
    the_lab.worker.start()
    the_lab.boards.wait_for_worker()
    until(lambda: troubles(page) == [], LIVE_AGAIN)


def test_the_database_cannot_be_read(the_lab, page, saw):
    with the_lab.database.connection() as database:
        database.execute("PRAGMA legacy_alter_table = ON")  # nothing else is renamed along
        database.execute("ALTER TABLE machines_machine RENAME TO away")
        the_lab.boards.publish("fabomatic/nudge", "")  # as when staff changes something
        until(lambda: "trouble-database" in troubles(page), SOON)
        assert page.text("#trouble-database")
        assert page.state(saw) == "free"
        assert is_faded(page, saw)
        database.execute("ALTER TABLE away RENAME TO machines_machine")
    until(lambda: troubles(page) == [], LIVE_AGAIN)
    the_lab.start_use(saw)
    until(lambda: page.state(saw) == "in_use", SOON)


# ---- laptops and phones ----------------------------------------------------------------------------------------------


def test_a_laptop_without_a_network(the_lab, page, saw):
    page.offline(True)
    until(lambda: page.is_lost(), 12)
    the_lab.start_use(saw)
    page.offline(False)
    until(lambda: page.is_live() and page.state(saw) == "in_use", SOON)


def test_a_laptop_that_slept(the_lab, page, saw):
    """Frozen, the page runs nothing at all; the server has long given it up meanwhile."""
    page.cdp("Page.setWebLifecycleState", state="frozen")
    the_lab.start_use(saw)
    the_lab.web.kill()
    the_lab.web.start()
    page.cdp("Page.setWebLifecycleState", state="active")
    until(lambda: page.is_live() and page.state(saw) == "in_use", SOON)


def test_a_page_that_comes_back_from_the_history(the_lab, page, saw):
    page.go("/machines/7/")
    the_lab.start_use(saw)
    page.driver.back()
    until(lambda: page.is_live() and page.state(saw) == "in_use", SOON)
