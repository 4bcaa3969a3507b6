"""One machine as people see it, read from the database."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils import timezone

from members.names import Names, shown_name
from telemetry.status import MachineStatus, One, State, snapshot_with

_FIELDS = (
    "location",
    "blocked_reason",
    "running__member__first_name",
    "running__member__last_name",
)
_one = One(*_FIELDS)
FEW = 40  # more than these one query reads sooner, though it has to be built first


@dataclass(frozen=True, slots=True)
class Upcoming:
    """The maintenance that comes first. `left` is whole hours of use, or days; negative when overdue."""

    message: str
    percent: int
    is_due: bool
    left: int
    is_by_days: bool

    @property
    def over(self) -> int:
        return -self.left


@dataclass(frozen=True, slots=True)
class Tile:
    """Two that are equal look the same; so nothing is in it that changes by itself all the time."""

    id: int
    name: str
    type: str
    place: str
    state: State
    since: datetime | None
    is_online: bool
    last_heard_at: datetime | None
    blocked_reason: str
    is_blocked: bool
    seconds_used: int
    upcoming: Upcoming | None
    first_name: str
    last_name: str
    # Times are told with their day unless it is this one.
    today: date

    @property
    def is_since_today(self) -> bool:
        return self.since is not None and timezone.localdate(self.since) == self.today

    @property
    def is_heard_today(self) -> bool:
        return self.last_heard_at is not None and timezone.localdate(self.last_heard_at) == self.today

    def person(self, names: Names) -> str:
        return shown_name(self.first_name, self.last_name, names)

    @property
    def silent_since(self) -> datetime | None:
        """When it was last heard, where its state does not say that it is silent."""
        return None if self.is_online or self.state is State.OFFLINE else self.last_heard_at


def read_tiles(
    now: datetime, machine_ids: Collection[int] | None = None, heard: Mapping[int, datetime] | None = None
) -> dict[int, Tile]:
    """All, or those of these that exist."""
    today = timezone.localdate(now)
    if machine_ids is None or len(machine_ids) > FEW:
        rows = snapshot_with(_FIELDS, now, machine_ids, heard)
    else:
        found = (_one.read(machine_id, now, heard or {}) for machine_id in machine_ids)
        rows = [row for row in found if row is not None]
    return {status.id: _tile(status, fields, today) for status, fields in rows}


def _tile(status: MachineStatus, fields: tuple[Any, ...], today: date) -> Tile:
    place, reason, first_name, last_name = fields
    return Tile(
        id=status.id,
        name=status.name,
        type=status.type,
        place=place,
        state=status.state,
        since=status.since,
        is_online=status.is_online,
        # While it is online this changes all the time, and nobody looks at it.
        last_heard_at=None if status.is_online else status.last_heard_at,
        blocked_reason=reason if status.is_blocked else "",
        is_blocked=status.is_blocked,
        seconds_used=status.seconds_used,
        upcoming=_upcoming(status),
        first_name=first_name or "",
        last_name=last_name or "",
        today=today,
    )


def _upcoming(status: MachineStatus) -> Upcoming | None:
    plan = status.maintenance
    if plan is None:
        return None
    percent = min(100, math.floor(100 * plan.progress))
    # Towards zero: "0 h over" is due, and "0 h left" is less than one.
    return Upcoming(plan.message, percent, plan.is_due, math.trunc(plan.left), plan.is_by_days)
