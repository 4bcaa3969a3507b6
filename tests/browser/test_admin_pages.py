"""Every page of the administration in Chromium, on a phone: for a superuser, for limited staff, for a stranger."""

import re
from collections import deque
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest

from tests.browser.lab import TINA
from tests.browser.scenery import furnish, measure

PHONE = (390, 844)
NOT_PAGES = ("/admin/jsi18n/", "/admin/logout/", "/static/", "/i18n/")


@pytest.fixture(scope="module", autouse=True)
def furnished(the_lab, staff):
    furnish(the_lab)
    staff.save("/admin/members/agreement/add/", text="# We\n\nA lab.")
    the_lab.manage("backup")
    machine = the_lab.fresh_saw()
    for uid in ("deadbeef", "08abcdef"):
        the_lab.boards.ask(machine, "checkuser", uid=uid)


@pytest.fixture(scope="module")
def technician(the_lab):
    return the_lab.web.person(TINA)


class Links(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "a" and (address := dict(attributes).get("href")):
            self.found.append(address)


def one_of_each(person):
    """Addresses that this person is shown, one for each kind of page: numbers and filters aside."""
    kinds, waiting = {}, deque(["/admin/"])
    while waiting:
        address = waiting.popleft()
        answer = person.get(address)
        if "<html" not in answer.text[:200]:
            continue
        for link in Links(answer.text).found:
            there = urlsplit(urldefrag(urljoin(person.url + address, link)).url)
            kind = re.sub(r"\d+", "0", there.path)
            if there.netloc != urlsplit(person.url).netloc or kind in kinds or not kind.startswith("/admin/"):
                continue
            if not kind.startswith(NOT_PAGES):
                kinds[kind] = there.path
                waiting.append(there.path)
    return sorted(kinds.values())


def problems_of(page, language):
    found = []
    if page.value("document.documentElement.lang").split("-")[0] != language:
        found.append("language")
    if measure(page, "scrollsSideways()"):
        found.append("scrolls sideways")
    if page.value("document.querySelectorAll('h1').length") == 0:
        found.append("no heading")
    return found


@pytest.mark.parametrize("language", ["en", "it"])
@pytest.mark.parametrize("who", ["staff", "technician"])
def test_every_page_opens_on_a_phone(request, browser, who, language):
    """A script or style that the policy refuses, or that fails, is a complaint in the console."""
    person = request.getfixturevalue(who)
    page = browser.open("/admin/", person=person, size=PHONE, language=language)
    wrong = {}
    addresses = one_of_each(person)
    for address in addresses:
        if problems := problems_of(page.go(address), language):
            wrong[address] = problems
    assert wrong == {}
    assert len(addresses) > (45 if who == "staff" else 8)
    kinds = ("/admin/members/agreement/", "/admin/system/backups/", "/erase/")
    assert all(any(kind in address for address in addresses) for kind in kinds) is (who == "staff")


def test_a_stranger_is_asked_who_they_are(browser, the_lab, staff):
    page = browser.open("/admin/", size=PHONE)
    stranger = the_lab.web.person()
    for address in one_of_each(staff):
        assert "/admin/login/" in stranger.get(address).url
    assert page.has("#id_username")
    assert problems_of(page, "en") == []
