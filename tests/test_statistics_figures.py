"""What statistics count: by the lab's weeks and hours, each thing once, in few queries."""

from datetime import UTC, date, datetime, timedelta

import pytest

from machines.access import Outcome
from machines.models import Machine, Use
from telemetry.models import Board, Downtime, Tap
from telemetry.statistics.availability import availability
from telemetry.statistics.figures import figures
from telemetry.statistics.refusals import refusals
from telemetry.statistics.span import FREE, Span
from tests.conftest import NOW

pytestmark = pytest.mark.django_db

HOUR = 3600
DAY = 24 * HOUR
SPAN = Span(FREE, date(2026, 3, 2), date(2026, 3, 10))  # a Monday to the next Tuesday, today
SPAN_START = datetime(2026, 3, 1, 23, tzinfo=UTC)


def use(machine, started_at, seconds=HOUR, **fields):
    ended_at = started_at + timedelta(seconds=seconds)
    return Use.objects.create(machine=machine, started_at=started_at, ended_at=ended_at, **fields)


def count(span=SPAN, now=NOW):
    return figures(span, now)


def busy_hours(found):
    """Weekday, hour and uses."""
    return [(hour // 24, hour % 24, uses) for hour, uses in enumerate(found.hours) if uses]


# ---- uses ------------------------------------------------------------------------------------------------------------


def test_hours_are_told_by_week_and_by_machine(laser, printer):
    use(laser, datetime(2026, 3, 3, 9, tzinfo=UTC), 600)
    use(laser, datetime(2026, 3, 9, 9, tzinfo=UTC), 700)
    use(printer, datetime(2026, 3, 9, 9, tzinfo=UTC), 2000)
    found = count()
    assert [(week.monday, week.seconds, week.uses) for week in found.weeks] == [
        (date(2026, 3, 2), 600, 1),
        (date(2026, 3, 9), 2700, 2),
    ]
    assert [(machine.name, machine.seconds, machine.uses, machine.weeks) for machine in found.machines] == [
        ("Printer", 2000, 1, {1: (2000, 1)}),
        ("Laser", 1300, 2, {0: (600, 1), 1: (700, 1)}),
    ]
    assert (found.seconds, found.uses) == (3300, 3)


def test_a_span_begins_and_ends_at_midnight_in_the_lab(laser):
    for second in (-1, 0):
        use(laser, SPAN_START + timedelta(seconds=second), 60)
        use(laser, datetime(2026, 3, 10, 23, tzinfo=UTC) + timedelta(seconds=second), 60, note="tomorrow")
    assert count().uses == 2


def test_a_use_counts_where_it_began_with_all_its_hours(laser):
    use(laser, datetime(2026, 3, 8, 22, tzinfo=UTC), 5 * HOUR)
    assert [week.seconds for week in count().weeks] == [5 * HOUR, 0]


def test_a_running_use_counts_up_to_now(laser):
    use(laser, NOW - timedelta(hours=3))
    Use.objects.create(machine=laser, started_at=NOW - timedelta(minutes=30))
    assert (count().seconds, count().uses) == (HOUR + 1800, 2)


def test_a_running_use_that_is_alone_in_its_week_counts_once(laser):
    Use.objects.create(machine=laser, started_at=NOW - timedelta(minutes=30))
    assert (count().seconds, count().uses, count().machines[0].uses) == (1800, 1, 1)


def test_a_running_use_of_another_time_is_left_out(laser):
    Use.objects.create(machine=laser, started_at=SPAN_START - timedelta(hours=1))
    assert count().uses == 0


def test_machines_without_a_use_are_told_too(laser, printer):
    use(printer, NOW - timedelta(hours=3))
    assert [(machine.name, machine.seconds) for machine in count().machines] == [("Printer", HOUR), ("Laser", 0)]


def test_who_comes_every_week_is_one_member(laser, ada, bruno):
    for days in (1, 2, 8):
        use(laser, SPAN_START + timedelta(days=days), member=ada)
    use(laser, SPAN_START + timedelta(days=8, hours=3), member=bruno)
    use(laser, SPAN_START + timedelta(days=8, hours=6), card_uid="deadbeef")
    found = count()
    assert [week.members for week in found.weeks] == [{ada.pk}, {ada.pk, bruno.pk}]
    assert found.members == 2


@pytest.mark.parametrize(
    ("began", "hour"),
    [
        (datetime(2026, 3, 9, 23, 0, tzinfo=UTC), (1, 0)),  # Tuesday's first second
        (datetime(2026, 3, 8, 22, 59, 59, tzinfo=UTC), (6, 23)),  # Sunday's last
        (datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), (6, 1)),  # then the clock goes from 2:00 to 3:00
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), (6, 3)),
        (datetime(2025, 10, 26, 0, 30, tzinfo=UTC), (6, 2)),  # then from 3:00 to 2:00
        (datetime(2025, 10, 26, 1, 30, tzinfo=UTC), (6, 2)),
        (datetime(2025, 10, 26, 2, 0, tzinfo=UTC), (6, 3)),
    ],
)
def test_hours_are_those_of_the_labs_clock_also_when_it_changes(laser, began, hour):
    use(laser, began, 60)
    assert busy_hours(count(Span(FREE, date(2025, 9, 1), date(2026, 4, 30)))) == [(*hour, 1)]


