"""Uses by week and hour, read from one index, range by range.

Grouping a million rows by an expression has SQLite sort them: 2 s. Asking for each week, or each hour, by itself in one
statement walks the index once: 0.4 s. A use counts where it began.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from django.db import connection

from machines.models import Use
from telemetry.statistics.calendar import Range, hours, today, week_number, weeks
from telemetry.statistics.span import Span

HOURS_OF_WEEK = 7 * 24
_SECOND = timedelta(seconds=1)

# Each database's own way to read a JSON list of ranges, and to put rows into a text.
_RANGES = {
    "sqlite": "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]') "
    "FROM json_each(%s)",
    "postgresql": "SELECT (value->>0)::integer, (value->>1)::timestamptz, (value->>2)::timestamptz "
    "FROM json_array_elements(%s::json)",
}
_JOINED = {"sqlite": "group_concat({})", "postgresql": "string_agg({}::text, ',')"}
_WITHIN = "FROM machines_use WHERE started_at >= span.since AND started_at < span.until"
# The + keeps SQLite from walking each machine's uses instead of the week's.
_BY_MACHINE = (
    "SELECT +machine_id AS machine, COALESCE(SUM(duration), 0) AS seconds, COUNT(*) AS uses "
    + _WITHIN
    + " GROUP BY +machine_id"
)


def by_week_and_machine(span: Span, now: datetime) -> dict[int, dict[int, tuple[int, int]]]:
    """Seconds and uses; a running use counts up to now."""
    each = _joined("machine || ' ' || seconds || ' ' || uses")
    rows = _ask(f"SELECT {each} FROM ({_BY_MACHINE}) AS machines", weeks(span.first, span.last))  # noqa: S608
    found = {}
    for week, text in rows:
        machines = (entry.split() for entry in text.split(",")) if text else ()
        found[week] = {int(machine): (int(seconds), int(uses)) for machine, seconds, uses in machines}
    for week, machine, seconds in _running(span, now):
        before, uses = found[week].get(machine, (0, 1))
        found[week][machine] = (before + seconds, uses)
    return found


def members_by_week(span: Span) -> dict[int, set[int]]:
    rows = _ask(f"SELECT {_joined('DISTINCT member_id')} {_WITHIN}", weeks(span.first, span.last))
    return {week: {int(member) for member in text.split(",")} if text else set() for week, text in rows}


def by_hour_of_week(span: Span, busy_weeks: Container[int]) -> list[int]:
    """Uses begun, from Monday's first hour on. Hours of weeks without a use are not even asked for."""
    busy = [hours(since, until) for week, since, until in weeks(span.first, span.last) if week in busy_weeks]
    found = [0] * HOURS_OF_WEEK
    for hour, uses in _ask(f"SELECT COUNT(*) {_WITHIN}", chain.from_iterable(busy)):
        found[hour] += uses
    return found


def _running(span: Span, now: datetime) -> Iterator[tuple[int, int, int]]:
    """One for each machine at most. Asked for those of the span, SQLite would look at all uses of the span."""
    running = Use.objects.filter(ended_at__isnull=True).order_by().values_list("machine_id", "started_at")
    for machine_id, started_at in running:
        if span.start <= started_at < span.end:
            yield week_number(today(started_at)), machine_id, max(0, (now - started_at) // _SECOND)


def _ask(question: str, ranges: Iterable[Range]) -> list[tuple[int, Any]]:
    """What the question gives for each range, under its number."""
    in_utc = connection.ops.adapt_datetimefield_value
    given = json.dumps([(number, str(in_utc(since)), str(in_utc(until))) for number, since, until in ranges])
    known = _RANGES[connection.vendor]
    with connection.cursor() as cursor:
        # Nothing but the texts above.
        cursor.execute(f"WITH span(number, since, until) AS ({known}) SELECT number, ({question}) FROM span", [given])  # noqa: S608
        return cursor.fetchall()


def _joined(each: str) -> str:
    return _JOINED[connection.vendor].format(each)
