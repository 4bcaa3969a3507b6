"""Every page of the administration works under the site's policy: what it refuses would be in the console."""

import pytest
from selenium.webdriver.support.ui import Select

from tests.broker.lab import LASER, until
from tests.browser.lab import DORA

NEW_PLAN = ".inline-related.last-related:not(.empty-form)"


@pytest.fixture
def page(browser, staff):
    return browser.open("/admin/", person=staff)


def click(page, css):
    page.run("arguments[0].scrollIntoView({block: 'center'}); arguments[0].click()", page.find(css))


def test_what_the_policy_refuses_is_seen(browser, page):
    """Or all the others would prove nothing."""
    page.run("document.body.setAttribute('style', 'color: red')")
    page.run("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))")
    assert page.value("window.ran ?? null") is None
    assert page.value("getComputedStyle(document.body).color") != "rgb(255, 0, 0)"
    refused = browser.complaints()
    assert (len(refused), all("Content Security Policy" in words for words in refused)) == (2, True)


def test_people_log_in(browser):
    page = browser.open("/admin/login/?next=/admin/")
    for field, text in zip(("#id_username", "#id_password"), DORA, strict=True):
        page.find(field).send_keys(text)
    click(page, "[type=submit]")
    until(lambda: page.has("#user-tools"))


def test_the_theme_is_switched(page):
    before = page.value("document.documentElement.dataset.theme")
    click(page, ".theme-toggle")
    assert page.value("document.documentElement.dataset.theme") != before


@pytest.mark.parametrize(
    "path",
    [
        *("machines/authorization", "machines/intervention", "machines/machinetype", "machines/maintenanceplan"),
        *("machines/machine/?is_blocked__exact=0", "machines/use/?q=a"),
        *("members/card", "members/member", "members/role", "telemetry/board", "telemetry/screen", "telemetry/tap"),
    ],
)
def test_lists_open(page, path):
    assert page.go(f"/admin/{path}").has("#changelist")


def test_an_action_asks_first_and_can_be_called_off(page):
    page.go("/admin/machines/machine/")
    click(page, "#action-toggle")
    assert page.value("[...document.querySelectorAll('.action-select')].every(box => box.checked)")
    Select(page.find("select[name=action]")).select_by_value("delete_selected")
    click(page, "button[name=index]")
    until(lambda: page.has(".cancel-link"))
    click(page, ".cancel-link")
    until(lambda: page.has("#action-toggle"))


def test_a_machine_gets_a_plan_with_a_date_from_the_calendar(page):
    page.go(f"/admin/machines/machine/{LASER}/change/")
    click(page, ".add-row a")
    click(page, f"{NEW_PLAN} .date-icon")
    assert page.shows(".calendarbox")
    click(page, ".calendarbox td a")
    click(page, f"{NEW_PLAN} .clock-icon")
    assert page.shows(".clockbox")
    click(page, ".clockbox .timelist a")
    assert page.find(f"{NEW_PLAN} .vDateField").get_attribute("value")
    click(page, f"{NEW_PLAN} .inline-deletelink")
    click(page, "[name=_continue]")
    until(lambda: page.has(".messagelist .success"))


def test_history_and_delete_confirmation(page):
    assert page.go(f"/admin/machines/machine/{LASER}/history/").has("#content")
    assert page.go(f"/admin/machines/machine/{LASER}/delete/").has("[type=submit]")


def test_a_member_is_found_while_typing(page):
    page.go("/admin/machines/authorization/add/")
    page.click(".field-member .select2-selection")
    page.find(".select2-search__field").send_keys("Dor")
    until(lambda: page.texts(".select2-results__option") == ["Dora Maar"])
    page.click(".select2-results__option")
    assert "Dora Maar" in page.text(".field-member .select2-selection")


def test_a_member_gets_a_card_and_a_right(page):
    page.go("/admin/members/member/add/")
    for row in page.all(".add-row a"):
        page.run("arguments[0].click()", row)
    assert len(page.all(".inline-related .form-row.dynamic-cards, .form-row.dynamic-authorizations")) == 2


def test_a_roles_permissions_move_from_one_box_to_the_other(page):
    page.go("/admin/members/role/add/")
    page.find("#id_permissions_input").send_keys("view card")
    until(lambda: len(page.all("#id_permissions_from option")) == 1)
    page.click("#id_permissions_from option")
    click(page, ".selector-add")
    until(lambda: len(page.all("#id_permissions_to option")) == 1)
