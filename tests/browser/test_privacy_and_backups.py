"""On a phone, in Italian: what members agree to, what is stored about one of them and forgotten, and a lab that goes
back to a backup while its worker, its boards and its live page run on."""

import io
import json
import zipfile

import pytest

from tests.broker.lab import ADA, BRUNO, until
from tests.browser.at_the_phone import PHONE, download, go_by, list_of, save, write
from tests.browser.lab import DORA

NEW = "0c0c0c0c"  # a card that was made after the backup
TEXT = "# Chi siamo\n\nIl laboratorio <b>di prova</b>.\n\n- il tuo nome\n- le tue tessere"


@pytest.fixture(scope="module")
def web_settings():
    return {"DASHBOARD_NAMES": "full"}


@pytest.fixture
def staff(the_lab):
    """Logs in for each story: a restored database knows nobody's session."""
    return the_lab.web.person(DORA)


@pytest.fixture
def saw(the_lab):
    return the_lab.fresh_saw()


def member(the_lab, uid):
    return the_lab.database.value("SELECT member_id FROM members_card WHERE uid = ?", uid)


def may(the_lab, machine, uid):
    """Asked again where the worker was not quick enough for a board."""
    return until(lambda: the_lab.boards.ask(machine, "checkuser", uid=uid, patience=5), 20)["is_valid"]


# ---- the agreement ---------------------------------------------------------------------------------------------------


def test_the_agreement_is_published_read_by_anybody_and_agreed_to(the_lab, browser, phone):
    visitor = browser.open("/", size=PHONE, language="it")
    assert not visitor.has("a[href='/agreement/']")
    list_of(phone, "agreement")
    go_by(phone, ".object-tools .addlink")
    go_by(phone, "[name=_save]")
    assert "[" in phone.text(".errorlist"), "with its gaps it is not a text"
    write(phone, "[name=text]", TEXT)
    save(phone)
    go_by(visitor.go("/"), "a[href='/agreement/']")
    assert visitor.texts(".agreement article :is(h2, p, li)") == [
        "Chi siamo",
        "Il laboratorio <b>di prova</b>.",
        "il tuo nome",
        "le tue tessere",
    ]
    ada = member(the_lab, ADA)
    phone.go(f"/admin/members/member/{ada}/change/")
    assert phone.find("[name=consent_to]").get_attribute("value") == ""
    record = ".object-tools form:has([value=record_consent])"
    go_by(phone, f"{record} button")
    assert "Ada Lovelace" in phone.text(".who")
    go_by(phone, "[type=submit].default")
    assert phone.has(".messagelist .success")
    agreed = "SELECT version, consent_at IS NOT NULL FROM members_member m JOIN members_agreement a"
    assert the_lab.database.rows(f"{agreed} ON a.id = consent_to_id WHERE m.id = ?", ada) == [(1, 1)]
    assert not phone.go(f"/admin/members/member/{ada}/change/").has(record)


# ---- somebody's data -------------------------------------------------------------------------------------------------


def test_somebody_takes_their_data_along_and_is_erased_from_every_screen(the_lab, browser, staff, phone, saw):
    bruno, blocked = member(the_lab, BRUNO), the_lab.fresh_saw()
    reason = "Bruno Munari ha rotto la lama"
    staff.save(f"/admin/machines/machine/{blocked}/change/", is_blocked="on", blocked_reason=reason)
    wall = browser.open("/", person=staff)
    the_lab.start_use(saw, BRUNO)
    until(lambda: wall.text(f"#machine-{saw} .who") == "Bruno Munari" and reason in wall.card(blocked), 20)
    phone.go(f"/admin/members/member/{bruno}/change/")
    name, content = download(phone, ".object-tools form[action*=export]")
    assert ".zip" in name
    assert_tells_of_bruno(zipfile.ZipFile(io.BytesIO(content)))
    go_by(phone, ".object-tools a[href*=erase]")
    assert phone.has(".errornote"), "somebody stands at the machine"
    assert not phone.has("[name=step]")
    the_lab.stop_use(saw, BRUNO, duration=3600)
    assert "Bruno Munari" in wall.card(blocked)
    phone.go(f"/admin/members/member/{bruno}/erase/")
    go_by(phone, "#content [type=submit]")
    for typed, is_wrong in (("Bruna", True), ("munari", False)):
        write(phone, "[name=name]", typed)
        go_by(phone, "#content [type=submit]")
        assert phone.has("#wrong") is is_wrong
    assert phone.has(".messagelist .success")
    assert "Munari" not in phone.text("#content")
    until(lambda: "Munari" not in wall.source, 20)
    assert wall.state(blocked) == "blocked"
    assert "Munari" not in the_lab.web.person(DORA).get(f"/machines/{saw}/").text
    assert not may(the_lab, saw, BRUNO)
    assert the_lab.database.uses(saw) == [("", 3600, "stop")]
    assert the_lab.database.hours_add_up()