def test_hours_of_a_zone_with_half_an_hour_are_its_own(laser, settings):
    settings.TIME_ZONE = "Asia/Kolkata"
    use(laser, datetime(2026, 3, 4, 3, 29, 59, tzinfo=UTC), 60)
    use(laser, datetime(2026, 3, 4, 3, 30, tzinfo=UTC), 60)
    assert busy_hours(count()) == [(2, 8, 1), (2, 9, 1)]


def test_every_use_has_its_hour_and_its_week_over_years(laser):
    start = datetime(2024, 1, 1, tzinfo=UTC)
    Use.objects.bulk_create(
        [
            Use(machine=laser, started_at=at, last_seen_at=at, ended_at=at, duration=0, end_reason="stop")
            for at in (start + timedelta(minutes=797 * number) for number in range(1000))
        ]
    )
    found = count(Span(FREE, date(2023, 12, 1), date(2026, 3, 10)))
    assert sum(found.hours) == found.uses == 1000


def test_an_empty_lab_has_figures_too(db):
    found = count()
    assert (found.uses, found.members, found.machines, found.refusals.taps) == (0, 0, [], 0)
    assert [week.monday for week in found.weeks] == [date(2026, 3, 2), date(2026, 3, 9)]


def test_the_number_of_queries_depends_on_nothing(laser, laser_type, ada, django_assert_num_queries):
    Machine.objects.bulk_create([Machine(id=100 + number, name="x", type=laser_type) for number in range(30)])
    for number in range(60):
        use(laser, NOW - timedelta(days=6 * number, hours=2), member=ada)
        Downtime.objects.create(machine_id=100 + number % 30, kind="offline", started_at=NOW, ended_at=NOW)
    with django_assert_num_queries(13):
        count()
    with django_assert_num_queries(13):
        count(Span(FREE, date(2020, 1, 1), date(2026, 3, 10)))


# ---- refusals --------------------------------------------------------------------------------------------------------


def tap(machine, outcome, hours_ago=1, **fields):
    return Tap.objects.create(machine=machine, outcome=outcome, at=NOW - timedelta(hours=hours_ago), **fields)


def reasons():
    return [(str(reason), taps) for reason, taps in refusals(SPAN).reasons]


def test_refusals_are_told_in_words_the_most_frequent_first(laser):
    tap(laser, Outcome.GRANTED, level=1)
    tap(laser, Outcome.LOST_CARD)
    for _time in range(2):
        tap(laser, Outcome.UNKNOWN_CARD)
    assert reasons() == [("The card belongs to nobody.", 2), ("The card was reported lost.", 1)]
    assert (refusals(SPAN).taps, refusals(SPAN).refused) == (4, 3)


def test_every_outcome_but_one_is_a_refusal(laser):
    for outcome in Outcome:
        tap(laser, outcome, level=1)
    assert sorted(reasons()) == sorted((str(o.sentence), 1) for o in Outcome if o is not Outcome.GRANTED)


@pytest.mark.parametrize(
    ("level", "is_blocked", "is_due", "words"),
    [
        (3, True, False, "it was blocked"),
        (1, True, True, "it was blocked"),
        (1, False, True, "maintenance was due"),
        (2, False, True, None),
        (1, False, False, None),
    ],
)
def test_what_the_board_refuses_by_itself_is_a_refusal(laser, level, is_blocked, is_due, words):
    tap(laser, Outcome.GRANTED, level=level, is_machine_blocked=is_blocked, is_maintenance_due=is_due)
    assert [words in reason for reason, _taps in reasons()] == ([True] if words else [])


