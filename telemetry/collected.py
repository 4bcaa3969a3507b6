"""Taps and signs of life, kept in memory until they are written together: nobody waits for an SD card."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db import transaction

from machines.access import Outcome
from machines.maintenance import active_plans, due
from machines.models import Machine
from machines.prepared import PreparedInsert, PreparedUpdate
from members.models import Card
from telemetry.models import Tap

MAX_TAPS_PER_MACHINE_AND_MINUTE = 60
MAX_TAPS_WAITING = 2000
TAPS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class TapNote:
    """What a tap was and what became of it."""

    at: datetime
    machine_id: int
    uid: str
    outcome: Outcome
    level: int = 0
    card_id: int | None = None


class Taps:
    def __init__(self) -> None:
        self._waiting: deque[TapNote] = deque(maxlen=MAX_TAPS_WAITING)
        self._minute: datetime | None = None
        self._of_this_minute: Counter[int] = Counter()

    def __len__(self) -> int:
        return len(self._waiting)

    def note(self, tap: TapNote) -> bool:
        """False: this machine has had its share of this minute."""
        if self._minute is None or abs(tap.at - self._minute) >= timedelta(minutes=1):
            self._minute = tap.at
            self._of_this_minute.clear()
        if self._of_this_minute[tap.machine_id] >= MAX_TAPS_PER_MACHINE_AND_MINUTE:
            return False
        self._of_this_minute[tap.machine_id] += 1
        self._waiting.append(tap)
        return True

    def write(self) -> int:
        """Some hundred in a transaction; what could not be written stays for the next time."""
        written = 0
        while notes := list(islice(self._waiting, TAPS_AT_ONCE)):
            with transaction.atomic():
                _tap.run_many(_rows(notes))
            for _note in notes:
                self._waiting.popleft()
            written += len(notes)
        return written


_last_seen = PreparedUpdate(Machine, "last_seen_at")


class LastHeard:
    """When each machine was last heard; the database follows within half a minute."""

    def __init__(self) -> None:
        self.at: dict[int, datetime] = {}
        self._unwritten: set[int] = set()

    def load(self) -> None:
        for machine_id, at in Machine.objects.filter(last_seen_at__isnull=False).values_list("id", "last_seen_at"):
            if machine_id not in self.at and at is not None:
                self.at[machine_id] = at

    def note(self, machine_id: int, now: datetime) -> datetime | None:
        """Returns when it was heard before."""
        before = self.at.get(machine_id)
        self.at[machine_id] = now
        self._unwritten.add(machine_id)
        return before

    def forget(self, machine_id: int) -> None:
        self.at.pop(machine_id, None)
        self._unwritten.discard(machine_id)

    def write(self) -> None:
        machine_ids = sorted(self._unwritten)
        if not machine_ids:
            return
        with transaction.atomic():
            _last_seen.run_many((machine_id, {"last_seen_at": self.at[machine_id]}) for machine_id in machine_ids)
        self._unwritten.difference_update(machine_ids)


def _rows(notes: list[TapNote]) -> list[dict[str, Any]]:
    """Without machines and cards that are gone by now; with what the board adds by itself to a yes."""
    machines = {
        machine_id: (is_blocked, bool(due(active_plans(machine_id), seconds_used, notes[-1].at)))
        for machine_id, is_blocked, seconds_used in Machine.objects.filter(
            pk__in={note.machine_id for note in notes}
        ).values_list("id", "is_blocked", "seconds_used")
    }
    card_ids = {note.card_id for note in notes if note.card_id is not None}
    holders = dict(Card.objects.filter(pk__in=card_ids).values_list("id", "member_id"))
    return [
        {
            "at": note.at,
            "machine": note.machine_id,
            "uid": note.uid,
            "card": note.card_id if note.card_id in holders else None,
            "member": holders.get(note.card_id) if note.card_id is not None else None,
            "outcome": note.outcome.value,
            "level": note.level,
            "is_machine_blocked": machines[note.machine_id][0],
            "is_maintenance_due": machines[note.machine_id][1],
            "is_enrolled": False,
        }
        for note in notes
        if note.machine_id in machines
    ]


_tap = PreparedInsert(
    Tap,
    *("at", "machine", "uid", "card", "member", "outcome", "level"),
    *("is_machine_blocked", "is_maintenance_due", "is_enrolled"),
)