def assert_tells_of_bruno(archive):
    told = json.loads(archive.read("person.json"))
    assert BRUNO in json.dumps(told)
    page = archive.read("person.html").decode()
    assert all(word in page for word in ("Bruno", "Munari", BRUNO))
    assert "Lovelace" not in page + json.dumps(told)


# ---- backups ---------------------------------------------------------------------------------------------------------


def change_much(the_lab, saw):
    """Bruno's card is another one, and the saw has another name."""
    ada = member(the_lab, ADA)
    the_lab.database.change("DELETE FROM members_card WHERE uid = ?", ADA)
    the_lab.database.change(
        "INSERT INTO members_card (uid, member_id, is_lost, label, created_at)"
        " SELECT ?, member_id, 0, '', created_at FROM members_card WHERE member_id != ? LIMIT 1",
        *(NEW, ada),
    )
    the_lab.database.change("UPDATE machines_machine SET name = 'Renamed since' WHERE id = ?", saw)
    the_lab.boards.publish("fabomatic/nudge", "")


def test_the_lab_goes_back_to_a_backup_and_runs_on(the_lab, browser, phone, saw):
    wall = browser.open("/")
    the_lab.manage("backup")
    change_much(the_lab, saw)
    until(lambda: wall.is_live() and "Renamed since" in wall.card(saw), 20)
    assert [may(the_lab, saw, uid) for uid in (ADA, NEW)] == [False, True]
    list_of(phone, "system")
    go_by(phone, ".kept li:first-child a.button")
    go_by(phone, ".restoring form:not(.leave) [type=submit]")
    write(phone, "[name=word]", "no")
    go_by(phone, ".restoring form:not(.leave) [type=submit]")
    assert phone.has("#wrong")
    assert the_lab.database.value("SELECT name FROM machines_machine WHERE id = ?", saw) == "Renamed since"
    write(phone, "[name=word]", phone.text("label[for=word] b"))
    go_by(phone, ".restoring form:not(.leave) [type=submit]")
    assert len(phone.texts(".restoring li")) >= 4
    assert "before-restore" in phone.text(".restoring")
    assert [may(the_lab, saw, uid) for uid in (ADA, NEW)] == [True, False]
    until(lambda: wall.is_live() and f"Saw {saw - 100}" in wall.card(saw), 20)
    the_lab.start_use(saw)
    until(lambda: wall.state(saw) == "in_use", 20)
    go_by(phone, ".restoring a.button")
    log_in(phone)
    list_of(phone, "system")
    assert len(phone.texts(".kept li")) == 2
    assert phone.text("#user-tools") is not None
    assert not the_lab.database.rows("SELECT 1 FROM machines_machine WHERE name = 'Renamed since'")


def log_in(page):
    email, password = DORA
    write(page, "#id_username", email)
    write(page, "#id_password", password)
    go_by(page, "[type=submit]")


def test_a_file_that_is_no_backup_is_refused_and_the_lab_runs_on(the_lab, phone, saw, tmp_path):
    file = tmp_path / "backup.sqlite3.gz"
    file.write_text("not a backup\n" * 100)
    members = the_lab.database.value("SELECT count(*) FROM members_member")
    list_of(phone, "system")
    phone.find("[name=file]").send_keys(str(file))
    go_by(phone, "form:has([name=file]) button")
    assert phone.has(".messagelist .error")
    assert phone.has(".backups")
    assert the_lab.database.value("SELECT count(*) FROM members_member") == members
    the_lab.tell(saw, "checkmachine")
    assert may(the_lab, saw, ADA)