def test_what_backend_and_board_both_refuse_is_one_refusal(laser):
    tap(laser, Outcome.MACHINE_BLOCKED, is_machine_blocked=True)
    assert reasons() == [("The machine is blocked.", 1)]


def test_taps_of_other_times_are_left_out(laser):
    tap(laser, Outcome.LOST_CARD, hours_ago=24 * 30)
    tap(laser, Outcome.GRANTED, hours_ago=24 * 30, is_machine_blocked=True)
    assert (reasons(), refusals(SPAN).taps) == ([], 0)


# ---- availability ----------------------------------------------------------------------------------------------------

NOTED = int((NOW - SPAN_START).total_seconds())


def down(machine, kind, start, end):
    """Hours after the span began."""
    times = [None if hours is None else SPAN_START + timedelta(hours=hours) for hours in (start, end)]
    return Downtime.objects.create(machine=machine, kind=kind, started_at=times[0], ended_at=times[1])


@pytest.fixture
def known(laser):
    """The laser has been used, and downtimes noted, long before the span."""
    use(laser, SPAN_START - timedelta(days=300))
    down(laser, "offline", -2400, -2399)
    return laser


def of(machine, now=NOW):
    found = availability(SPAN, now)[machine.pk]
    return found.noted, found.blocked, found.offline, found.available


def test_a_machine_without_downtime_was_available_all_the_time(known):
    assert of(known) == (NOTED, 0, 0, NOTED)


def test_downtimes_count_as_far_as_they_lie_in_the_span(known):
    down(known, "offline", -5, 2)
    down(known, "blocked", 10, 11)
    down(known, "offline", 200, None)
    offline = 2 * HOUR + NOTED - 200 * HOUR
    assert of(known) == (NOTED, HOUR, offline, NOTED - HOUR - offline)


def test_a_machine_blocked_and_silent_is_blocked(known):
    down(known, "blocked", 10, 20)
    down(known, "offline", 15, 30)
    assert of(known)[1:3] == (10 * HOUR, 10 * HOUR)


def test_machines_do_not_share_their_downtimes(known, printer):
    use(printer, SPAN_START - timedelta(days=300))
    down(printer, "offline", 15, 30)
    down(known, "blocked", 10, 20)
    assert (of(known)[1:3], of(printer)[1:3]) == ((10 * HOUR, 0), (0, 15 * HOUR))


def test_time_to_come_is_not_counted(known):
    down(known, "offline", 10, None)
    now = SPAN_START + timedelta(hours=12)
    assert of(known, now)[:3] == (12 * HOUR, 0, 2 * HOUR)


def test_notes_that_began_within_the_span_say_since_when(laser):
    down(laser, "offline", 100, 110)
    found = availability(SPAN, NOW)[laser.pk]
    assert found.since == SPAN_START + timedelta(hours=100)
    assert found.noted == NOTED - 100 * HOUR


def test_a_machine_that_never_failed_is_known_since_notes_and_itself_began(known, printer, laser_type):
    new = Machine.objects.create(id=99, name="New", type=laser_type)
    Board.objects.create(machine=new, serial="1", first_seen_at=SPAN_START + timedelta(hours=50))
    use(printer, SPAN_START - timedelta(days=900))
    assert availability(SPAN, NOW)[99].since == SPAN_START + timedelta(hours=50)
    assert availability(SPAN, NOW)[printer.pk].noted == NOTED


def test_nothing_is_claimed_of_a_machine_nobody_heard_of(known, printer):
    assert printer.pk not in availability(SPAN, NOW)


def test_nothing_is_claimed_of_times_before_any_note(laser):
    use(laser, SPAN_START - timedelta(days=300))
    assert availability(SPAN, NOW) == {}


def test_downtimes_one_over_the_other_leave_no_less_than_nothing(known):
    for _time in range(3):
        down(known, "offline", -10, 300)
    assert of(known)[3] == 0


def test_uses_are_read_from_an_index_alone(laser):
    """What statistics read of uses stands in `use_latest`: 1,000,000 rows are not looked up one by one."""
    from django.db import connection

    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL chooses by what is in the tables")
    plans = []

    def explain(execute, sql, params, many, context):
        if sql.startswith("WITH span"):
            with connection.cursor() as cursor:
                cursor.cursor.execute("EXPLAIN QUERY PLAN " + sql, params)
                plans.append(" ".join(row[3] for row in cursor.cursor.fetchall()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        count()
    assert len(plans) == 3
    assert all("COVERING INDEX use_latest" in plan for plan in plans), plans
