"""The administration's pages on a phone, in Italian: thumbs, keyboards, and eyes in the dark and in the sun."""

import pytest
from selenium.webdriver.common.keys import Keys

from tests.broker.lab import LASER
from tests.browser.at_the_phone import PHONE, do_with, go_by, list_of
from tests.browser.scenery import furnish, measure

TARGETS = (
    "[...document.querySelectorAll('main :is(a[href], button, select, summary, textarea, input:not([type=hidden]),"
    ' [tabindex="0"])\')].filter(each => each.checkVisibility({visibilityProperty: true}) && !each.disabled'
    " && each.tabIndex >= 0 && !each.closest('.unseen'))"
)
FOCUS = (
    "((each, box) => [[...document.querySelectorAll('*')].indexOf(each), each.outerHTML.slice(0, 150),"
    " getComputedStyle(box).outlineStyle, parseFloat(getComputedStyle(box).outlineWidth)])"
    "(document.activeElement, document.activeElement.closest('.select2-selection') ?? document.activeElement)"
)
CONTRAST = {
    "home": "/admin/",
    "list": "/admin/machines/machine/",
    "plans": "/admin/machines/maintenanceplan/",
    "form": f"/admin/machines/machine/{LASER}/change/",
    "member": "/admin/members/member/add/",
    "door": "/password/forgotten/",
}


@pytest.fixture(scope="module", autouse=True)
def machines(the_lab):
    """Something of everything, and an unknown card."""
    machines = furnish(the_lab)
    the_lab.boards.ask(machines[2], "checkuser", uid="c0ffee01")
    return machines


def enrolling(page, machines):
    go_by(page, ".errand.enrol")


def granting(page, machines):
    list_of(page, "authorization")
    go_by(page, ".object-tools a[href*=grant]")


def blocking(page, machines):
    go_by(page, ".errand.block")
    do_with(page, machines[2], "block_selected")


def repairing(page, machines):
    go_by(page, ".errand.repair")


@pytest.mark.parametrize("way", [enrolling, granting, blocking, repairing], ids=lambda way: way.__name__)
def test_a_thumb_a_keyboard_and_a_screen_reader_find_everything(phone, machines, way):
    """On the pages for which one comes with a phone in hand."""
    way(phone, machines)
    assert measure(phone, "scrollsSideways()") is False
    assert measure(phone, "tooLow('#header, .breadcrumbs, main')") == []
    assert nameless(phone) == []
    assert reached_by_tab(phone) == phone.value(f"{TARGETS}.length")


def nameless(page):
    """What can be used, but is not named to who does not see it."""
    nodes = page.cdp("Accessibility.getFullAXTree")["nodes"]
    roles = ("link", "button", "textbox", "checkbox", "combobox", "searchbox")
    useful = [node for node in nodes if not node["ignored"] and node.get("role", {}).get("value") in roles]
    assert len(useful) > 5
    numbers = [node["backendDOMNodeId"] for node in useful if not node.get("name", {}).get("value", "").strip()]
    return [page.cdp("DOM.describeNode", backendNodeId=number)["node"]["attributes"] for number in numbers]


def reached_by_tab(page):
    """How many; each shows that one is there. A day is several stops."""
    page.run("document.querySelector('main').tabIndex = -1; document.querySelector('main').focus()")
    stops = page.value(f"{TARGETS}.length + 3 * document.querySelectorAll('main [type=date]').length")
    reached = set()
    for _tab in range(stops):
        page.press(Keys.TAB)
        number, told, style, width = page.value(FOCUS)
        assert style != "none", told
        assert width >= 2, told
        reached.add(number)
    return len(reached)


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_every_word_is_readable(browser, staff, is_dark):
    page = browser.open("/admin/", person=staff, size=PHONE, language="it", is_dark=is_dark)
    faint = {name: measure(page.go(path), "tooFaint('body')") for name, path in CONTRAST.items()}
    assert faint == {name: [] for name in CONTRAST}
