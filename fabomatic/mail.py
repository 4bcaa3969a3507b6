"""Sends as EMAIL_URL says, and notes for the system page how it went."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import DatabaseError, transaction
from django.utils import translation
from django.utils.translation import ngettext

from fabomatic.discreet import is_debugging
from fabomatic.housekeeping.own_database import is_missing
from fabomatic.models import Run, note_run
from fabomatic.post import has_mail_server
from members.mail import NoMailServer, trouble_of

log = logging.getLogger(__name__)


class NotingBackend(BaseEmailBackend):
    def __init__(self, fail_silently: bool = False, **options: Any) -> None:
        super().__init__(fail_silently=fail_silently)
        self._transport = get_connection(settings.MAIL_TRANSPORT, **options)

    def open(self) -> bool | None:
        return self._transport.open()

    def close(self) -> None:
        self._transport.close()

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        messages = list(email_messages)
        if not messages:
            return 0
        try:
            if not has_mail_server() and not is_debugging():
                # On the console it would stand in a log: addresses, names, and links that let people in.
                raise NoMailServer
            sent = self._transport.send_messages(messages) or 0
        except Exception as error:
            _note(len(messages), trouble=error)
            if self.fail_silently:
                return 0
            raise
        _note(sent)
        return sent


def _note(count: int, *, trouble: Exception | None = None) -> None:
    """In the lab's language, and naming nobody. A mail is no worse for a note that could not be written."""
    with translation.override(settings.LANGUAGE_CODE):
        if trouble is None:
            text = ngettext("%(count)d mail sent", "%(count)d mails sent", count) % {"count": count}
        else:
            log.error("A mail was not sent: %s", type(trouble).__name__)
            if isinstance(trouble, NoMailServer):
                log.error("Set EMAIL_URL; LOG_LEVEL=DEBUG writes mails to the log, to try things.")
            sentence = ngettext("%(count)d mail not sent.", "%(count)d mails not sent.", count) % {"count": count}
            text = f"{sentence} {trouble_of(trouble)}"
    _keep(text, is_ok=trouble is None)


def _keep(text: str, *, is_ok: bool) -> None:
    if is_missing():  # noting it would make an empty database
        return
    try:
        with transaction.atomic():
            note_run(Run.Kind.MAIL, text, is_ok=is_ok)
    except DatabaseError as error:
        log.warning("That a mail was sent could not be noted: %s", type(error).__name__)
