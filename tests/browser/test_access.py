"""DASHBOARD_ACCESS=login: who is let in, and who is let out while they look on."""

import pytest
from selenium.webdriver.common.keys import Keys

from tests.broker.lab import until
from tests.browser.lab import ADA_LOGIN, BRUNO_LOGIN, closing, frames

NOT_ALLOWED = 4401
SECONDS = 5  # a page that was open ends within


@pytest.fixture(scope="module")
def web_settings():
    return {"DASHBOARD_ACCESS": "login"}


def test_a_stranger_is_sent_to_log_in_and_comes_back_to_the_machines(the_lab, browser):
    saw = the_lab.fresh_saw()
    page = browser.open("/?state=free")
    assert "/admin/login/" in page.url
    assert not page.has(".machine")
    email, password = ADA_LOGIN
    page.find("[name=username]").send_keys(email)
    page.find("[name=password]").send_keys(password, Keys.ENTER)
    until(lambda: page.is_live() and page.shows(f"#machine-{saw}"))
    assert page.url.endswith("/?state=free")


@pytest.mark.parametrize("path", ["/", "/?kiosk", "/machines/7/", "/machines/9999/", "/status.json"])
def test_a_stranger_learns_nothing_anywhere(the_lab, path):
    answer = the_lab.web.person().get(path)
    assert "/admin/login/" in answer.url or answer.status in (401, 403)
    assert "Laser" not in answer.text


def test_a_strangers_socket_is_closed_before_it_says_anything(the_lab):
    socket = the_lab.web.socket()
    assert closing(socket) == NOT_ALLOWED


def test_a_made_up_session_is_a_strangers(the_lab):
    stranger = the_lab.web.person()
    stranger.get("/admin/login/")
    for forged in ("sessionid=" + "x" * 32, "sessionid=", "fabomatic_screen=0; sessionid='--"):
        socket = the_lab.web.socket(cookie=forged)
        assert closing(socket) == NOT_ALLOWED


def test_a_member_is_let_in(the_lab):
    assert "grid" in next(frames(the_lab.web.socket(person=the_lab.web.person(ADA_LOGIN))))


def test_the_open_page_of_a_member_who_is_disabled_ends(the_lab, browser, staff):
    page = browser.open(person=the_lab.web.person(BRUNO_LOGIN))
    until(page.is_live)
    number = the_lab.database.value("SELECT id FROM members_member WHERE email = ?", BRUNO_LOGIN[0])
    staff.save(f"/admin/members/member/{number}/change/", is_active=None)
    until(lambda: "/admin/login/" in page.url, SECONDS)
    assert not page.has(".machine")


def test_logging_out_ends_the_other_pages_too(the_lab, browser):
    ada = browser.visitor(the_lab.web.person(ADA_LOGIN))
    desk, wall = ada.open(), ada.open("/?kiosk")
    until(lambda: desk.is_live() and wall.is_live())
    desk.click("footer form[action*=logout] button")
    until(lambda: "/admin/login/" in desk.url, SECONDS)
    until(lambda: "/admin/login/" in wall.url, SECONDS)


def test_a_member_who_is_logged_out_from_elsewhere_gets_no_more_news(the_lab):
    """The socket of somebody who has no page that would reload."""
    ada = the_lab.web.person(ADA_LOGIN)
    socket = the_lab.web.socket(person=ada, timeout=SECONDS)
    next(frames(socket))
    ada.post("/logout/")
    assert closing(socket) == NOT_ALLOWED
