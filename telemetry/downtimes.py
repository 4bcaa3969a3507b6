"""Notes from when to when a machine was silent or blocked, as the worker sees it.

Silence is what `status.is_online` calls so: a machine heard 30 seconds before a restart of the worker was never away.
While the worker itself is away for minutes, nobody can use a machine by its card: that counts as silence too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest

from telemetry.models import Downtime
from telemetry.status import MachineStatus

# A database may be restored from a backup behind our back.
RELOAD_AFTER = timedelta(minutes=10)

Down = tuple[int, str]


@dataclass(frozen=True, slots=True)
class _Changes:
    at: datetime
    began: dict[Down, datetime]
    ended: list[int]


class Downtimes:
    def __init__(self) -> None:
        self._open: dict[Down, int] | None = None
        self._loaded_at: datetime | None = None
        self._changes: _Changes | None = None

    def compare(self, statuses: Iterable[MachineStatus], now: datetime) -> None:
        """What has changed is written by `write`; what was not yet written is found again."""
        known = self._known(now)
        began: dict[Down, datetime] = {}
        ended: list[int] = []
        for status in statuses:
            for kind, is_down, since in _downtimes_of(status):
                row = known.get((status.id, kind))
                if row is None and is_down and since is not None:
                    began[status.id, kind] = min(since, now)  # a clock may have been set back
                elif row is not None and not is_down:
                    ended.append(row)
        self._changes = _Changes(now, began, ended) if began or ended else None

    def write(self) -> None:
        """All of it or nothing; a lock does not make it forget."""
        if self._changes is None:
            return
        try:
            with transaction.atomic():
                _write(self._changes)
        except IntegrityError:
            pass  # a machine was deleted in between, or the database restored: the next sweep looks again
        self.forget()

    def forget(self) -> None:
        """The database is asked again, and compared with."""
        self._open = self._changes = None

    def _known(self, now: datetime) -> dict[Down, int]:
        is_old = self._loaded_at is None or abs(now - self._loaded_at) > RELOAD_AFTER
        if self._open is None or is_old:
            rows = Downtime.objects.filter(ended_at__isnull=True).order_by().values_list("machine_id", "kind", "pk")
            self._open = {(machine_id, kind): row for machine_id, kind, row in rows}
            self._loaded_at = now
        return self._open


def _downtimes_of(status: MachineStatus) -> Iterator[tuple[str, bool, datetime | None]]:
    """Kind, whether it is so, and since when; a machine that was never heard of is not noted."""
    yield Downtime.Kind.OFFLINE.value, not status.is_online, status.last_heard_at
    yield Downtime.Kind.BLOCKED.value, status.is_blocked, status.blocked_at


def _write(changes: _Changes) -> None:
    still_open = Downtime.objects.filter(pk__in=changes.ended, ended_at__isnull=True)
    still_open.update(ended_at=Greatest(F("started_at"), Value(changes.at)))
    Downtime.objects.bulk_create(
        [Downtime(machine_id=machine, kind=kind, started_at=at) for (machine, kind), at in changes.began.items()]
    )
