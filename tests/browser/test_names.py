"""Who may see whose name: what a viewer may not see never leaves the server."""

import pytest

from tests.broker.lab import BRUNO, until
from tests.browser.lab import ADA_LOGIN, SOON

SHOWN = {"none": None, "first": "Bruno", "initials": "B. M.", "full": "Bruno Munari"}
HIDDEN = {"none": ("Bruno", "Munari", "B. M."), "first": ("Munari",), "initials": ("Bruno", "Munari"), "full": ()}


@pytest.fixture
def saw(the_lab):
    return the_lab.fresh_saw()


@pytest.fixture(scope="module", params=list(SHOWN))
def names(request):
    return request.param


@pytest.fixture(scope="module")
def web(the_lab, names):
    web = the_lab.serve(DASHBOARD_NAMES=names)
    yield web
    web.end()


def test_a_visitor_sees_what_the_lab_decided_and_gets_no_more(the_lab, browser, web, names, saw):
    page = browser.open(web.url)
    until(lambda: page.is_live() and page.state(saw) == "free")
    the_lab.start_use(saw, BRUNO)
    until(lambda: page.state(saw) == "in_use", SOON)
    assert page.text(f"#machine-{saw} .who") == SHOWN[names]
    brought = [web.person().get("/").text, page.go(web.url).source, *browser.socket_frames()]
    assert any(f"machine-{saw}" in text for text in browser.socket_frames())
    for word in HIDDEN[names]:
        assert not [text for text in brought if word in text]


def test_a_member_sees_no_more_than_a_visitor(the_lab, browser, web, names, saw):
    page = browser.open(web.url, person=web.person(ADA_LOGIN))
    the_lab.start_use(saw, BRUNO)
    until(lambda: page.state(saw) == "in_use", SOON)
    assert page.text(f"#machine-{saw} .who") == SHOWN[names]
    assert not [text for text in browser.socket_frames() for word in HIDDEN[names] if word in text]


def test_staff_sees_whole_names_but_not_on_a_wall(the_lab, browser, staff, saw):
    desk = browser.visitor(staff)
    page, kiosk = desk.open("/"), desk.open("/?kiosk")
    the_lab.start_use(saw, BRUNO)
    until(lambda: page.text(f"#machine-{saw} .who") == "Bruno Munari", SOON)
    until(lambda: kiosk.state(saw) == "in_use", SOON)
    assert "Munari" not in kiosk.source


def test_statuses_on_the_broker_name_nobody(the_lab, saw):
    listener = the_lab.listen("fabomatic/status/#")
    the_lab.start_use(saw, BRUNO)
    until(lambda: (listener.status(saw) or {}).get("state") == "in_use")
    assert not [payload for _topic, payload, _retain in listener.heard if b"Bruno" in payload or b"Munari" in payload]
