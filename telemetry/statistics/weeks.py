"""Hours per week of one machine, as its page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Sum

from machines.models import Use
from telemetry.statistics.calendar import monday_of, start_of, today, week_in_database, week_number


@dataclass(frozen=True, slots=True)
class Week:
    monday: date
    seconds: int = 0
    uses: int = 0


def hours_per_week(machine_id: int, now: datetime, weeks: int = 26) -> list[Week]:
    """Oldest first, this week last, those without a use too. A use counts where it began, a running one up to now."""
    this_monday = monday_of(today(now))
    mondays = [this_monday - timedelta(weeks=ago) for ago in reversed(range(weeks))]
    start, end = start_of(mondays[0]), start_of(this_monday + timedelta(weeks=1))
    of_machine = Use.objects.filter(machine_id=machine_id, started_at__gte=start, started_at__lt=end).order_by()
    # What began since then has not ended before it: that finds them in the index of each machine's last uses.
    closed = of_machine.filter(ended_at__gte=start).values_list(week_in_database("started_at", start, end))
    found = {week: (seconds, uses) for week, seconds, uses in closed.annotate(Sum("duration"), Count("pk"))}
    for started_at in of_machine.filter(ended_at__isnull=True).values_list("started_at", flat=True):
        week = week_number(today(started_at))
        seconds, uses = found.get(week, (0, 0))
        found[week] = (seconds + max(0, (now - started_at) // timedelta(seconds=1)), uses + 1)
    return [Week(monday, *found.get(week_number(monday), (0, 0))) for monday in mondays]
