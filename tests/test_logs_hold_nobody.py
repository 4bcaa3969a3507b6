"""What is written to the logs in an evening of taps, logins, mails, imports and jobs: names, addresses, cards are not.

Lines are read as the handlers of the settings write them, and the messages as our own calls hand them over.
"""

import io
import json
import logging
import smtplib

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import IntegrityError
from django.test import Client

from fabomatic import settings as project_settings
from fabomatic.discreet import Discreet, without_people
from machines import usage
from machines.models import Machine
from members.background import background
from members.models import Card, Member
from members.uids import shortened, without_cards
from telemetry import handlers, nudge
from tests.at_the_desk import Lab, database_fails
from tests.conftest import NOW, UIDS, UNKNOWN_UID
from tests.importing import confirm, csv_of, preview
from tests.staff import client_of, page

pytestmark = pytest.mark.django_db
PEOPLE = ("Ada", "Lovelace", "Bruno", "Munari", "Carla", "Scarpa", "Dora", "Maar", "Zita", "Zangwill")
ADDRESSES = ("ada@example.org", "dora@example.org", "zita@example.org", "nobody@example.org")
SECRETS = (*PEOPLE, *ADDRESSES, *UIDS.values(), UNKNOWN_UID, "dora-knows-it", "wrong-password")


class Written(logging.StreamHandler):
    """As the console and the kept logs write; what our own loggers handed over is looked at before that."""

    def __init__(self, level):
        super().__init__(io.StringIO())
        line = project_settings.LOGGING["formatters"]["line"]
        assert line["()"].endswith("Discreet")
        self.setFormatter(Discreet(line["format"], style=line["style"]))
        self.setLevel(level)
        self.ours = []

    def emit(self, record):
        super().emit(record)
        if record.name.partition(".")[0] in ("members", "machines", "telemetry", "fabomatic"):
            self.ours.append(record.getMessage())

    @property
    def text(self):
        return self.stream.getvalue()


@pytest.fixture
def logs(request):
    """All that is said, at the level that a lab has, or at the one it asked for."""
    level = getattr(request, "param", logging.INFO)
    root, written = logging.getLogger(), Written(level)
    before = root.level
    root.addHandler(written)
    root.setLevel(level)
    yield written
    root.setLevel(before)
    root.removeHandler(written)


@pytest.fixture
def lab(ada, bruno, carla, dora, laser, printer, monkeypatch):
    monkeypatch.setattr(nudge, "publish_once", lambda topic, payload: None)
    return Lab()


def names_in(text):
    return sorted(secret for secret in SECRETS if secret.lower() in text.lower())


def assert_nobody(logs):
    assert names_in(logs.text) == []
    assert names_in("\n".join(logs.ours)) == []


# ---- an evening of taps ----------------------------------------------------------------------------------------------


def test_taps_of_all_kinds(lab, logs):
    for uid in (UIDS["ada"], UIDS["bruno"], UNKNOWN_UID, "0A:1B:2C:3D", "no card", ["0a1b2c3d"], 169552957):
        for action in ("checkuser", "startuse", "inuse", "stopuse", "maintenance"):
            message = {"action": action, "uid": uid, "duration": 30}
            for topic in ("machine/7", "machine/99", f"machine/{UIDS['ada']}", "machine/0a:1b:2c:3d"):
                lab.replies(topic, json.dumps(message).encode())
    for payload in (UIDS["ada"].encode(), b'{"uid":"0a1b2c3d"', b'["0a1b2c3d"]', b'{"action":"0a1b2c3d"}', b"\xff\xfe"):
        lab.replies("machine/7", payload)
    lab.desk.taps.write()
    assert "uid is no card number" in logs.text
    assert "machine/0a1b..." in logs.text
    assert_nobody(logs)


def test_boards_in_conflict(lab, logs):
    lab.alive(7, "A1B2C3D4E5F6")
    lab.alive(12, "A1B2C3D4E5F6")
    lab.tap(12, UIDS["ada"])
    assert "A1B2C3D4E5F6" in logs.text
    assert_nobody(logs)


