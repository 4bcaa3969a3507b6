"""What became of a tap, for people: the backend's answer, and what the board then made of it by its own rules."""

from __future__ import annotations

from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from machines.access import Outcome
from telemetry.models import Tap

STAFF_LEVEL = 2


class Stop(StrEnum):
    """Why a board stops somebody whom the backend lets in."""

    BLOCKED = "blocked"
    MAINTENANCE = "maintenance"

    @property
    def sentence(self) -> Promise:
        """Of a tap that would be stopped now."""
        return _STOPS[self]

    @property
    def report(self) -> Promise:
        """Of one that was."""
        return _STOPPED[self]


_STOPS: dict[Stop, Promise] = {
    Stop.BLOCKED: _("The machine is blocked, and then its board stops everybody."),
    Stop.MAINTENANCE: _("Maintenance is due, and then its board stops ordinary members."),
}
_STOPPED: dict[Stop, Promise] = {
    Stop.BLOCKED: _("Granted, but the board stopped it: the machine is blocked."),
    Stop.MAINTENANCE: _("Granted, but the board stopped it: maintenance is due."),
}


def stop_of_board(level: int, *, is_blocked: bool, is_maintenance_due: bool) -> Stop | None:
    """Blocked stops everybody, due maintenance those who do none."""
    if is_blocked:
        return Stop.BLOCKED
    return Stop.MAINTENANCE if is_maintenance_due and level < STAFF_LEVEL else None


def _stop_of(tap: Tap) -> Stop | None:
    if tap.outcome != Outcome.GRANTED:
        return None
    return stop_of_board(tap.level, is_blocked=tap.is_machine_blocked, is_maintenance_due=tap.is_maintenance_due)


def sentence(tap: Tap) -> Promise:
    stop = _stop_of(tap)
    return Outcome(tap.outcome).sentence if stop is None else stop.report
