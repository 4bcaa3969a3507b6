"""Hours by week, of uses that are cut where a week ends: one over Sunday's midnight counts in both with its part."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import DateTimeField, F, Value

from machines.expressions import SecondsBetween
from machines.models import Use
from machines.models.uses import LONGEST_USE
from telemetry.statistics.calendar import weeks
from telemetry.statistics.span import Span
from telemetry.statistics.uses import by_week_and_machine

_SECOND = timedelta(seconds=1)


def hours_cut_at_weeks(span: Span) -> tuple[dict[int, dict[int, int]], bool]:
    """Seconds by week and machine, and whether any use was cut. What runs counts up to the end of the span."""
    whole = by_week_and_machine(span, span.end)
    found = {week: {machine: seconds for machine, (seconds, _uses) in busy.items()} for week, busy in whole.items()}
    running = list(Use.objects.filter(ended_at__isnull=True).order_by().values_list("machine_id", "started_at"))
    is_cut = False
    starts = [(week, since) for week, since, _until in weeks(span.first, span.last)]
    for week, edge in [*starts, (starts[-1][0] + 1, span.end)]:
        still = [(machine, (span.end - edge) // _SECOND) for machine, started_at in running if started_at < edge]
        for machine, seconds in (*_ended_after(edge), *still):
            is_cut = True
            _add(found.get(week - 1), machine, -seconds)
            _add(found.get(week), machine, seconds)
    return found, is_cut


def _add(week: dict[int, int] | None, machine: int, seconds: int) -> None:
    if week is not None:  # else it lies beyond the span
        week[machine] = week.get(machine, 0) + seconds


def _ended_after(edge: datetime) -> Iterator[tuple[int, int]]:
    """Machine, and for how long it went on. Uses from more than LONGEST_USE ago were over, and are not looked at."""
    begun = Use.objects.filter(started_at__gte=edge - LONGEST_USE, started_at__lt=edge).order_by()
    # By their duration, not by their end: that stands in the index.
    lasted = SecondsBetween(F("started_at"), Value(edge, output_field=DateTimeField()))
    on = begun.filter(duration__gt=lasted).values_list("machine_id", "started_at", "duration")
    for machine_id, started_at, duration in on:
        yield machine_id, (started_at - edge) // _SECOND + (duration or 0)