@pytest.mark.parametrize("words", ["database is locked", 'invalid input: "0a1b2c3d"', "no such row (0a1b2c3d)"])
def test_a_database_that_fails_quotes_no_card(lab, logs, words):
    lab.time.step = 0.3
    with database_fails(words):
        for action in ("checkuser", "startuse", "stopuse"):
            lab.replies("machine/7", json.dumps({"action": action, "uid": UIDS["ada"], "duration": 3}).encode())
    assert "database failed" in logs.text
    assert_nobody(logs)


def fails_with(error):
    def fail(*args, **kwargs):
        raise error

    return fail


ROW = 'duplicate key value violates unique constraint "x"\nDETAIL: Key (uid)=(0a1b2c3d, Ada Lovelace) already exists.'


@pytest.mark.parametrize("error", [IntegrityError(ROW), ValueError("Ada Lovelace, 0a1b2c3d")])
def test_a_fault_of_ours_is_told_by_its_place_not_by_its_words(lab, logs, monkeypatch, error):
    monkeypatch.setattr(usage, "start", fails_with(error))
    lab.replies("machine/7", json.dumps({"action": "startuse", "uid": UIDS["ada"]}).encode())
    assert "a startuse cannot be recorded" in logs.text
    assert_nobody(logs)


def test_a_traceback_says_where_and_of_what_kind(lab, logs, monkeypatch):
    monkeypatch.setattr(handlers, "_check_user", fails_with(ValueError("Ada Lovelace, 0a1b2c3d")))
    lab.tap(7, UIDS["ada"])
    assert "telemetry/handlers.py:" in logs.text
    assert "ValueError" in logs.text
    assert_nobody(logs)


# ---- the web ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/login/?next=/admin/members/member/%3Fq=Lovelace"])
def test_wrong_passwords_until_nobody_may_try_again(lab, logs, path):
    for email in ("dora@example.org", "nobody@example.org"):
        for _attempt in range(7):
            Client().post(path, {"username": email, "password": "wrong-password"})
    assert "Too many wrong passwords" in logs.text
    assert_nobody(logs)


@pytest.mark.parametrize(
    "path",
    [
        "/nothing/here/?q=Lovelace",
        "/ada@example.org",
        f"/admin/members/card/{UIDS['ada']}/nothing/",
        "/admin/members/member/?q=Lovelace&nonsense=Ada",
        f"/admin/machines/use/?q={UIDS['ada']}",
        "/invitation/MQ/abc123-0123456789abcdef0123456789abcdef/",
    ],
)
def test_searches_and_lost_pages(lab, logs, dora, path):
    for client in (client_of(dora), Client(), Client(headers={"host": "other.invalid"})):
        client.get(path)
        client.post(path, {"q": "Lovelace"})
    assert_nobody(logs)
    assert "0123456789abcdef0123456789abcdef" not in logs.text


def test_a_page_that_fails_on_somebodys_data(lab, logs, dora, monkeypatch):
    monkeypatch.setattr("members.admin.people.MemberAdmin.get_queryset", fails_with(ValueError(ROW)))
    client = client_of(dora)
    client.raise_request_exception = False
    assert client.get("/admin/members/member/?q=Lovelace").status_code == 500
    assert "ValueError" in logs.text
    assert "/admin/members/member/" in logs.text
    assert_nobody(logs)


def test_an_import_that_is_refused_and_one_that_stops(lab, logs, dora, monkeypatch):
    client = client_of(dora)
    response = preview(client, Member, csv_of("first_name,last_name,email,card", "Zita,Zangwill,zita@example.org,zz"))
    confirm(client, response, without_errors="1")
    monkeypatch.setattr("members.exchange.running.run", fails_with(IntegrityError(ROW)))
    response = preview(client, Member, csv_of("first_name,last_name", "Zita,Zangwill"))
    confirm(client, response, without_errors="1")
    assert "An import stopped" in logs.text
    assert_nobody(logs)


def test_an_export_of_everybody(lab, logs, dora):
    client_of(dora).get(page(Member, "export"), {"q": "Lovelace", "format": "csv"})
    assert_nobody(logs)


# ---- mail ------------------------------------------------------------------------------------------------------------


def ask_for_password():
    Client().post("/password/forgotten/", {"email": "dora@example.org"})
    background.wait()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("transport", ["console", "smtp"])
