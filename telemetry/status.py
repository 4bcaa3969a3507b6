"""What a machine is doing, for screens: read from the database, published by the worker as retained JSON.

No person is in it: anything on the lab's network may subscribe, and a retained message outlives an erasure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import FilteredRelation, OuterRef, Q, QuerySet, Subquery
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from machines.maintenance import Plan, active_plans, plans_of
from machines.models import Machine, Use
from machines.prepared import Prepared

TOPIC = "fabomatic/status"
OFFLINE_AFTER = timedelta(seconds=90)


class State(StrEnum):
    """In the order in which the first that applies is shown."""

    IN_USE = "in_use"
    BLOCKED = "blocked"
    MAINTENANCE = "maintenance"
    OFFLINE = "offline"
    FREE = "free"

    @property
    def sentence(self) -> Promise:
        return _WORDS[self]


_WORDS: dict[State, Promise] = {
    State.IN_USE: _("In use"),
    State.BLOCKED: _("Blocked"),
    State.MAINTENANCE: _("Maintenance due"),
    State.OFFLINE: _("Silent"),
    State.FREE: _("Free"),
}


@dataclass(frozen=True, slots=True)
class NextMaintenance:
    """The plan that is furthest; `progress` reaches 1.0 when it falls due.

    `left` is what remains, in hours of use or in days; below zero it is overdue.
    """

    is_due: bool
    message: str
    progress: float
    left: float = 0.0
    is_by_days: bool = False


@dataclass(frozen=True, slots=True)
class MachineStatus:
    id: int
    name: str
    type: str
    state: State
    since: datetime | None
    is_online: bool
    seconds_used: int
    maintenance: NextMaintenance | None
    # What follows is for our own pages; it is not published.
    is_blocked: bool
    blocked_at: datetime | None
    last_heard_at: datetime | None

    def to_json(self) -> bytes:
        maintenance = None
        if self.maintenance is not None:
            maintenance = {
                "is_due": self.maintenance.is_due,
                "message": self.maintenance.message,
                "progress": round(self.maintenance.progress, 3),
            }
        fields = {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "state": self.state.value,
            "since": None if self.since is None else self.since.astimezone(UTC).isoformat(timespec="seconds"),
            "is_online": self.is_online,
            "seconds_used": self.seconds_used,
            "maintenance": maintenance,
        }
        return json.dumps(fields, separators=(",", ":")).encode()


def snapshot(
    now: datetime, machine_ids: Iterable[int] | None = None, heard: Mapping[int, datetime] | None = None
) -> list[MachineStatus]:
    """All machines, or these. `heard` is what is not yet written: when each machine was last heard."""
    return [status for status, _nothing in snapshot_with((), now, machine_ids, heard)]


def snapshot_with(
    fields: Iterable[str],
    now: datetime,
    machine_ids: Iterable[int] | None = None,
    heard: Mapping[int, datetime] | None = None,
    plans: Mapping[int, list[Plan]] | None = None,
) -> list[tuple[MachineStatus, tuple[Any, ...]]]:
    """Each with these fields of the machine, or of its `running` use, beside it: read by the same query.

    `plans` by machine, where somebody has read them.
    """
    ids = None if machine_ids is None else list(machine_ids)
    machines = Machine.objects.all() if ids is None else Machine.objects.filter(pk__in=ids)
    known = plans_of(ids) if plans is None else plans
    own = len(_FIELDS)
    return [
        (_status(row[:own], known.get(row[0], []), now, heard or {}), row[own:])
        for row in _rows(machines.order_by("id"), *fields)
    ]


class One:
    """One machine as in `snapshot_with`, by queries that are built once: asked for after each change."""

    def __init__(self, *fields: str) -> None:
        def build(machine_id: int) -> QuerySet[Machine, Any]:
            return _rows(Machine.objects.filter(pk=machine_id).order_by(), *fields)

        self._prepared = Prepared(build, machine_id=int)

    def read(
        self, machine_id: int, now: datetime, heard: Mapping[int, datetime]
    ) -> tuple[MachineStatus, tuple[Any, ...]] | None:
        row = self._prepared.first(machine_id=machine_id)
        if row is None:
            return None
        own = len(_FIELDS)
        return _status(row[:own], active_plans(machine_id), now, heard), row[own:]


def snapshot_of(machine_id: int, now: datetime, heard: Mapping[int, datetime]) -> MachineStatus | None:
    found = _one.read(machine_id, now, heard)
    return None if found is None else found[0]


_one = One()


def topic_of(machine_id: int) -> str:
    return f"{TOPIC}/{machine_id}"


def is_online(last_seen_at: datetime | None, now: datetime) -> bool:
    return last_seen_at is not None and abs(now - last_seen_at) < OFFLINE_AFTER  # a clock may have been set back


_FIELDS = (
    "id",
    "name",
    "type__name",
    "is_blocked",
    "blocked_at",
    "seconds_used",
    "last_seen_at",
    "running__id",
    "running__started_at",
    "last_ended_at",
)


def _rows(machines: QuerySet[Machine, Any], *more: str) -> QuerySet[Machine, Any]:
    last_use = Use.objects.filter(machine_id=OuterRef("pk"), ended_at__isnull=False).order_by("-ended_at", "-id")
    return machines.annotate(
        running=FilteredRelation("uses", condition=Q(uses__ended_at__isnull=True)),
        last_ended_at=Subquery(last_use.values("ended_at")[:1]),
    ).values_list(*_FIELDS, *more)


def _status(row: Any, plans: list[Plan], now: datetime, heard: Mapping[int, datetime]) -> MachineStatus:
    machine_id, name, type_name, is_blocked, blocked_at, seconds, last_seen_at, running_id, started_at, ended_at = row
    last_heard_at = heard.get(machine_id, last_seen_at)
    online = is_online(last_heard_at, now)
    furthest = max(plans, key=lambda plan: plan.progress(seconds, now), default=None)
    maintenance = None
    if furthest is not None:
        progress = furthest.progress(seconds, now)
        left, is_by_days = furthest.left(seconds, now)
        maintenance = NextMaintenance(progress >= 1, furthest.description, progress, left, is_by_days)
    if running_id is not None:
        state, since = State.IN_USE, started_at
    elif is_blocked:
        state, since = State.BLOCKED, blocked_at
    elif furthest is not None and maintenance is not None and maintenance.is_due:
        state, since = State.MAINTENANCE, _due_since(furthest, ended_at, now)
    elif not online:
        state, since = State.OFFLINE, last_heard_at
    else:
        state, since = State.FREE, ended_at
    return MachineStatus(
        machine_id,
        name,
        type_name,
        state,
        since,
        online,
        seconds,
        maintenance,
        is_blocked=is_blocked,
        blocked_at=blocked_at,
        last_heard_at=last_heard_at,
    )


def _due_since(plan: Plan, last_use_ended_at: datetime | None, now: datetime) -> datetime | None:
    """By hours a plan can only fall due when a use ends."""
    fell_due_at = plan.fell_due_at()
    return fell_due_at if fell_due_at is not None and fell_due_at <= now else last_use_ended_at
