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


@pytest.fixture(params=[enrolling, granting, blocking, repairing], ids=lambda way: way.__name__)
def page(request, phone, machines):
    """What one comes for with a thumb."""
    request.param(phone, machines)
    return phone


def test_a_thumb_finds_what_it_touches(page):
    assert measure(page, "tooLow('#header, .breadcrumbs, main')") == []
    assert measure(page, "scrollsSideways()") is False


def test_the_keyboard_reaches_everything_and_shows_where_it_is(page):
    """A day is several stops."""
    targets = page.value(f"{TARGETS}.length")
    page.run("document.querySelector('main').tabIndex = -1; document.querySelector('main').focus()")
    reached = set()
    for _tab in range(targets + 3 * page.value("document.querySelectorAll('main [type=date]').length")):
        page.press(Keys.TAB)
        number, told, style, width = page.value(FOCUS)
        assert style != "none", told
        assert width >= 2, told
        reached.add(number)
    assert len(reached) == targets


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_every_word_is_readable(browser, staff, is_dark):
    page = browser.open("/admin/", person=staff, size=PHONE, language="it", is_dark=is_dark)
    faint = {name: measure(page.go(path), "tooFaint('body')") for name, path in CONTRAST.items()}
    assert faint == {name: [] for name in CONTRAST}


def test_everything_that_can_be_used_has_a_name(page):
    nodes = page.cdp("Accessibility.getFullAXTree")["nodes"]
    roles = ("link", "button", "textbox", "checkbox", "combobox", "searchbox")
    useful = [node for node in nodes if not node["ignored"] and node.get("role", {}).get("value") in roles]
    assert useful
    nameless = [node["backendDOMNodeId"] for node in useful if not node.get("name", {}).get("value", "").strip()]
    assert [page.cdp("DOM.describeNode", backendNodeId=number)["node"]["attributes"] for number in nameless] == []
