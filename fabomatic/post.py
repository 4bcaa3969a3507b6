"""Mails that the lab owes somebody: each once, and again at the next run as long as it could not be sent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import F
from django.utils import translation

from fabomatic.models import Notice
from members.mail import trouble_of
from members.models import Member

_NOWHERE = ("console.EmailBackend", "dummy.EmailBackend")


def has_mail_server() -> bool:
    """Without EMAIL_URL mails end on the console; those that jobs write have names in them, and wait instead."""
    return not settings.MAIL_TRANSPORT.endswith(_NOWHERE)


def owed(kind: Notice.Kind, member: Member, abouts: Iterable[str], now: datetime) -> list[Notice]:
    """What this person has not been told yet."""
    wanted = list(dict.fromkeys(abouts))
    Notice.objects.bulk_create(
        [Notice(kind=kind, member=member, about=about, created_at=now) for about in wanted], ignore_conflicts=True
    )
    return list(Notice.objects.filter(kind=kind, member=member, about__in=wanted, sent_at__isnull=True).order_by("pk"))


def deliver(mail: EmailMessage, notices: Iterable[Notice], now: datetime) -> str:
    """What went wrong, in a sentence without addresses; empty: it is sent, and these notices with it."""
    told = Notice.objects.filter(pk__in=[notice.pk for notice in notices])
    try:
        mail.send()
    except Exception as error:  # a server may think of anything; the others get theirs all the same
        with translation.override(settings.LANGUAGE_CODE):
            trouble = trouble_of(error)
        told.update(attempts=F("attempts") + 1, trouble=trouble[:200])
        return trouble
    told.update(attempts=F("attempts") + 1, trouble="", sent_at=now)
    return ""
