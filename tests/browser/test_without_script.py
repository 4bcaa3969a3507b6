"""Scripts only keep the page up to date: everything is there without."""

import pytest

from tests.broker.lab import LASER, until
from tests.browser.lab import SAWS, SOON


@pytest.fixture
def open_page(browser):
    return lambda path="/", **looks: browser.open(path, has_script=False, **looks)


def test_every_machine_is_there_with_its_state_in_words(open_page):
    page = open_page()
    assert len(page.all(".machine")) == 2 + len(SAWS)
    words = page.value("[...document.querySelectorAll('.machine .state')].map(state => state.innerText.trim())")
    assert len(words) == 2 + len(SAWS)
    assert set(words) <= {"Free", "In use", "Silent", "Blocked", "Maintenance due"}


def test_it_asks_again_by_itself(the_lab, open_page):
    """A page with a script is not reloaded under its reader."""
    page = open_page()
    assert int(page.value("document.querySelector('meta[http-equiv=refresh]').content")) <= 10


def test_states_are_chosen_by_links(the_lab, open_page):
    saw, other = the_lab.fresh_saw(), the_lab.fresh_saw()
    the_lab.start_use(saw)
    page = open_page()
    until(lambda: page.go("/").state(other) == "free")
    page.click(".states a.in_use")
    until(lambda: not page.shows(f"#machine-{other}"), SOON)
    assert page.shows(f"#machine-{saw}")
    page.click(".states a.free")
    until(lambda: page.shows(f"#machine-{other}"), SOON)
    assert not page.shows(f"#machine-{saw}")


@pytest.mark.parametrize("state", ["unheard_of", "%00", "in_use&state=%F0%9F%92%A9"])
def test_a_state_that_is_none_shows_every_machine(open_page, state):
    assert len(open_page(f"/?state={state}").all(".machine")) == 2 + len(SAWS)


def test_machines_stand_by_type_or_by_place(open_page):
    by_type, by_place = open_page("/?group=type"), open_page("/?group=place")
    assert [title.lower() for title in by_type.texts("main h2")] == ["3d printer", "laser cutter"]
    assert by_place.texts("main h2")[0].lower() == "room 2"
    assert f"machine-{LASER}" == by_place.value("document.querySelector('main h2 ~ ul .machine').id")


def test_languages_and_what_a_visitor_may_do_are_buttons_and_links(open_page):
    page = open_page()
    page.click(".languages [value=it]")
    until(lambda: page.value("document.documentElement.lang") == "it")
    assert page.has("footer a[href*=login]")
