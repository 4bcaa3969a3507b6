"""What the script of `/screen/` and the copy button do; test_screens.py has the rest of a screen's life."""

import re

import pytest

from tests.broker.lab import until

SCREENS = "/admin/telemetry/screen/"


@pytest.fixture(scope="module")
def web_settings():
    return {"DASHBOARD_ACCESS": "screens"}


@pytest.fixture
def link(the_lab, staff, request):
    staff.get(f"{SCREENS}add/")
    answer = staff.post(f"{SCREENS}add/", name=request.node.name[:60])
    return re.search(r'value="(http[^"]+/screen/#[^"]+)"', answer.text)[1]


def test_the_secret_leaves_the_address_bar_before_anything_is_sent(browser, the_lab):
    page = browser.open("/screen/")
    page.run("document.getElementById('pairing').submit = () => {}; location.hash = 'secret'")
    until(lambda: page.find("#id_code").get_attribute("value") == "secret")
    assert page.url == f"{the_lab.web.url}/screen/"


def test_a_link_pasted_into_an_open_page_is_taken_too(browser, link):
    page = browser.open("/screen/")
    page.go(link)
    until(lambda: page.url.endswith("/?kiosk"))


def test_staff_copies_the_link(browser, staff):
    page = browser.open(f"{SCREENS}add/", person=staff)
    page.find("#id_name").send_keys("Copied")
    page.click("[name=_save]")
    until(lambda: page.shows("[data-copy]"))
    page.click("[data-copy]")
    until(lambda: page.text("[role=status]") == "Copied.")
