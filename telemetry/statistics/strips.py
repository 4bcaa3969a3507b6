"""The small pictures: a machine's weeks, the hours of a week, how a whole is divided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from telemetry.statistics.pictures import weeks_per_column

STRIP_HEIGHT = 40
LEVELS = 5
_MONDAY = date(2024, 1, 1)


@dataclass(frozen=True, slots=True)
class Strip:
    """The outline of columns that touch each other, `width` of them, each one wide."""

    path: str
    width: int


@dataclass(frozen=True, slots=True)
class Cell:
    hour: int
    uses: int
    level: int  # 0: none at all
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Day:
    """`date` is any day of that name."""

    date: date
    middle: float
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class HeatMap:
    days: list[Day]
    width: float
    height: float
    busiest: Cell | None
    busiest_day: date | None
    uses: int

    @property
    def hours(self) -> list[tuple[int, list[int]]]:
        """The same as a table, an hour to a row: a phone has no room for 24 columns."""
        return [(hour, [day.cells[hour].uses for day in self.days]) for hour in range(24)]


@dataclass(frozen=True, slots=True)
class Part:
    x: float
    width: float


def strip(values: Mapping[int, float], count: int) -> Strip:
    """`values` by place, of `count` places; its highest reaches the top."""
    each = weeks_per_column(count)
    sums = [sum(values.get(at, 0) for at in range(first, first + each)) for first in range(0, count, each)]
    highest = max(sums, default=0) or 1
    path, before = f"M0 {STRIP_HEIGHT}", STRIP_HEIGHT
    for value in sums:
        y = round(STRIP_HEIGHT * (1 - value / highest))
        path += (f"V{y}" if y != before else "") + "h1"
        before = y
    return Strip(f"{path}V{STRIP_HEIGHT}z", len(sums))


def heat_map(hours: Sequence[int]) -> HeatMap:
    """Of the 168 hours of a week."""
    highest = max(hours)
    days = [
        Day(
            _MONDAY + timedelta(days=day),
            round(100 * (day + 0.5) / 7, 3),
            [_cell(hour, hours[day * 24 + hour], highest, day) for hour in range(24)],
        )
        for day in range(7)
    ]
    busiest = max(range(len(hours)), key=hours.__getitem__)
    return HeatMap(
        days,
        width=round(100 / 24, 3),
        height=round(100 / 7, 3),
        busiest=days[busiest // 24].cells[busiest % 24] if highest else None,
        busiest_day=days[busiest // 24].date if highest else None,
        uses=sum(hours),
    )


def _cell(hour: int, uses: int, highest: int, day: int) -> Cell:
    level = -(-uses * LEVELS // highest) if uses else 0
    return Cell(hour, uses, level, round(100 * hour / 24, 3), round(100 * day / 7, 3))


def bar(value: float, highest: float) -> float:
    """Its length in percent; what is more than nothing can be seen."""
    return max(0.4, round(100 * value / highest, 2)) if value and highest else 0


def parts(*values: float) -> list[Part]:
    """One after the other, together as long as the picture."""
    total = sum(values)
    ends = [round(100 * sum(values[: at + 1]) / total, 2) if total else 0 for at in range(len(values))]
    return [Part(start, round(end - start, 2)) for start, end in zip([0, *ends], ends, strict=False)]
