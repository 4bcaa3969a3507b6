"""The page's pictures, each made of figures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from django.utils.functional import Promise

from telemetry.statistics.availability import Availability
from telemetry.statistics.export import Table, tables
from telemetry.statistics.figures import Figures, MachineFigures, members_in
from telemetry.statistics.pictures import Columns, columns
from telemetry.statistics.strips import HeatMap, Part, Strip, bar, heat_map, parts, strip


@dataclass(frozen=True, slots=True)
class MachineRow:
    machine: MachineFigures
    hours: float
    bar: float
    strip: Strip

    @property
    def precision(self) -> str:
        return precision(self.hours)


@dataclass(frozen=True, slots=True)
class ReasonRow:
    reason: Promise
    taps: int
    percent: float
    bar: float


@dataclass(frozen=True, slots=True)
class AvailabilityRow:
    machine: MachineFigures
    noted: Availability
    began_within: bool
    available: Part
    blocked: Part
    offline: Part

    @property
    def percents(self) -> tuple[float, float, float]:
        return self.available.width, self.blocked.width, self.offline.width


class Page:
    def __init__(self, figures: Figures) -> None:
        self.figures = figures

    @property
    def hours(self) -> float:
        return self.figures.seconds / 3600

    @property
    def precision(self) -> str:
        return precision(self.hours)

    @property
    def refused_percent(self) -> float:
        return 100 * self.figures.refusals.refused / (self.figures.refusals.taps or 1)

    @cached_property
    def weeks(self) -> Columns:
        span = self.figures.span
        values = [(week.monday, week.seconds / 3600, week.uses) for week in self.figures.weeks]
        return columns(values, span.first, span.last)

    @cached_property
    def members(self) -> Columns:
        span = self.figures.span
        values = [(week.monday, week.members, week.uses) for week in self.figures.weeks]
        return columns(values, span.first, span.last, fold=members_in)

    @cached_property
    def machines(self) -> list[MachineRow]:
        highest = max((machine.seconds for machine in self.figures.machines), default=0)
        count = len(self.figures.weeks)
        return [
            MachineRow(
                machine,
                machine.seconds / 3600,
                bar(machine.seconds, highest),
                strip({place: seconds for place, (seconds, _uses) in machine.weeks.items()}, count),
            )
            for machine in self.figures.machines
        ]

    @cached_property
    def times(self) -> HeatMap:
        return heat_map(self.figures.hours)

    @cached_property
    def reasons(self) -> list[ReasonRow]:
        reasons = self.figures.refusals.reasons
        highest = max((taps for _reason, taps in reasons), default=0)
        of_all = self.figures.refusals.refused
        return [ReasonRow(reason, taps, 100 * taps / of_all, bar(taps, highest)) for reason, taps in reasons]

    @cached_property
    def availability(self) -> list[AvailabilityRow]:
        """Those with something noted, the least available first."""
        known = [machine for machine in self.figures.machines if machine.availability.noted]
        return [self._availability(machine) for machine in sorted(known, key=_share_available)]

    @property
    def without_notes(self) -> list[MachineFigures]:
        return [machine for machine in self.figures.machines if not machine.availability.noted]

    @cached_property
    def tables(self) -> dict[str, Table]:
        return tables(self.figures)

    def _availability(self, machine: MachineFigures) -> AvailabilityRow:
        noted = machine.availability
        began_within = noted.since is not None and noted.since > self.figures.span.start
        available, blocked, offline = parts(noted.available, noted.blocked, noted.offline)
        return AvailabilityRow(machine, noted, began_within, available, blocked, offline)


def precision(hours: float) -> str:
    """For `floatformat`: decimals of hundreds tell nobody anything."""
    return "0g" if hours >= 100 else "-1g"


def _share_available(machine: MachineFigures) -> float:
    return machine.availability.available / machine.availability.noted
