"""Hours of a week against those of the week before: cut where weeks end, else as the statistics count them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from fabomatic.summary.figures import figures_of
from fabomatic.summary.week import Week, last_week, week_called
from machines.models import Machine, Use
from telemetry.statistics.figures import figures as statistics
from tests.conftest import NOW

pytestmark = pytest.mark.django_db

HOUR = 3600
WEEK = last_week(NOW)  # 2 to 8 March 2026
MONDAY, NEXT_MONDAY = WEEK.span.start, WEEK.span.end


def use(machine, started_at, hours=1.0):
    return Use.objects.create(
        machine=machine, started_at=started_at, ended_at=started_at + timedelta(hours=hours), last_seen_at=started_at
    )


def running(machine, started_at):
    return Use.objects.create(machine=machine, started_at=started_at)


def hours_of(machine, week: Week = WEEK, now: datetime = NOW) -> tuple[float, float]:
    """In that week and in the one before."""
    rows = {row[0].id: row[1:] for row in figures_of(week, now).hours.machines}
    this, before = rows.get(machine.pk, (0, 0))
    return this / HOUR, before / HOUR


def later(hours: float, of: datetime = MONDAY) -> datetime:
    return of + timedelta(hours=hours)


# ---- whose hours -----------------------------------------------------------------------------------------------------


def test_hours_are_told_beside_those_of_the_week_before(laser):
    use(laser, later(30), 2)
    use(laser, later(60), 0.5)
    use(laser, later(-60), 4)
    use(laser, later(-24 * 7 - 2), 1)  # two weeks before
    use(laser, later(1, NEXT_MONDAY), 1)
    assert hours_of(laser) == (2.5, 4)


def test_the_most_used_come_first_and_the_unused_are_only_counted(laser, printer, laser_type):
    lathe = Machine.objects.create(id=30, name="Lathe", type=laser_type)
    Machine.objects.create(id=31, name="Saw", type=laser_type)
    use(laser, later(30), 1)
    use(printer, later(30), 3)
    use(lathe, later(-30), 5)
    hours = figures_of(WEEK, NOW).hours
    assert [machine.name for machine, _this, _before in hours.machines] == ["Printer", "Laser", "Lathe"]
    assert (hours.unused, hours.total) == (1, (4 * HOUR, 5 * HOUR))


# ---- where weeks end -------------------------------------------------------------------------------------------------


def test_a_print_over_sunday_midnight_counts_in_both_weeks_with_its_part(printer):
    use(printer, later(-3), 10)
    assert hours_of(printer) == (7, 3)
    assert hours_of(printer, WEEK.before) == (3, 0)


def test_a_print_that_goes_on_after_the_week_counts_until_its_end(printer):
    use(printer, later(-2, NEXT_MONDAY), 10)
    assert hours_of(printer) == (2, 0)


def test_a_print_from_before_both_weeks_counts_in_both(printer):
    use(printer, later(-24 * 10), 24 * 20)
    assert hours_of(printer) == (168, 168)


def test_a_print_of_thirty_days_is_found_until_its_last_hour(printer):
    use(printer, later(1 - 30 * 24), 30 * 24)
    assert hours_of(printer) == (1, 168)


def test_a_use_that_ends_with_the_week_is_not_cut(laser):
    use(laser, later(-2, NEXT_MONDAY), 2)
    use(laser, MONDAY, 2)
    assert hours_of(laser) == (4, 0)
    assert not figures_of(WEEK, NOW).hours.is_cut


def test_what_still_runs_counts_until_the_end_of_the_week(laser, printer):
    running(laser, later(-5, NEXT_MONDAY))
    running(printer, later(-3))
    assert hours_of(laser) == (5, 0)
    assert hours_of(printer) == (168, 3)


def test_what_runs_since_before_both_weeks_counts_in_both(printer):
    running(printer, later(-24 * 8))
    assert hours_of(printer) == (168, 168)


def test_what_began_after_the_week_is_another_weeks(laser):
    running(laser, later(1, NEXT_MONDAY))
    assert hours_of(laser) == (0, 0)


# ---- weeks of 167 and 169 hours --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "name", "hours"),
    [
        ("Europe/Rome", "2026-W13", 167),
        ("Europe/Rome", "2026-W43", 169),
        ("America/New_York", "2026-W10", 167),
        ("America/New_York", "2026-W44", 169),
    ],
)
def test_a_machine_that_runs_all_the_time_runs_as_long_as_the_week(settings, printer, zone, name, hours):
    settings.TIME_ZONE = zone
    now = datetime(2026, 11, 20, tzinfo=UTC)
    week = week_called(name, now)
    use(printer, week.span.start - timedelta(days=10), 24 * 20)
    assert hours_of(printer, week, now) == (hours, 168)


@pytest.mark.parametrize(
    ("zone", "name", "last_hour"),
    [
        ("Europe/Rome", "2026-W13", datetime(2026, 3, 29, 21, tzinfo=UTC)),
        ("Europe/Rome", "2026-W43", datetime(2026, 10, 25, 22, tzinfo=UTC)),
        ("America/New_York", "2026-W43", datetime(2026, 10, 26, 3, tzinfo=UTC)),
    ],
)
def test_midnight_is_the_labs_whatever_its_clock_did_that_day(settings, laser, zone, name, last_hour):
    settings.TIME_ZONE = zone
    now = datetime(2026, 11, 20, tzinfo=UTC)
    week = week_called(name, now)
    use(laser, last_hour, 3)
    assert hours_of(laser, week, now) == (1, 0)
    assert hours_of(laser, Week(week.monday + timedelta(weeks=1)), now) == (2, 1)


# ---- no second way of counting ---------------------------------------------------------------------------------------


def test_hours_are_those_the_statistics_tell_of_the_same_days(laser, printer):
    for number in range(100):
        use((laser, printer)[number % 2], later(number * 1.6), 0.1 + number % 15 / 10)
    found = {machine.id: machine.seconds for machine in statistics(WEEK.span, NOW).machines}
    hours = figures_of(WEEK, NOW).hours
    assert {machine.id: this for machine, this, _before in hours.machines} == found
    assert hours.total == (sum(found.values()), 0)


def test_cutting_moves_hours_and_loses_none(laser, printer):
    for number in range(60):
        use((laser, printer)[number % 2], later(-24 * 7 + number * 5.6), 7)
    days = WEEK.with_the_one_before
    assert sum(figures_of(WEEK, NOW).hours.total) + sum(
        (started_at + timedelta(hours=7) - days.end).total_seconds()
        for started_at in Use.objects.values_list("started_at", flat=True)
        if started_at + timedelta(hours=7) > days.end
    ) == sum(machine.seconds for machine in statistics(days, NOW).machines)


# ---- what it costs ---------------------------------------------------------------------------------------------------


def test_a_week_takes_as_many_queries_for_many_machines(laser, laser_type, django_assert_num_queries):
    use(laser, later(-3), 10)
    with django_assert_num_queries(16):
        figures_of(WEEK, NOW)
    for number in range(100, 130):
        machine = Machine.objects.create(id=number, name=f"Machine {number}", type=laser_type)
        use(machine, later(-3), 10)
        running(machine, later(20))
    with django_assert_num_queries(16):
        figures_of(WEEK, NOW)


def test_no_query_reads_the_history(laser):
    """Uses, taps and downtimes are found by their times; the other tables are as small as the lab."""
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL chooses by what is in the tables")
    plans = []

    def explain(execute, sql, params, many, context):
        if sql.startswith(("SELECT", "WITH")):
            with connection.cursor() as cursor:
                cursor.cursor.execute("EXPLAIN QUERY PLAN " + sql, params)
                plans.extend(row[3] for row in cursor.cursor.fetchall())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        figures_of(WEEK, NOW)
    scans = [plan for plan in plans if plan.startswith("SCAN") and _history(plan)]
    assert [plan for plan in scans if "running" not in plan and "one_open" not in plan] == []
    assert len([plan for plan in plans if "use_latest (started_at>? AND started_at<?)" in plan]) == 4


def _history(plan: str) -> bool:
    return any(table in plan for table in ("machines_use", "telemetry_tap", "telemetry_downtime"))
