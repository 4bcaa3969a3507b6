"""What tests of notices by mail share: a mail server that can be away or refuse somebody, and what arrived."""

import smtplib
from datetime import timedelta

import pytest
from django.core import mail
from django.utils.translation import get_language

from fabomatic.notices.sending import send_notices
from fabomatic.quiet_hours import QuietHours
from tests.conftest import NOW

LOCAL = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture(autouse=True)
def lab_with_mail(settings):
    settings.MAIL_TRANSPORT = LOCAL
    settings.QUIET_HOURS = QuietHours.parse("22:00-08:00")
    settings.SITE_URL = "https://lab.example.org"
    settings.DEFAULT_FROM_EMAIL = "FabLab <desk@lab.example.org>"


@pytest.fixture
def refused(monkeypatch):
    """Addresses that the mail server refuses."""
    addresses, take = set(), mail.backends.locmem.EmailBackend.send_messages

    def send_messages(self, messages):
        for message in messages:
            if addresses & set(message.to):
                raise smtplib.SMTPRecipientsRefused({message.to[0]: (550, b"nobody here")})
        return take(self, messages)

    monkeypatch.setattr(f"{LOCAL}.send_messages", send_messages)
    return addresses


@pytest.fixture
def server_away(monkeypatch):
    def refuse(self):
        raise ConnectionRefusedError

    monkeypatch.setattr(f"{LOCAL}.open", refuse)


@pytest.fixture
def languages(monkeypatch):
    """Sentences say in which language they were asked for: their translations are not what is tested."""

    def spoken(*texts):
        return f"[{get_language()}] {texts[0]}"

    for name in ("maintenance", "memberships", "silence"):
        monkeypatch.setattr(f"fabomatic.notices.{name}._", spoken)


def later(**span):
    return NOW + timedelta(**span)


def told(now=NOW):
    """Who is told what at this run."""
    before = len(mail.outbox)
    send_notices(now)
    return [(message.to[0], message.subject) for message in mail.outbox[before:]]


def last_mail():
    """As text and as a page."""
    message = mail.outbox[-1]
    return message.body, message.alternatives[0].content
