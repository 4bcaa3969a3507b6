"""A mail that is owed is sent once, and tried again until it could be."""

import smtplib
from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.utils import translation

from fabomatic.models import Notice
from fabomatic.post import deliver, has_mail_server, owed
from tests.conftest import NOW

pytestmark = pytest.mark.django_db
KIND = Notice.Kind.MAINTENANCE
SEND = "django.core.mail.backends.locmem.EmailBackend.send_messages"


def write(notices, now=NOW):
    return deliver(EmailMessage("Subject", "Text", None, ["ada@example.org"]), notices, now)


def abouts(notices):
    return [notice.about for notice in notices]


@pytest.fixture
def refusing(monkeypatch):
    def refuse(self, messages):
        raise smtplib.SMTPRecipientsRefused({"ada@example.org": (550, b"ada@example.org unknown")})

    with monkeypatch.context() as patch:
        patch.setattr(SEND, refuse)
        yield patch


def test_what_was_not_told_yet_is_owed(ada):
    assert abouts(owed(KIND, ada, ["a", "b"], NOW)) == ["a", "b"]


def test_what_was_sent_is_owed_no_more(ada):
    write(owed(KIND, ada, ["a"], NOW))
    assert abouts(owed(KIND, ada, ["a", "b"], NOW)) == ["b"]
    assert len(mail.outbox) == 1


def test_what_is_owed_already_is_not_owed_twice(ada):
    first = owed(KIND, ada, ["a"], NOW)
    again = owed(KIND, ada, ["a", "a"], NOW + timedelta(hours=1))
    assert [notice.pk for notice in again] == [notice.pk for notice in first]
    assert Notice.objects.get().created_at == NOW


def test_nothing_is_owed_of_nothing(ada):
    assert owed(KIND, ada, [], NOW) == []


def test_what_is_not_so_any_more_is_not_among_it(ada):
    owed(KIND, ada, ["old"], NOW)
    assert abouts(owed(KIND, ada, ["new"], NOW)) == ["new"]


def test_each_person_and_each_kind_is_owed_its_own(ada, dora):
    write(owed(KIND, ada, ["a"], NOW))
    assert abouts(owed(KIND, dora, ["a"], NOW)) == ["a"]
    assert abouts(owed(Notice.Kind.SILENCE, ada, ["a"], NOW)) == ["a"]


def test_sent_mail_is_noted_with_its_time(ada):
    assert write(owed(KIND, ada, ["a", "b"], NOW), NOW + timedelta(minutes=5)) == ""
    assert set(Notice.objects.values_list("sent_at", "attempts", "trouble")) == {(NOW + timedelta(minutes=5), 1, "")}


def test_refused_mail_is_noted_without_address_and_still_owed(ada, refusing):
    trouble = write(owed(KIND, ada, ["a"], NOW))
    assert trouble == "The mail server refuses the recipient."
    notice = Notice.objects.get()
    assert (notice.sent_at, notice.attempts, notice.trouble) == (None, 1, trouble)
    assert abouts(owed(KIND, ada, ["a"], NOW)) == ["a"]


def test_what_is_sent_at_last_has_no_trouble_any_more(ada, refusing):
    write(owed(KIND, ada, ["a"], NOW))
    refusing.undo()
    assert write(owed(KIND, ada, ["a"], NOW)) == ""
    notice = Notice.objects.get()
    assert (notice.attempts, notice.trouble, notice.sent_at) == (2, "", NOW)


def test_trouble_is_in_the_labs_language_whoever_reads_the_mail(ada, refusing):
    with translation.override("it"):
        assert write(owed(KIND, ada, ["a"], NOW)) == "The mail server refuses the recipient."


def test_any_error_is_a_trouble_not_a_crash(ada, monkeypatch):
    def burst(self, messages):
        raise RuntimeError("ada@example.org")

    monkeypatch.setattr(SEND, burst)
    assert write(owed(KIND, ada, ["a"], NOW)) == "The mail could not be sent (RuntimeError)."


def test_notices_go_with_their_member(ada):
    owed(KIND, ada, ["a"], NOW)
    ada.delete()
    assert not Notice.objects.exists()


@pytest.mark.parametrize(
    ("backend", "is_one"), [("smtp", True), ("filebased", True), ("console", False), ("dummy", False)]
)
def test_console_is_no_mail_server(settings, backend, is_one):
    settings.MAIL_TRANSPORT = f"django.core.mail.backends.{backend}.EmailBackend"
    assert has_mail_server() is is_one
