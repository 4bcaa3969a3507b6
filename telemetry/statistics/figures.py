"""All that is known about a span, in a number of queries that depends neither on machines nor on the history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from machines.models import Machine
from telemetry.statistics.availability import Availability, availability
from telemetry.statistics.calendar import monday_of_week
from telemetry.statistics.refusals import Refusals, refusals
from telemetry.statistics.span import Span
from telemetry.statistics.uses import by_hour_of_week, by_week_and_machine, members_by_week


@dataclass(slots=True)
class WeekFigures:
    monday: date
    members: set[int]
    seconds: int = 0
    uses: int = 0


@dataclass(slots=True)
class MachineFigures:
    id: int
    name: str
    type: str
    availability: Availability
    seconds: int = 0
    uses: int = 0
    weeks: dict[int, tuple[int, int]] = field(default_factory=dict)  # seconds and uses, by the week's place


@dataclass(frozen=True, slots=True)
class Figures:
    span: Span
    now: datetime
    weeks: list[WeekFigures]
    machines: list[MachineFigures]  # the most used first
    hours: list[int]
    refusals: Refusals

    @property
    def seconds(self) -> int:
        return sum(week.seconds for week in self.weeks)

    @property
    def uses(self) -> int:
        return sum(week.uses for week in self.weeks)

    @property
    def members(self) -> int:
        return members_in(week.members for week in self.weeks)

    @property
    def lacks_names(self) -> bool:
        """Weeks with uses of nobody: whose they were has been purged."""
        return any(week.uses and not week.members for week in self.weeks)


def members_in(weeks: Iterable[set[int]]) -> int:
    """Whoever comes every week is one member."""
    return len(set().union(*weeks))


def figures(span: Span, now: datetime) -> Figures:
    served = members_by_week(span)
    weeks = {number: WeekFigures(monday_of_week(number), members) for number, members in sorted(served.items())}
    known = availability(span, now)
    rows = Machine.objects.order_by("name", "pk").values_list("pk", "name", "type__name")
    machines = {row[0]: MachineFigures(*row, known.get(row[0], Availability())) for row in rows}
    found = by_week_and_machine(span, now)
    _count_uses(found, weeks, machines)
    return Figures(
        span,
        now,
        weeks=list(weeks.values()),
        machines=sorted(machines.values(), key=lambda machine: -machine.seconds),
        hours=by_hour_of_week(span, {week for week, uses in found.items() if uses}),
        refusals=refusals(span),
    )


def _count_uses(
    found: dict[int, dict[int, tuple[int, int]]], weeks: dict[int, WeekFigures], machines: dict[int, MachineFigures]
) -> None:
    for place, (number, week) in enumerate(weeks.items()):
        for machine_id, (seconds, uses) in found.get(number, {}).items():
            week.seconds += seconds
            week.uses += uses
            machine = machines.get(machine_id)
            if machine is not None:  # it was there a moment ago
                machine.seconds += seconds
                machine.uses += uses
                machine.weeks[place] = (seconds, uses)
