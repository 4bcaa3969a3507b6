"""From numbers to geometry, in percent of the picture: it grows with the page, and its words keep their size.

The templates add words and classes; nothing here knows HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from telemetry.statistics.weeks import Week

MOST_COLUMNS = 130
_GAP = 0.22  # of a column's room
_WIDEST = 20
_FEW = 5


@dataclass(frozen=True, slots=True)
class Room:
    """What labels take of the picture's width."""

    month: int
    day: int
    month_and_year: int

    def taken_by(self, label: Label) -> int:
        return self.day if label.has_day else self.month_and_year if label.has_year else self.month


WIDE, NARROW = Room(7, 10, 15), Room(14, 20, 28)


@dataclass(frozen=True, slots=True)
class Line:
    """A line across the picture, at a round value."""

    value: float
    y: float


@dataclass(frozen=True, slots=True)
class Label:
    """Under a column: its month, with the year where that is new, or its day where there are few."""

    x: float
    day: date
    has_day: bool
    has_year: bool


@dataclass(frozen=True, slots=True)
class Column:
    x: float
    y: float
    width: float
    height: float
    first_day: date
    last_day: date
    value: float
    uses: int


@dataclass(frozen=True, slots=True)
class Columns:
    columns: list[Column]
    lines: list[Line]
    labels: list[Label]
    labels_narrow: list[Label]
    weeks_each: int
    total: float
    uses: int
    highest: Column | None

    @property
    def is_empty(self) -> bool:
        return self.highest is None


def week_columns(weeks: Sequence[Week]) -> Columns:
    """Hours; many years are drawn with several weeks to a column."""
    return columns([(week.monday, week.seconds / 3600, week.uses) for week in weeks])


def columns(
    values: Sequence[tuple[date, Any, int]],
    first: date = date.min,
    last: date = date.max,
    fold: Callable[[list[Any]], float] = sum,
) -> Columns:
    """Of a Monday, a value and how many uses, week by week; `fold` makes one of several weeks' values.

    `first` and `last` are the days that were counted.
    """
    each = weeks_per_column(len(values))
    groups = [values[at : at + each] for at in range(0, len(values), each)]
    sums = [fold([value for _monday, value, _uses in group]) for group in groups]
    days = [max(first, group[0][0]) for group in groups]
    lines, top = scale(max(sums, default=0))
    room = 100 / max(1, len(groups))
    width = min(_WIDEST, (1 - _GAP) * room)
    drawn = [
        Column(
            x=_rounded(at * room + (room - width) / 2),
            y=_rounded(100 - 100 * total / top),
            width=_rounded(width),
            height=_rounded(100 * total / top),
            first_day=day,
            last_day=min(last, group[-1][0] + timedelta(days=6)),
            value=total,
            uses=sum(uses for _monday, _value, uses in group),
        )
        for at, (day, group, total) in enumerate(zip(days, groups, sums, strict=True))
    ]
    return Columns(
        columns=drawn,
        lines=lines,
        labels=month_labels(days, WIDE, (room - width) / 2),
        labels_narrow=month_labels(days, NARROW, (room - width) / 2),
        weeks_each=each,
        total=sum(sums),
        uses=sum(column.uses for column in drawn),
        highest=max((column for column in drawn if column.value), key=lambda column: column.value, default=None),
    )


def weeks_per_column(weeks: int) -> int:
    return max(1, -(-weeks // MOST_COLUMNS))


def scale(highest: float) -> tuple[list[Line], float]:
    """Two to four lines at round values, and the value at the picture's upper edge."""
    step = round_step(highest / 3) if highest > 0 else 1.0
    count = max(2, -int(-highest // step))
    top = step * count
    return [Line(step * number, _rounded(100 - 100 * number / count)) for number in range(count + 1)], top


def round_step(least: float) -> float:
    """1, 2 or 5 with noughts behind or before it, and no less than this."""
    power = 1.0
    while power > least:
        power /= 10
    while power * 10 <= least:
        power *= 10
    return next(power * digit for digit in (1, 2, 5, 10) if power * digit >= least)


def month_labels(mondays: Sequence[date], room: Room, inset: float = 0) -> list[Label]:
    """Where a month begins, or where the first of every so many does; every day where there are only some."""
    has_day = len(mondays) <= _FEW
    starts = list(range(len(mondays))) if has_day else _month_starts(mondays)
    width = 100 / max(1, len(mondays))
    every = -(-len(starts) * (room.day if has_day else room.month) // 100) or 1
    labels: list[Label] = []
    for at in starts[::every]:
        x = _rounded(at * width + inset)
        if labels and x - labels[-1].x < room.taken_by(labels[-1]):
            continue
        has_year = not has_day and (not labels or labels[-1].day.year != mondays[at].year)
        labels.append(Label(x, mondays[at], has_day, has_year))
    return labels


def _month_starts(mondays: Sequence[date]) -> list[int]:
    first = [0] if mondays[0].day < 15 else []  # the next label needs room
    return first + [at + 1 for at, (before, day) in enumerate(pairwise(mondays)) if before.month != day.month]


def _rounded(percent: float) -> float:
    return round(percent, 3)
