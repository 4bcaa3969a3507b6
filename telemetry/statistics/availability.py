"""How much of the time each machine could be used, as far as the worker noted it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import DateTimeField, F, Min, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Greatest, Least

from machines.expressions import SecondsBetween
from machines.models import Machine, Use
from telemetry.models import Downtime
from telemetry.statistics.span import Span


@dataclass(frozen=True, slots=True)
class Availability:
    """Of the seconds noted; a machine that is blocked and silent is blocked."""

    since: datetime | None = None
    noted: int = 0
    blocked: int = 0
    offline: int = 0

    @property
    def available(self) -> int:
        return self.noted - self.blocked - self.offline

    def share(self, seconds: int) -> float:
        return seconds / self.noted if self.noted else 0.0


def availability(span: Span, now: datetime) -> dict[int, Availability]:
    """By machine; those that nobody ever heard of have nothing noted."""
    until = min(span.end, now)
    down = _blocked_and_silent(span, until)
    return {
        machine_id: _availability(max(since, span.start), until, *down.get(machine_id, (0, 0)))
        for machine_id, since in _noted_since().items()
        if since < until
    }


def downtimes(span: Span, now: datetime) -> dict[int, Availability]:
    """Of machines that were blocked or silent. Does not ask since when that is noted: reads nothing from before."""
    until = min(span.end, now)
    down = _blocked_and_silent(span, until)
    return {machine_id: _availability(span.start, until, *seconds) for machine_id, seconds in down.items()}


def _availability(since: datetime, until: datetime, blocked: int, offline: int) -> Availability:
    """Where a clock was set back, downtimes may lie one over the other."""
    noted = int((until - since).total_seconds())
    blocked = min(blocked, noted)
    return Availability(since, noted, blocked, max(0, min(offline, noted - blocked)))


def _noted_since() -> dict[int, datetime]:
    """From its own first downtime; before that it was well, from when on others' were noted and itself was known."""
    firsts = Downtime.objects.order_by().values_list("machine_id").annotate(Min("started_at"), Min("ended_at"))
    own: dict[int, datetime] = {}
    notes: list[datetime] = []
    for machine_id, started_at, ended_at in firsts:
        own[machine_id] = started_at
        notes += [ended_at] if ended_at is not None else []
    since = {}
    for machine_id, *times in _known_since():
        known = [at for at in times if at is not None]
        begun = [own[machine_id]] if machine_id in own else []
        begun += [max(min(notes), min(known))] if notes and known else []
        if begun:
            since[machine_id] = min(begun)
    return since


def _known_since() -> QuerySet[Machine, Any]:
    """When it was first used, and when its first board spoke."""
    uses = Use.objects.filter(machine_id=OuterRef("pk"), ended_at__isnull=False).order_by("ended_at", "id")
    first_use = Subquery(uses.values("started_at")[:1])
    return Machine.objects.order_by().values_list("pk").annotate(used=first_use, heard=Min("boards__first_seen_at"))


def _blocked_and_silent(span: Span, until: datetime) -> dict[int, tuple[int, int]]:
    """Silent only while it was not blocked."""
    down = _seconds_down(span, until)
    both = _seconds_both(span, until)
    blocked, offline = Downtime.Kind.BLOCKED.value, Downtime.Kind.OFFLINE.value
    return {
        machine_id: (down.get((machine_id, blocked), 0), down.get((machine_id, offline), 0) - both.get(machine_id, 0))
        for machine_id in {machine_id for machine_id, _kind in down}
    }


def _seconds_down(span: Span, until: datetime) -> Counter[tuple[int, str]]:
    down: Counter[tuple[int, str]] = Counter()
    for downtimes in _overlapping(span, until):
        rows = downtimes.values_list("machine_id", "kind").annotate(down=_seconds(span, until))
        down.update({(machine, kind): round(seconds) for machine, kind, seconds in rows})
    return down


def _seconds_both(span: Span, until: datetime) -> Counter[int]:
    """Blocked and silent at once."""
    other = "machine__downtimes__"
    at_once = (
        Q(**{f"{other}ended_at__gt": F("started_at")}) | Q(**{f"{other}ended_at__isnull": True}),
        Q(ended_at__gt=F(f"{other}started_at")) | Q(ended_at__isnull=True),
    )
    kinds = {"kind": Downtime.Kind.BLOCKED, f"{other}kind": Downtime.Kind.OFFLINE, f"{other}started_at__lt": until}
    down: Counter[int] = Counter()
    for downtimes in _overlapping(span, until):
        rows = downtimes.filter(*at_once, **kinds).values_list("machine_id")
        down.update({machine: round(seconds) for machine, seconds in rows.annotate(down=_seconds(span, until, other))})
    return down


def _overlapping(span: Span, until: datetime) -> Iterator[QuerySet[Downtime, Any]]:
    """Those that are over, and those that are not."""
    begun = Downtime.objects.filter(started_at__lt=until).order_by()
    # All machines and kinds there are: so the index is read from the span's begin, not from the first downtime ever.
    everywhere = begun.filter(machine__in=Machine.objects.order_by().values("pk"), kind__in=Downtime.Kind.values)
    yield everywhere.filter(ended_at__gt=span.start)
    yield begun.filter(ended_at__isnull=True)


def _seconds(span: Span, until: datetime, *others: str) -> Sum:
    """As far as it lies in the span, and in the other downtimes."""
    first, last = (Value(at, output_field=DateTimeField()) for at in (span.start, until))
    starts = [F(f"{of}started_at") for of in ("", *others)]
    ends = [Coalesce(F(f"{of}ended_at"), last) for of in ("", *others)]
    return Sum(Greatest(SecondsBetween(Greatest(first, *starts), Least(last, *ends)), 0))
