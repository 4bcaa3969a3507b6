"""What an administrator does now and then, on a phone, in Italian: doors, languages, lists of members, copies."""

import gzip
import re

import pytest

from tests.broker.lab import until
from tests.browser.at_the_phone import PHONE, download, go_by, list_of, write
from tests.browser.lab import BRUNO_LOGIN, DORA, TINA

PEOPLE = "E-mail;Nome;Cognome;Tessere\r\nada@example.org;Ada;Byron;\r\nemmy@example.org;Emmy;Noether;e0e0e0e0\r\n"


@pytest.fixture
def door(browser):
    return browser.open("/admin/login/?next=/admin/", size=PHONE, language="it")


def log_in(page, email, password):
    write(page, "#id_username", email)
    write(page, "#id_password", password)
    go_by(page, "[type=submit]")


def language_of(page):
    return page.value("document.documentElement.lang")


# ---- doors -----------------------------------------------------------------------------------------------------------


def test_who_guesses_a_password_waits(browser, door):
    browser.expects("429")
    email, password = TINA
    for guess in range(5):
        log_in(door, email, f"guess {guess}")
    log_in(door, email, password)
    assert door.has("#login-form")
    assert "15" in door.text("[role=alert]")
    log_in(door, *DORA)
    assert door.has("#user-tools"), "somebody else waits, too"


def test_a_forgotten_password_is_answered_alike_whether_the_address_is_known_or_not(the_lab, door):
    answers = set()
    for email in (BRUNO_LOGIN[0], "nobody@example.org"):
        door.go("/admin/login/")
        go_by(door, ".password-reset-link a")
        write(door, "#id_email", email)
        go_by(door, "[type=submit]")
        answers.add(door.text("#content"))
    assert len(answers) == 1
    link = r"http://[^\s\"<]+-[0-9a-f]{32}/"
    (address,) = set(until(lambda: re.findall(link, the_lab.web.mails), 20))
    door.go(address)
    for name in ("new_password1", "new_password2"):
        write(door, f"[name={name}]", "quite-another-one-7")
    go_by(door, "[type=submit]")
    until(door.is_live, 20)
    assert door.has("form[action*=logout]")


# ---- languages -------------------------------------------------------------------------------------------------------


def test_a_language_that_was_chosen_stays(the_lab, browser):
    visitor = browser.visitor(the_lab.web.person(DORA))
    page = visitor.open("/admin/", size=PHONE, language="it")
    assert language_of(page) == "it"
    go_by(page, "#user-tools [value=en]")
    assert language_of(page) == "en"
    assert language_of(page.go("/admin/members/member/")) == "en"
    assert language_of(page.go("/")) == "en"
    elsewhere = browser.open("/admin/", person=the_lab.web.person(DORA), size=PHONE, language="it")
    assert language_of(elsewhere) == "en", "on another phone the choice is not known"
    go_by(elsewhere, "#user-tools [value=it]")
    assert language_of(page.go("/admin/")) == "it"


# ---- lists and copies ------------------------------------------------------------------------------------------------


def test_members_are_imported_after_a_look(the_lab, phone, tmp_path):
    file = tmp_path / "membri.csv"
    file.write_text(PEOPLE)
    names = "SELECT last_name FROM members_member WHERE email IN ('ada@example.org', 'emmy@example.org') ORDER BY 1"
    list_of(phone, "member")
    go_by(phone, ".object-tools a[href*=import]")
    phone.find("[name=file]").send_keys(str(file))
    go_by(phone, ".submit-row button")
    assert phone.texts(".verdicts b") == ["0", "1", "1", "0"]
    assert the_lab.database.rows(names) == [("Lovelace",)]
    go_by(phone, "[name=confirm]")
    until(lambda: not phone.has("#go-on"), 20)
    assert the_lab.database.rows(names) == [("Byron",), ("Noether",)]
    assert the_lab.boards.ask(the_lab.fresh_saw(), "checkuser", uid="e0e0e0e0")["is_valid"]


def test_a_copy_of_the_database_is_taken_home(the_lab, phone, tmp_path):
    list_of(phone, "system")
    name, content = download(phone, "form[action*=copy]")
    assert "fabomatic-" in name
    home = tmp_path / "home.sqlite3"
    home.write_bytes(gzip.decompress(content))
    assert type(the_lab.database)(home).value("PRAGMA integrity_check") == "ok"
    assert type(the_lab.database)(home).value("SELECT COUNT(*) FROM members_member WHERE email = ?", DORA[0]) == 1