def test_mails_that_cannot_be_sent(dora, logs, settings, transport, capsys, monkeypatch):
    settings.EMAIL_BACKEND = "fabomatic.mail.NotingBackend"
    settings.MAIL_TRANSPORT = f"django.core.mail.backends.{transport}.EmailBackend"
    monkeypatch.setattr(smtplib, "SMTP", fails_with(smtplib.SMTPRecipientsRefused({"dora@example.org": (550, b"")})))
    ask_for_password()
    printed = capsys.readouterr()
    assert "mail was not sent" in logs.text
    assert names_in(printed.out + printed.err) == []
    assert_nobody(logs)


@pytest.mark.parametrize("logs", [logging.DEBUG], indirect=True)
def test_without_a_mail_server_mails_are_written_where_somebody_asked_for_all(ada, logs, settings, capsys):
    settings.MAIL_TRANSPORT = "django.core.mail.backends.console.EmailBackend"
    connection = mail.get_connection("fabomatic.mail.NotingBackend")
    mail.EmailMessage("Hello", "Dear Ada", to=["ada@example.org"], connection=connection).send()
    assert "ada@example.org" in capsys.readouterr().out


# ---- jobs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("job", ["purge_gdpr", "check_hours", "close_lost_uses", "send_notices", "send_weekly_summary"])
def test_jobs_that_cron_starts(lab, logs, job, capsys):
    lab.replies("machine/7", json.dumps({"action": "startuse", "uid": UIDS["ada"]}).encode())
    Machine.objects.filter(pk=7).update(seconds_used=12345)
    failure = ""
    try:
        call_command(job, scheduled=True)
    except CommandError as error:
        failure = str(error)
    assert names_in(failure) == []
    printed = capsys.readouterr()
    assert names_in(printed.out + printed.err) == []
    assert_nobody(logs)


def test_a_job_that_fails_on_somebodys_data(lab, logs, monkeypatch):
    monkeypatch.setattr("machines.hours_check.differing", fails_with(IntegrityError(ROW)))
    with pytest.raises(CommandError, match=r"check_hours failed \(IntegrityError\)"):
        call_command("check_hours", scheduled=True)
    assert "hours_check" in logs.text or "check_hours.py" in logs.text
    assert_nobody(logs)


def test_somebody_who_is_erased(lab, logs, ada, dora):
    from fabomatic.privacy.erasing import erase

    erase(ada, dora.pk, NOW)
    assert not Card.objects.filter(uid=UIDS["ada"]).exists()
    assert_nobody(logs)


# ---- what takes care of it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("card 0a1b2c3d at 7", "card 0a1b… at 7"),
        ("card 0A:1B:2C:3D.", "card 0a1b…."),
        ("uid=('0a-1b-2c-3d')", "uid=('0a1b…')"),
        ("board A1B2C3D4E5F6", "board A1B2C3D4E5F6"),
        ("mac a1:b2:c3:d4:e5:f6", "mac a1:b2:c3:d4:e5:f6"),
        ("copy 20261120-0410 of 2026-11-20 04:10:12", "copy 20261120-0410 of 2026-11-20 04:10:12"),
        ("GET /admin/members/member/?q=ada&p=1 200", "GET /admin/members/member/?… 200"),
        ("to <ada@example.org>: no", "to <…@…>: no"),
        ("Connected to the broker at 127.0.0.1:1883.", "Connected to the broker at 127.0.0.1:1883."),
        ("/invitation/MQ/abc123-0123456789abcdef0123456789abcdef/", "/invitation/MQ/…/"),
    ],
)
def test_what_names_somebody_is_cut_out_and_the_rest_is_not(said, written):
    assert without_people(said) == written


def test_a_shortened_card_makes_no_card():
    assert shortened("0a1b2c3d") == "0a1b…"
    assert without_cards("0a1b2c3d 0a1b2c3d") == "0a1b… 0a1b…"


@pytest.mark.parametrize("logs", [logging.DEBUG], indirect=True)
def test_whoever_asks_for_everything_gets_it(logs):
    try:
        raise ValueError("Ada Lovelace, 0a1b2c3d")
    except ValueError:
        logging.getLogger("elsewhere").exception("At /x/?q=ada")
    assert "Ada Lovelace, 0a1b2c3d" in logs.text
    assert "?q=ada" in logs.text
