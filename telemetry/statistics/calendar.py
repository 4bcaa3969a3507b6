"""Weeks and hours as the lab's clock shows them.

SQLite knows no time zones and would call Python for each row, so it is told in UTC where they begin and end.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from django.db.models import Case, F, Func, IntegerField, Value, When
from django.utils import timezone

HOUR = 3600
WEEK = 7 * 24 * HOUR
_SECOND = timedelta(seconds=1)
_MONDAY = date(1970, 1, 5)

Range = tuple[int, datetime, datetime]


class EpochSeconds(Func):
    """Whole seconds since 1970, in each database's own words."""

    output_field = IntegerField()
    arity = 1

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return super().as_sql(
            compiler, connection, template="CAST(strftime('%%%%s', %(expressions)s) AS INTEGER)", **context
        )

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return super().as_sql(
            compiler, connection, template="FLOOR(EXTRACT(EPOCH FROM %(expressions)s))::bigint", **context
        )


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def today(now: datetime) -> date:
    return timezone.localdate(now, timezone.get_default_timezone())


def start_of(day: date) -> datetime:
    """Its first moment in the lab."""
    return datetime.combine(day, time.min, timezone.get_default_timezone()).astimezone(UTC)


def end_of(day: date) -> datetime:
    """The first moment after it."""
    return start_of(day + timedelta(days=1))


def week_number(day: date) -> int:
    return (day - _MONDAY).days // 7


def monday_of_week(number: int) -> date:
    return _MONDAY + timedelta(weeks=number)


def week_in_database(field: str, start: datetime, end: datetime) -> Any:
    """The number of the week, of times from `start` on and before `end`."""
    return (_local_seconds(field, start, end) - _seconds_at(_MONDAY)) / WEEK


def weeks(first: date, last: date) -> list[Range]:
    """Those with a day from `first` to `last`, each with as much of it as lies between them."""
    start, end = start_of(first), end_of(last)
    numbers = range(week_number(first), week_number(last) + 1)
    edges = [start_of(monday_of_week(number)) for number in (*numbers, numbers.stop)]
    return [(number, max(start, a), min(end, b)) for number, a, b in zip(numbers, edges, edges[1:], strict=False)]


def hours(start: datetime, end: datetime) -> Iterator[Range]:
    """Every hour as the lab's clock counts them: 0 is Monday's first, 167 Sunday's last."""
    changes = offsets(start, end)
    for (at, offset), (until, _offset_then) in pairwise([*changes, (end, 0)]):
        while at < until:
            local = int(at.timestamp()) + offset - _seconds_at(_MONDAY)
            following = min(until, at + timedelta(seconds=HOUR - local % HOUR))
            yield local % WEEK // HOUR, at, following
            at = following


def offsets(start: datetime, end: datetime) -> list[tuple[datetime, int]]:
    """The lab's distance from UTC in seconds, and from when on, between two times."""
    found = [(start, _offset(start))]
    for before, after in _days(start, end):
        if _offset(after) != found[-1][1]:
            found.append((_change(before, after), _offset(after)))
    return found


def _local_seconds(field: str, start: datetime, end: datetime) -> Any:
    (_start, first), *changes = offsets(start, end)
    if not changes:
        return EpochSeconds(F(field)) + Value(first)
    # The latest that has come applies, so the latest is asked first.
    whens = [When(**{f"{field}__gte": at}, then=Value(offset)) for at, offset in reversed(changes)]
    return EpochSeconds(F(field)) + Case(*whens, default=Value(first), output_field=IntegerField())


def _days(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """No zone changes its offset and takes it back within a day."""
    before = start
    while before < end:
        after = min(before + timedelta(days=1), end)
        yield before, after
        before = after


def _change(before: datetime, after: datetime) -> datetime:
    """The second from which on the offset is what it is at `after`."""
    while after - before > _SECOND:
        middle = before + (after - before) // 2 // _SECOND * _SECOND
        if _offset(middle) == _offset(before):
            before = middle
        else:
            after = middle
    return after


def _offset(at: datetime) -> int:
    return int(timezone.localtime(at, timezone.get_default_timezone()).utcoffset().total_seconds())  # type: ignore[union-attr]


def _seconds_at(day: date) -> int:
    return (day - date(1970, 1, 1)).days * 24 * HOUR
