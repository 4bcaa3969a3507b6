"""A card that nobody knows is held to a reader, and becomes somebody's: on a phone, in Italian."""

import pytest
from selenium.webdriver.support.ui import Select

from tests.broker.lab import ADA, LASER, until
from tests.browser.at_the_phone import find_by_typing, go_by, save, write

NEW_CARD, OTHER_CARD = "c0ffee01", "c0ffee02"
PAGE, COULD_SHE = "/admin/telemetry/tap/unknown/", "/admin/telemetry/tap/could/"
OFFERED = "#offer-new"


@pytest.fixture
def saw(the_lab):
    return the_lab.fresh_saw()


@pytest.fixture
def enrolling(phone):
    """From the home page, as one gets there."""
    go_by(phone, ".errand.enrol")
    assert PAGE in phone.url
    return phone


def start(page, machine):
    Select(page.find("#start select")).select_by_value(str(machine))
    go_by(page, "#start button")
    assert page.shows(".countdown")


def lets_in(the_lab, machine, uid):
    return the_lab.boards.ask(machine, "checkuser", uid=uid)["is_valid"]


def test_a_card_is_enrolled_by_tapping_it(the_lab, enrolling, saw):
    page = enrolling
    start(page, saw)
    assert not page.has(OFFERED)
    assert not lets_in(the_lab, saw, NEW_CARD)
    until(lambda: page.shows(OFFERED), 20)
    assert NEW_CARD in page.text("[data-part=said]")
    assert NEW_CARD in page.text("ul.cards")
    until(lambda: not page.has(".settling"))

    go_by(page, OFFERED)
    assert page.find("[name=cards-0-uid]").get_attribute("value") == NEW_CARD
    write(page, "[name=first_name]", "Emmy")
    write(page, "[name=last_name]", "Noether")
    save(page)
    assert "Emmy Noether" in page.text(".messagelist .success")
    assert lets_in(the_lab, saw, NEW_CARD)

    page.go(PAGE)
    start(page, saw)
    assert lets_in(the_lab, saw, NEW_CARD)
    until(lambda: "Emmy Noether" in page.text(".tapped") if page.has(".tapped") else False, 20)
    assert not page.has(OFFERED)
    assert NEW_CARD not in page.text("[data-part=list]")


def test_of_two_cards_none_is_offered(the_lab, enrolling, saw):
    """One of them is somebody else's."""
    page = enrolling
    start(page, saw)
    lets_in(the_lab, saw, "c0ffee11")
    until(lambda: page.shows(OFFERED), 20)
    lets_in(the_lab, saw, "c0ffee12")
    until(lambda: not page.has(OFFERED), 20)
    assert page.has(".result.bad")
    assert {"c0ffee11", "c0ffee12"} <= {words.split()[0] for words in page.texts(".tapped li")}
    until(lambda: not page.has(".settling"))
    go_by(page, "#again")
    assert page.shows(".countdown")
    assert not page.has(".result.bad")


def test_what_is_tapped_elsewhere_only_comes_into_the_list(the_lab, enrolling, saw):
    page = enrolling
    start(page, saw)
    lets_in(the_lab, the_lab.fresh_saw(), "c0ffee21")
    until(lambda: "c0ffee21" in page.text("[data-part=list]"), 20)
    assert not page.has(OFFERED)


def test_a_card_from_the_list_goes_to_somebody_who_is_a_member(the_lab, enrolling, saw):
    page = enrolling
    lets_in(the_lab, saw, OTHER_CARD)
    until(lambda: page.has(f"#old-{OTHER_CARD}"), 20)
    until(lambda: not page.has(".settling"))
    go_by(page, f"#old-{OTHER_CARD}")
    assert page.find("[name=uid]").get_attribute("value") == OTHER_CARD
    find_by_typing(page, "member", "Carla")
    save(page)
    assert lets_in(the_lab, saw, OTHER_CARD)


# ---- what else one asks about cards and readers ----------------------------------------------------------------------


def could_she(page, member, machine):
    """The answer, and the links to what would help."""
    Select(page.find("[name=member]")).select_by_visible_text(member)
    Select(page.find("[name=machine]")).select_by_value(str(machine))
    go_by(page, "form.pick button")
    return page.has(".result.good"), [link.get_attribute("href") for link in page.all(".steps a")]


def test_whether_somebody_could(phone):
    go_by(phone, ".errand.ask")
    assert could_she(phone, "Ada Lovelace", LASER) == (True, [])
    is_let_in, ways = could_she(phone, "Bruno Munari", LASER)
    assert not is_let_in
    assert "/authorization/add/" in ways[0]
    go_by(phone, ".steps a")
    assert "Bruno Munari" in phone.text(".field-member")


def test_a_conflict_of_boards_is_settled_with_one_touch(the_lab, phone):
    machine, boards = the_lab.fresh_saw(), the_lab.boards
    for serial in ("0LD", "NEW"):
        boards.send(machine, "alive", version="1,0.8.1", ip="10.0.0.7", serial=serial)
    until(lambda: not lets_in(the_lab, machine, ADA))
    phone.go("/admin/")
    go_by(phone, ".box.conflict h3 a")
    (right,) = [form for form in phone.all(".conflict form") if "NEW" in form.text]
    right.find_element("css selector", "button").click()
    until(lambda: not phone.has(".conflict"), 20)
    assert lets_in(the_lab, machine, ADA)
    rows = the_lab.database.rows("SELECT serial FROM telemetry_board WHERE machine_id = ?", machine)
    assert rows == [("NEW",)]


def test_a_page_that_lost_the_server_says_so_and_goes_on(browser, the_lab, enrolling, saw):
    browser.expects("ERR_INTERNET_DISCONNECTED")
    page = enrolling
    page.offline(True)
    until(lambda: page.shows("#lost"), 20)
    lets_in(the_lab, saw, "c0ffee31")
    page.offline(False)
    until(lambda: "c0ffee31" in page.text("[data-part=list]"), 20)
    assert not page.shows("#lost")
