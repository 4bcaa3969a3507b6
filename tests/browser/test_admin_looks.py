"""The administration's pages on a phone, in Italian: thumbs, keyboards, and eyes in the dark and in the sun."""

import pytest
from selenium.webdriver.common.keys import Keys

from tests.broker.lab import LASER
from tests.browser.at_the_phone import PHONE, do_with, go_by, list_of, touch
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
    "agreement": "/agreement/1/",
    "agreements": "/admin/members/agreement/",
    "publishing": "/admin/members/agreement/add/",
    "published": "/admin/members/agreement/1/change/",
    "system": "/admin/system/",
}
WIDE = {"desktop": (1400, 900), "4K": (3840, 2160)}
TEXT = "# Who we are\n\nA lab, https://example.org/" + "x" * 90 + "\n\n- your name\n- " + "Y" * 60


@pytest.fixture(scope="module", autouse=True)
def machines(the_lab, staff):
    """Something of everything, an unknown card, two versions of the agreement, and jobs that ran or failed."""
    for text in ("First", TEXT):
        staff.save("/admin/members/agreement/add/", text=text)
    the_lab.manage("backup")
    for at in range(12):
        the_lab.database.change(
            "INSERT INTO fabomatic_run (kind, at, text, is_ok) VALUES (?, datetime('now'), ?, ?)",
            *("purge" if at else "mail", f"{at} uses, " + "z" * 90, at % 3 == 0),
        )
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


def publishing(page, machines):
    list_of(page, "agreement")
    go_by(page, ".object-tools .addlink")


def looking_at_the_system(page, machines):
    list_of(page, "system")
    touch(page, "#runs ~ dl summary")


def restoring(page, machines):
    list_of(page, "system")
    go_by(page, ".kept a.button")


def being_sure(page, machines):
    restoring(page, machines)
    go_by(page, ".restoring [type=submit]")


def agreeing(page, machines):
    page.go("/admin/members/member/?q=Lovelace")
    go_by(page, "#result_list tbody th a")
    go_by(page, ".object-tools form:has([value=record_consent]) button")


def erasing(page, machines):
    page.go("/admin/members/member/?q=Scarpa")
    go_by(page, "#result_list tbody th a")
    go_by(page, ".object-tools a[href*=erase]")


def typing_a_name(page, machines):
    erasing(page, machines)
    go_by(page, "form:not(.before) > div [type=submit]")


ERRANDS = (enrolling, granting, blocking, repairing)
HOUSEKEEPING = (publishing, looking_at_the_system, restoring, being_sure, agreeing, erasing, typing_a_name)


@pytest.mark.parametrize("way", [*ERRANDS, *HOUSEKEEPING], ids=lambda way: way.__name__)
def test_a_thumb_a_keyboard_and_a_screen_reader_find_everything(phone, machines, way):
    """On the pages for which one comes with a phone in hand."""
    way(phone, machines)
    assert measure(phone, "scrollsSideways()") is False
    assert measure(phone, "tooLow('#header, .breadcrumbs, main')") == []
    assert nameless(phone) == []
    assert reached_by_tab(phone) == phone.value(f"{TARGETS}.length")


@pytest.mark.parametrize("way", HOUSEKEEPING, ids=lambda way: way.__name__)
def test_it_is_readable_in_the_dark_and_fits_any_screen(browser, staff, machines, way):
    page = browser.open("/admin/", person=staff, size=PHONE, language="it", is_dark=True)
    way(page, machines)
    assert measure(page, "tooFaint('body')") == []
    for name, size in WIDE.items():
        page.resize(*size)
        assert (name, measure(page, "scrollsSideways()")) == (name, False)


def test_the_agreement_fits_any_screen_and_any_thumb(browser, machines):
    page = browser.open("/agreement/1/", size=PHONE)
    assert measure(page, "tooLow('header, main, footer')") == []
    for size in (PHONE, *WIDE.values()):
        for path in ("/agreement/1/", "/agreement/"):
            page.go(path).resize(*size)
            assert (size, measure(page, "scrollsSideways()")) == (size, False)


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
