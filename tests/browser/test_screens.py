"""DASHBOARD_ACCESS=screens: a display is let in by a link that works once, until staff revokes it."""

import itertools
from urllib.parse import urlsplit

import pytest

from tests.broker.lab import until
from tests.browser.lab import SOON, closing

SECONDS = 5
NUMBERS = itertools.count(1)  # two screens may not have the same name


@pytest.fixture(scope="module")
def web_settings():
    return {"DASHBOARD_ACCESS": "screens", "DASHBOARD_NAMES": "first"}


@pytest.fixture
def desk(browser, staff):
    """Staff at a browser of their own."""
    browser.expects("400 (Bad Request)", "403 (Forbidden)", "/favicon.ico")
    return browser.visitor(staff)


@pytest.fixture
def link(the_lab, desk):
    return make_screen(desk, "Entrance")


def make_screen(desk, name):
    page = desk.open("/admin/telemetry/screen/add/")
    page.find("#id_name").send_keys(f"{name} {next(NUMBERS)}")
    page.click("[name=_save]")
    return until(lambda: page.value("document.getElementById('link')?.value"))


def secret_of(link):
    return urlsplit(link).fragment


def revoke(desk):
    """All of them."""
    page = desk.open("/admin/telemetry/screen/")
    page.click("#action-toggle")
    page.run("document.querySelector('[name=action]').value = 'revoke_selected'")
    page.click(".actions button")
    until(lambda: page.has("[name=sure]"))
    page.click("[name=sure] ~ [type=submit]")
    until(lambda: page.has(".messagelist .success"))


def test_a_link_opens_the_wall_and_leaves_no_trace(the_lab, browser, link):
    screen = browser.open(link)
    until(lambda: screen.is_live() and screen.has(".machine"))
    assert "kiosk" in screen.url
    secret = secret_of(link)
    assert len(secret) >= 24
    assert secret not in screen.url
    assert "fabomatic_screen" not in screen.value("document.cookie")
    assert secret not in screen.value("JSON.stringify(performance.getEntriesByType('navigation'))")
    assert secret not in the_lab.web.log + the_lab.worker.log + the_lab.broker.log
    assert not [text for text in dump(the_lab.database) if secret in text]
    saw = the_lab.fresh_saw()
    the_lab.start_use(saw)
    until(lambda: screen.text(f"#machine-{saw} .who") == "Ada", SOON)


def dump(database):
    with database.connection() as connection:
        return list(connection.iterdump())


def test_a_link_works_once(browser, link):
    until(browser.open(link).is_live)
    second = browser.open(link)
    until(lambda: second.has(".errorlist"))
    assert secret_of(link) not in second.url
    assert not second.has(".machine")


def test_the_screen_that_was_let_in_may_keep_the_link_as_its_home_page(browser, link):
    screen = browser.visitor()
    until(screen.open(link).is_live)
    until(screen.open(link).is_live)


def test_the_code_can_be_typed(browser, desk):
    page = desk.open("/admin/telemetry/screen/add/")
    page.find("#id_name").send_keys("Television")
    page.click("[name=_save]")
    code = until(lambda: page.text(".screen-link code"))
    screen = browser.open("/screen/", has_script=False)
    screen.find("[name=code]").send_keys(code.upper())
    screen.click("main form button")
    until(lambda: screen.has(".machine"))


@pytest.mark.parametrize("secret", ["", "0" * 24, "' OR 1=1 --", "<script>alert(1)</script>", "x" * 5000])
def test_a_made_up_link_opens_nothing(the_lab, browser, secret):
    browser.expects("400 (Bad Request)")
    page = browser.open(f"/screen/#{secret}")
    until(lambda: page.has("main form"))
    assert not page.has(".machine")


def test_revoking_ends_the_open_page(browser, desk, link):
    visitor = browser.visitor()
    screen = visitor.open(link)
    until(screen.is_live)
    revoke(desk)
    until(lambda: screen.has(".nothing") and not screen.has(".machine"), SECONDS)
    assert "revoked" in screen.text("main")
    assert not visitor.open("/").has(".machine")


def test_a_socket_without_a_cookie_is_a_strangers(the_lab):
    assert closing(the_lab.web.socket()) == 4401
    assert closing(the_lab.web.socket(cookie="fabomatic_screen=made-up")) == 4401


def test_a_new_link_ends_what_the_old_one_showed(browser, desk, the_lab, link):
    screen = browser.open(link)
    until(screen.is_live)
    number = the_lab.database.value("SELECT max(id) FROM telemetry_screen")
    page = desk.open(f"/admin/telemetry/screen/{number}/change/")
    page.click("form[action$='/link/'] button")
    fresh = until(lambda: page.value("document.getElementById('link')?.value"))
    until(lambda: not screen.has(".machine"), SECONDS)
    until(lambda: browser.open(fresh).is_live)
