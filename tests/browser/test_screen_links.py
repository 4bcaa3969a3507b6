"""Staff's link in a real browser: its secret leaves the address bar, the screen shows machines until it is revoked."""

import re

import pytest

from tests.broker.lab import LASER, until

SCREENS = "/admin/telemetry/screen/"


@pytest.fixture(scope="module")
def web_settings():
    return {"DASHBOARD_ACCESS": "screens"}


@pytest.fixture
def link(the_lab, staff, request):
    staff.get(f"{SCREENS}add/")
    answer = staff.post(f"{SCREENS}add/", name=request.node.name[:60])
    return re.search(r'value="(http[^"]+/screen/#[^"]+)"', answer.text)[1]


def test_a_link_becomes_a_cookie_that_no_script_reads(browser, link):
    page = browser.open(link)
    until(lambda: page.url.endswith("/?kiosk") and page.is_live())
    assert page.has(f"#machine-{LASER}")
    assert page.value("document.cookie.includes('fabomatic_screen')") is False


def test_the_secret_leaves_the_address_bar_before_anything_is_sent(browser, the_lab):
    page = browser.open("/screen/")
    page.run("document.getElementById('pairing').submit = () => {}; location.hash = 'secret'")
    until(lambda: page.find("#id_code").get_attribute("value") == "secret")
    assert page.url == f"{the_lab.web.url}/screen/"


def test_a_link_works_in_one_browser(browser, link):
    browser.expects("400")
    until(lambda: browser.open(link).url.endswith("/?kiosk"))
    other = browser.open(link)
    until(lambda: other.has(".errorlist"))
    assert "used already" in other.text(".errorlist")


def test_a_link_can_be_pasted_without_a_script(browser, link):
    page = browser.open("/screen/", has_script=False)
    page.find("#id_code").send_keys(link)
    page.click("#pairing button")
    until(lambda: page.url.endswith("/?kiosk"))
    assert page.has(f"#machine-{LASER}")


def test_a_link_pasted_into_an_open_page_is_taken_too(browser, link):
    page = browser.open("/screen/")
    page.go(link)
    until(lambda: page.url.endswith("/?kiosk"))


def test_the_open_page_of_a_revoked_screen_ends_by_itself(browser, staff, link):
    browser.expects("403")
    page = browser.open(link)
    until(page.is_live)
    number = re.findall(rf"{SCREENS}(\d+)/change/", staff.get(SCREENS).text)
    staff.post(SCREENS, action="revoke_selected", _selected_action=number, sure="yes")
    until(lambda: "revoked" in (page.text("main") or ""), 10)
    assert not page.has(".machine")


def test_staff_copies_the_link(browser, staff):
    page = browser.open(f"{SCREENS}add/", person=staff)
    page.find("#id_name").send_keys("Copied")
    page.click("[name=_save]")
    until(lambda: page.shows("[data-copy]"))
    page.click("[data-copy]")
    until(lambda: page.text("[role=status]") == "Copied.")
