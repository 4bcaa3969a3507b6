"""Sentences for people, made of what happens at the boards."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.utils.translation import gettext as _

from telemetry.simulation.happenings import Happening, Kind


class Narrator:
    """Called from every board's thread."""

    def __init__(self, write: Callable[[str], object], *, is_quiet: bool = False) -> None:
        self._write = write
        self._is_quiet = is_quiet
        self._lock = threading.Lock()
        self._has_no_broker = False

    def say(self, line: str) -> None:
        with self._lock:
            self._write(line)

    def tell(self, happening: Happening) -> None:
        if happening.kind in (Kind.CONNECTED, Kind.NO_CONNECTION):
            self._tell_of_the_broker(happening)
        elif not self._is_quiet:
            self.say(_("Board {machine}: {what}").format(machine=happening.machine, what=sentence(happening)))

    def _tell_of_the_broker(self, happening: Happening) -> None:
        """A hundred boards that find no broker are one piece of news."""
        has_none = happening.kind is Kind.NO_CONNECTION
        with self._lock:
            if has_none == self._has_no_broker:
                return
            self._has_no_broker = has_none
            if has_none:
                self._write(_("{problem}; the boards keep trying.").format(problem=happening.text))
            else:
                self._write(_("The broker is there."))


def sentence(happening: Happening) -> str:
    about = {
        "uid": happening.uid,
        "action": happening.action,
        "number": happening.number,
        "text": happening.text,
    }
    return _template(happening.kind, has_user=bool(happening.uid)).format(**about)


def _template(kind: Kind, *, has_user: bool) -> str:
    if kind is Kind.POWER_CUT and has_user:
        return _("loses power while card {uid} is at work, and forgets {number} messages")
    templates = {
        Kind.CONNECTED: _("online"),
        Kind.NO_CONNECTION: _("no connection: {text}"),
        Kind.CONNECTION_LOST: _("connection lost"),
        Kind.LET_IN: _("card {uid} let in (level {number})"),
        Kind.LET_IN_BY_CACHE: _("nobody decides, the board remembers card {uid} (level {number})"),
        Kind.REFUSED: _("card {uid} refused"),
        Kind.REFUSED_BY_CACHE: _("nobody decides, and the board does not remember card {uid}: refused"),
        Kind.BLOCKED: _("card {uid} refused, the machine is blocked"),
        Kind.MAINTENANCE_DUE: _("card {uid} refused, maintenance is due"),
        Kind.MAINTENANCE_CONFIRMED: _("card {uid} confirms the maintenance"),
        Kind.BUSY: _("card {uid} shown while somebody else works"),
        Kind.STOPPED: _("card {uid} done after {number} s"),
        Kind.LOGGED_OFF: _("card {uid} logged off automatically after {number} s"),
        Kind.REMOTE_START: _("asked to start for card {uid}"),
        Kind.REMOTE_STOP: _("asked to stop by card {uid}"),
        Kind.BAD_REQUEST: _("asked for something that is no request"),
        Kind.UNKNOWN_MACHINE: _("the backend does not know this machine"),
        Kind.CARDS_SYNCED: _("remembers {number} cards from the backend"),
        Kind.NOT_ACCEPTED: _("the backend did not accept {action} of card {uid}: {text}"),
        Kind.UNANSWERED: _("no answer to {action}"),
        Kind.LOST: _("connection lost while {action} waited; the board takes it as answered"),
        Kind.LATE: _("an answer nobody waits for, after {action}"),
        Kind.OVER_LONG: _("a packet of {number} bytes after {action} cuts the connection"),
        Kind.KEPT: _("keeps {action} of card {uid} ({number} kept)"),
        Kind.REPLAYED: _("brought {action} of card {uid} again ({number} left)"),
        Kind.WATCHDOG: _("restarts, because replaying took over a minute; forgets {number} messages"),
        Kind.POWER_CUT: _("loses power and forgets {number} messages"),
    }
    return templates[kind]
