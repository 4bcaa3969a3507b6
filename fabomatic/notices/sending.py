"""Sends what is owed now. What is no longer so at the next run is nobody's business any more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.mail import get_connection
from django.db import IntegrityError
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabomatic.housekeeping.command import Done
from fabomatic.notices.letters import GIVEN_UP_AFTER, Letter
from fabomatic.notices.maintenance import maintenance_letters
from fabomatic.notices.memberships import membership_letters
from fabomatic.notices.silence import silence_letters
from fabomatic.post import deliver, has_mail_server, owed
from members.mail import trouble_of

# Thousands of memberships end on one day, and mail servers take only so many at once.
MOST_AT_ONCE = 100


def letters_owed(now: datetime) -> list[Letter]:
    """The most pressing first."""
    return [*silence_letters(now), *maintenance_letters(now), *membership_letters(now)]


def send_notices(now: datetime) -> Done:
    if is_quiet(now):
        return Done(quiet_sentence(), is_news=False)
    letters = letters_owed(now)
    if not letters:
        return Done(_("Nothing to tell."), is_news=False)
    if not has_mail_server():
        return Done(_waiting(len(letters), _("There is no mail server (EMAIL_URL).")), is_ok=False)
    postman = _Postman(now)
    postman.carry(letters[:MOST_AT_ONCE])
    return postman.report(len(letters) - MOST_AT_ONCE)


def preview(now: datetime) -> list[str]:
    """Who would get what."""
    return [f"{letter.member.email}: {_subject_of(letter)}" for letter in letters_owed(now)]


def _subject_of(letter: Letter) -> str:
    with translation.override(letter.member.language or settings.LANGUAGE_CODE):
        return str(letter.subject)


def is_quiet(now: datetime) -> bool:
    clock = timezone.localtime(now, timezone.get_default_timezone()).time()
    return settings.QUIET_HOURS is not None and settings.QUIET_HOURS.covers(clock)


def quiet_sentence() -> str:
    return _("Quiet hours: nothing is sent before %(end)s.") % {"end": f"{settings.QUIET_HOURS.end:%H:%M}"}


def _waiting(count: int, trouble: str) -> str:
    return f"{ngettext('%(count)d mail waits.', '%(count)d mails wait.', count) % {'count': count}} {trouble}"


@dataclass
class _Postman:
    """One way to the mail server for all. That the server is away is no attempt at anybody's mail."""

    now: datetime
    sent: int = 0
    given_up: int = 0
    failed: int = 0
    troubles: dict[str, None] = field(default_factory=dict)  # each once, in their order
    left: int = 0
    closed: str = ""

    def carry(self, letters: Sequence[Letter]) -> None:
        connection = get_connection()
        for position, letter in enumerate(letters):
            try:
                connection.open()
            except Exception as error:  # whatever a mail server thinks of
                self.left, self.closed = len(letters) - position, trouble_of(error)
                break
            if not self._send(letter, connection):
                _close(connection)  # it may be a wreck; the next one opens it again
        _close(connection)

    def _send(self, letter: Letter, connection: Any) -> bool:
        try:
            notices = owed(letter.kind, letter.member, letter.abouts, self.now)
        except IntegrityError:  # the member was deleted meanwhile
            return True
        if not notices:
            return True
        mail = letter.mail()
        mail.connection = connection
        trouble = deliver(mail, notices, self.now)
        if not trouble:
            self.sent += 1
            return True
        self.failed += 1
        self.given_up += any(notice.attempts + 1 >= GIVEN_UP_AFTER for notice in notices)
        self.troubles[trouble] = None
        return False

    def report(self, later: int) -> Done:
        return Done(" ".join(self._sentences(later)), is_ok=not self.failed and not self.left)

    def _sentences(self, later: int) -> Iterator[str]:
        if self.sent or not (self.failed or self.left):
            yield ngettext("%(count)d mail sent.", "%(count)d mails sent.", self.sent) % {"count": self.sent}
        if self.failed:
            text = ngettext("%(count)d mail not sent.", "%(count)d mails not sent.", self.failed)
            yield text % {"count": self.failed}
            yield from self.troubles
        if self.given_up:
            text = ngettext(
                "%(count)d of them is given up after %(attempts)d attempts.",
                "%(count)d of them are given up after %(attempts)d attempts.",
                self.given_up,
            )
            yield text % {"count": self.given_up, "attempts": GIVEN_UP_AFTER}
        if self.left:
            yield _waiting(self.left, self.closed)
        if later > 0:
            text = ngettext("%(count)d more follows at the next run.", "%(count)d more follow at the next run.", later)
            yield text % {"count": later}


def _close(connection: Any) -> None:
    with suppress(Exception):  # a server that hung up cannot be told goodbye
        connection.close()
