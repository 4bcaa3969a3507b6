"""What ran unattended, how it went, and what should have run long ago."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import OuterRef, Subquery
from django.utils.functional import Promise

from fabomatic.housekeeping.schedule import SCHEDULE
from fabomatic.models import Run
from members.models import Member

LINES_OF_PURGE = 10
LEAST_PATIENCE = timedelta(hours=2)  # a computer that was off at night catches up
YOUNG = timedelta(days=2)
JOBS: dict[Run.Kind, str] = {
    Run.Kind.BACKUP: "backup",
    Run.Kind.PURGE: "purge_gdpr",
    Run.Kind.SUMMARY: "send_weekly_summary",
    Run.Kind.NOTICES: "send_notices",
    Run.Kind.HOURS: "check_hours",
    Run.Kind.LOST_USES: "close_lost_uses",
}
IN_ORDER = (*JOBS, Run.Kind.MAIL)  # which nobody schedules


@dataclass(frozen=True, slots=True)
class Shown:
    kind: Run.Kind
    run: Run | None
    is_late: bool
    log: tuple[Run, ...] = ()

    @property
    def label(self) -> str | Promise:
        return self.kind.label

    @property
    def has_failed(self) -> bool:
        return self.run is not None and not self.run.is_ok


def all_shown(now: datetime) -> list[Shown]:
    log = tuple(Run.objects.filter(kind=Run.Kind.PURGE.value).order_by("-at", "-pk")[:LINES_OF_PURGE])
    return [
        Shown(kind, run, is_late, log if kind is Run.Kind.PURGE and len(log) > 1 else ())
        for kind, run, is_late in _latest(now)
    ]


def in_trouble(now: datetime) -> list[Shown]:
    """Jobs that failed when they last ran, and a backup that is old; what else is late the system page says."""
    jobs = (Shown(kind, run, is_late) for kind, run, is_late in _latest(now) if kind in JOBS)
    return [job for job in jobs if job.has_failed or (job.is_late and job.kind is Run.Kind.BACKUP)]


def _latest(now: datetime) -> Iterator[tuple[Run.Kind, Run | None, bool]]:
    newest = Run.objects.filter(kind=OuterRef("kind")).order_by("-at", "-pk").values("pk")[:1]
    runs = {run.kind: run for run in Run.objects.filter(pk=Subquery(newest)).order_by()}
    has_all = all(kind.value in runs for kind in JOBS)
    age = timedelta(0) if has_all else _age_of_lab(now)
    for kind in IN_ORDER:
        run = runs.get(kind.value)
        yield kind, run, kind in JOBS and _is_late(kind, run, age, now)


def _is_late(kind: Run.Kind, run: Run | None, age: timedelta, now: datetime) -> bool:
    patience = max(2 * interval(SCHEDULE[JOBS[kind]]), LEAST_PATIENCE)
    if run is None:
        return age > max(patience, YOUNG)
    return now - run.at > patience


def interval(times: str) -> timedelta:
    """Of a line of a crontab, as far as our schedule uses them."""
    minute, hour, _day, _month, weekday = times.split()
    if minute.startswith("*/"):
        return timedelta(minutes=int(minute[2:]))
    if hour == "*":
        return timedelta(hours=1)
    return timedelta(days=1 if weekday == "*" else 7)


def _age_of_lab(now: datetime) -> timedelta:
    """Since its first member came."""
    first: Any = Member.objects.order_by("pk").values_list("created_at", flat=True).first()
    return now - first if first is not None else timedelta(0)
