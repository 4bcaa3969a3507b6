"""What happened in a week, and what is to do now: the same for everybody, asked for once.

Two weeks of the history are read, and the uses that may have gone on from the month before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q

from fabomatic.attention.machines import machines_of_lab, silent_of
from fabomatic.summary.week import Week
from machines.access import Outcome
from machines.maintenance import Plan, due, plans_of
from machines.models import MaintenancePlan
from telemetry.models import Tap
from telemetry.statistics.availability import Availability, downtimes
from telemetry.statistics.calendar import week_number
from telemetry.statistics.cut import hours_cut_at_weeks
from telemetry.statistics.refusals import Refusals, refusals

_LONG_BEFORE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Machine:
    id: int
    name: str

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"


@dataclass(frozen=True, slots=True)
class Hours:
    """In seconds; `machines` those with a use in one of the two weeks, the most used first."""

    machines: list[tuple[Machine, int, int]]
    unused: int
    is_cut: bool

    @property
    def total(self) -> tuple[int, int]:
        return sum(row[1] for row in self.machines), sum(row[2] for row in self.machines)


@dataclass(frozen=True, slots=True)
class DuePlan:
    machine: Machine
    plan: Plan
    seconds_used: int
    instructions_url: str


@dataclass(frozen=True, slots=True)
class UnknownCards:
    """Of how many numbers, by how many taps, at which machines with how many each."""

    cards: int
    taps: int
    machines: list[tuple[Machine, int]]


@dataclass(frozen=True, slots=True)
class Figures:
    week: Week
    now: datetime
    hours: Hours
    refusals: Refusals
    unknown: UnknownCards
    down: list[tuple[Machine, Availability]]  # the longest first
    due: list[DuePlan]  # the most overdue first
    silent: list[tuple[Machine, datetime | None]]  # since when; never heard: None
    all_silent_since: datetime | None  # then `silent` holds only those that had been so before


def figures_of(week: Week, now: datetime) -> Figures:
    rows = machines_of_lab()
    silent, all_silent_since = _silent(rows, now)
    machines = {row.id: Machine(row.id, row.name) for row in rows}
    return Figures(
        week,
        now,
        hours=_hours(week, machines),
        refusals=refusals(week.span),
        unknown=_unknown_cards(week, machines),
        down=_down(week, now, machines),
        due=_due({row.id: row.seconds_used for row in rows}, machines, now),
        silent=[(machines[row.id], row.last_seen_at) for row in silent],
        all_silent_since=all_silent_since,
    )


def _hours(week: Week, machines: dict[int, Machine]) -> Hours:
    found, is_cut = hours_cut_at_weeks(week.with_the_one_before)
    this, before = (found[week_number(each.monday)] for each in (week, week.before))
    used = [(machine, this.get(pk, 0), before.get(pk, 0)) for pk, machine in machines.items()]
    used = [row for row in used if row[1] or row[2]]
    used.sort(key=lambda row: (-row[1], -row[2], row[0].name, row[0].id))
    return Hours(used, len(machines) - len(used), is_cut)


def _unknown_cards(week: Week, machines: dict[int, Machine]) -> UnknownCards:
    span = week.span
    taps = Tap.objects.filter(outcome=Outcome.UNKNOWN_CARD, at__gte=span.start, at__lt=span.end).order_by()
    counted: Any = taps.aggregate(taps=Count("pk"), cards=Count("uid", distinct=True, filter=~Q(uid="")))
    by_machine = taps.values_list("machine_id").annotate(taps=Count("pk")) if counted["taps"] else ()
    places = [(machines[pk], count) for pk, count in by_machine if pk in machines]
    return UnknownCards(**counted, machines=sorted(places, key=lambda place: (-place[1], place[0].name)))


def _down(week: Week, now: datetime, machines: dict[int, Machine]) -> list[tuple[Machine, Availability]]:
    down = [(machines[pk], each) for pk, each in downtimes(week.span, now).items() if pk in machines]
    return sorted(down, key=lambda row: (row[1].available, row[0].name))


def _silent(rows: list[Any], now: datetime) -> tuple[list[Any], datetime | None]:
    """In the morning the whole lab may be switched off still: that is no news of each of its boards."""
    silent = silent_of(rows, now)
    heard = [row.last_seen_at for row in rows if row.last_seen_at is not None]
    if len(silent) < len(rows) or not heard:
        return silent, None
    latest = max(heard)
    before = [row for row in silent if row.last_seen_at is None or latest - row.last_seen_at >= _LONG_BEFORE]
    return before, latest


def _due(seconds_used: dict[int, int], machines: dict[int, Machine], now: datetime) -> list[DuePlan]:
    with_instructions = MaintenancePlan.objects.filter(is_active=True).exclude(instructions_url="")
    instructions = dict(with_instructions.order_by().values_list("pk", "instructions_url"))
    plans = [
        DuePlan(machines[pk], plan, seconds_used[pk], instructions.get(plan.id, ""))
        for pk, plans in plans_of().items()
        if pk in machines
        for plan in due(plans, seconds_used[pk], now)
    ]
    return sorted(plans, key=lambda each: -each.plan.progress(each.seconds_used, now))
