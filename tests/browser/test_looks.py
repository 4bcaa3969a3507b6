"""Phone, tablet, desktop, 4K; light and dark; eyes, fingers, keyboards and screen readers."""

from itertools import pairwise

import pytest
from selenium.webdriver.common.keys import Keys

from tests.broker.lab import LASER, until
from tests.browser.lab import SOON
from tests.browser.scenery import furnish, measure

WIDTHS = {"phone": (390, 844), "tablet": (768, 1024), "desktop": (1400, 900), "4K": (3840, 2160)}
PAGES = ("/", "/?group=place", f"/machines/{LASER}/")


@pytest.fixture(scope="module")
def web_settings():
    return {"DASHBOARD_NAMES": "full"}


@pytest.fixture(scope="module", autouse=True)
def machines(the_lab):
    return furnish(the_lab)


@pytest.fixture
def look(browser, staff):
    """At a page as staff, who sees most."""

    def open_page(path="/", **looks):
        page = browser.open(path, person=staff, **looks)
        until(page.is_live)
        return page

    return open_page


@pytest.mark.parametrize("path", PAGES)
def test_nothing_scrolls_sideways_and_fingers_find_what_they_touch(look, path):
    page = look(path)
    for name, size in WIDTHS.items():
        page.resize(*size)
        assert (name, measure(page, "scrollsSideways()")) == (name, False)
        assert (name, measure(page, "tooLow('main, footer')")) == (name, [])


def test_hostile_texts_do_not_widen_a_phone(the_lab, look, staff):
    name, reason = "W" * 60 + "\N{RIGHT-TO-LEFT OVERRIDE}<b>", "=cmd|' " + "x" * 190
    staff.save(
        "/admin/machines/machine/12/change/", name=name, is_blocked="on", blocked_reason=reason, location="Y" * 60
    )
    page = look(size=WIDTHS["phone"])
    for path in ("/", "/?group=place", "/machines/12/"):
        page.go(path)
        assert measure(page, "scrollsSideways()") is False


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("path", ["/", f"/machines/{LASER}/"])
def test_every_word_is_readable(look, path, is_dark):
    assert measure(look(path, is_dark=is_dark), "tooFaint('body')") == []


def test_states_differ_in_word_and_shape_not_only_in_colour(look):
    states = look().value(
        "[...document.querySelectorAll('.machine')].map(card => [card.dataset.state,"
        " card.querySelector('.word').innerText, card.querySelector('.state svg').innerHTML])"
    )
    different = {tuple(state) for state in states}
    assert len(different) == 5
    assert len({word for _state, word, _shape in different}) == len({shape for *_, shape in different}) == 5


@pytest.mark.parametrize("path", PAGES)
def test_the_keyboard_reaches_everything_and_shows_where_it_is(look, path):
    page = look(path)
    targets = page.value(
        "[...document.querySelectorAll('body :is(a[href], button, select, summary, input:not([type=hidden]))')]"
        ".filter(each => each.checkVisibility()).length"
    )
    reached = set()
    for _tab in range(min(targets, 30)):
        page.press(Keys.TAB)
        focus = page.value(
            "(each => [each.tagName + each.outerHTML.slice(0, 200), getComputedStyle(each).outlineStyle,"
            " parseFloat(getComputedStyle(each).outlineWidth)])(document.activeElement)"
        )
        assert focus[1] != "none", focus
        assert focus[2] >= 2, focus
        reached.add(focus[0])
    assert len(reached) >= min(targets, 30) - 2


@pytest.mark.parametrize("path", PAGES)
def test_headings_come_in_order(look, path):
    page = look(path)
    seen = "[...document.querySelectorAll('h1, h2, h3, h4')].filter(each => each.checkVisibility())"
    levels = page.value(f"{seen}.map(each => Number(each.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("language", ["en", "it"])
def test_the_language_is_said_and_the_page_is_in_it(look, language):
    page = look(language=language)
    assert page.value("document.documentElement.lang") == language
    assert page.text(".machine.in_use .word") == {"en": "In use", "it": "In uso"}[language]


@pytest.mark.parametrize("path", PAGES)
def test_everything_that_can_be_used_has_a_name(look, path):
    nodes = look(path).cdp("Accessibility.getFullAXTree")["nodes"]
    useful = [node for node in nodes if node.get("role", {}).get("value") in ("link", "button", "textbox", "checkbox")]
    assert useful
    assert [node for node in useful if not node.get("name", {}).get("value", "").strip()] == []


def test_whoever_wants_calm_gets_it(the_lab, look, machines):
    page = look(is_calm=True)
    the_lab.boards.ask(machines[2], "startuse", uid="0a1b2c3d")
    until(lambda: page.state(machines[2]) == "in_use", SOON)
    moving = "document.getAnimations().filter(each => each.effect.getComputedTiming().activeDuration > 10).length"
    assert page.value(moving) == 0
