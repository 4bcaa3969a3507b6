"""Mail is sent as EMAIL_URL says, and how it went stands on the system page."""

import smtplib
import threading
import time

import pytest
from django.conf import settings as project_settings
from django.core import mail
from django.core.mail import EmailMessage, send_mail
from django.db import OperationalError

from fabomatic.models import Run
from members import background
from members.mail import NoMailServer
from tests.doors import asked_for_link

pytestmark = pytest.mark.django_db
LOCAL = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture(autouse=True)
def noted(settings):
    settings.EMAIL_BACKEND = "fabomatic.mail.NotingBackend"
    settings.MAIL_TRANSPORT = LOCAL


@pytest.fixture
def refusing(monkeypatch):
    def refuse(self, messages):
        raise smtplib.SMTPRecipientsRefused({"ada@example.org": (550, b"ada@example.org unknown")})

    monkeypatch.setattr(f"{LOCAL}.send_messages", refuse)


def write(**options):
    return send_mail("Subject", "Text", None, ["ada@example.org"], **options)


def test_mail_goes_out_and_is_noted():
    assert write() == 1

    assert len(mail.outbox) == 1
    run = Run.objects.get()
    assert (run.kind, run.is_ok, run.text) == (Run.Kind.MAIL, True, "1 mail sent")


def test_many_mails_at_once_are_one_note():
    mail.get_connection().send_messages([EmailMessage("S", "T", None, ["x@example.org"]) for _ in range(3)])

    assert Run.objects.get().text == "3 mails sent"


def test_no_mail_is_no_note():
    mail.get_connection().send_messages([])

    assert not Run.objects.exists()


@pytest.mark.parametrize("transport", ["console", "dummy"])
def test_without_a_mail_server_nobody_is_told_that_a_mail_was_sent(settings, caplog, capsys, transport):
    settings.MAIL_TRANSPORT = f"django.core.mail.backends.{transport}.EmailBackend"

    with pytest.raises(NoMailServer):
        write()

    run = Run.objects.get()
    assert (run.is_ok, run.text) == (False, "1 mail not sent. There is no mail server (EMAIL_URL).")
    assert "ada" not in caplog.text + capsys.readouterr().out


def test_mail_that_was_refused_is_noted_without_addresses(refusing, caplog):
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        write()

    run = Run.objects.get()
    assert (run.is_ok, run.text) == (False, "1 mail not sent. The mail server refuses the recipient.")
    assert "ada" not in caplog.text


def test_who_wants_to_hear_of_no_failure_hears_of_none(refusing):
    assert write(fail_silently=True) == 0

    assert not Run.objects.get().is_ok


def test_mail_is_sent_also_where_no_note_can_be_written(monkeypatch, caplog):
    def locked(*args, **kwargs):
        raise OperationalError("database is locked")

    monkeypatch.setattr("fabomatic.mail.note_run", locked)

    assert write() == 1
    assert "OperationalError" in caplog.text


def test_note_is_in_the_labs_language(settings):
    settings.LANGUAGE_CODE = "it"
    write()

    assert Run.objects.get().text


def test_nothing_listens_where_the_mail_server_should_be(settings):
    settings.MAIL_TRANSPORT = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    with pytest.raises(OSError, match="refused"):
        write()

    assert Run.objects.get().text == "1 mail not sent. The mail server does not answer."


def test_no_mail_server_is_waited_for_longer_than_ten_seconds():
    assert project_settings.EMAIL_TIMEOUT == 10


# ---- in the background -----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_mails_of_pages_go_out_in_another_thread(client, dora):
    response = asked_for_link(client, "dora@example.org")
    background.background.wait()

    assert response.status_code == 302
    assert [message.to for message in mail.outbox] == [["dora@example.org"]]
    assert Run.objects.get().is_ok


def test_what_fails_in_the_background_ends_nothing(caplog):
    here = background.Background()
    done = []

    here.do(lambda: 1 / 0)
    here.do(lambda: done.append(threading.current_thread().name))
    here.wait()

    assert done == ["background"]
    assert "ZeroDivisionError" in caplog.text


def test_nothing_is_begun_before_the_page_is_answered():
    here, begun = background.Background(delay=0.05), []
    asked = time.monotonic()
    here.do(lambda: begun.append(time.monotonic()))
    here.wait()

    assert begun[0] - asked >= 0.05


def test_what_finds_no_room_is_dropped_and_nobody_waits(caplog):
    here, gate = background.Background(room=2), threading.Event()
    for _ in range(10):
        here.do(gate.wait)
    gate.set()
    here.wait()

    assert "something was dropped" in caplog.text
