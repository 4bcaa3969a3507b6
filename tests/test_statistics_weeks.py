"""Hours per week: the lab's weeks, on its own clock, and their picture."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
import time_machine
from django.template.loader import render_to_string
from django.utils import translation

from machines.models import Use
from telemetry.statistics.calendar import offsets
from telemetry.statistics.pictures import NARROW, WIDE, month_labels, scale, week_columns
from telemetry.statistics.weeks import Week, hours_per_week
from tests.conftest import NOW

THIS_MONDAY = date(2026, 3, 9)
HOUR = 3600


def use(machine, started_at, seconds=HOUR):
    return Use.objects.create(machine=machine, started_at=started_at, ended_at=started_at + timedelta(seconds=seconds))


def used_weeks(machine, now, weeks=26):
    return {week.monday: (week.seconds, week.uses) for week in hours_per_week(machine.pk, now, weeks) if week.uses}


def test_every_week_is_told_the_oldest_first(laser):
    weeks = hours_per_week(laser.pk, NOW)
    assert [week.monday for week in weeks] == [THIS_MONDAY - timedelta(weeks=25 - at) for at in range(26)]
    assert {(week.seconds, week.uses) for week in weeks} == {(0, 0)}


def test_hours_and_uses_of_this_machine_add_up(laser, printer):
    monday = datetime(2026, 3, 9, 9, tzinfo=UTC)
    use(laser, monday)
    use(laser, monday + timedelta(hours=3), 600)
    use(printer, monday)
    assert used_weeks(laser, NOW) == {THIS_MONDAY: (HOUR + 600, 2)}


def test_a_week_begins_on_monday_at_midnight_in_the_lab(laser):
    use(laser, datetime(2026, 3, 8, 22, 59, 59, tzinfo=UTC), 2 * HOUR)
    use(laser, datetime(2026, 3, 8, 23, 0, 0, tzinfo=UTC), HOUR)
    assert used_weeks(laser, NOW) == {date(2026, 3, 2): (2 * HOUR, 1), THIS_MONDAY: (HOUR, 1)}


@pytest.mark.parametrize(
    ("last_of_sunday", "monday"),
    [
        (datetime(2026, 3, 29, 21, 59, 59, tzinfo=UTC), date(2026, 3, 30)),  # two hours from UTC since that morning
        (datetime(2025, 10, 26, 22, 59, 59, tzinfo=UTC), date(2025, 10, 27)),  # one hour since that morning
    ],
)
def test_a_week_ends_in_time_also_on_the_day_the_clock_changes(laser, last_of_sunday, monday):
    use(laser, last_of_sunday, 60)
    use(laser, last_of_sunday + timedelta(seconds=1), 120)
    now = last_of_sunday + timedelta(days=40)
    assert used_weeks(laser, now) == {monday - timedelta(weeks=1): (60, 1), monday: (120, 1)}


def test_weeks_before_the_clock_changed_keep_their_own_hours(laser):
    """In March the lab is one hour from UTC, in the week of the question two."""
    use(laser, datetime(2026, 3, 22, 22, 59, 59, tzinfo=UTC), 60)
    now = datetime(2026, 5, 1, tzinfo=UTC)
    assert used_weeks(laser, now) == {date(2026, 3, 16): (60, 1)}


def test_a_running_use_counts_up_to_now(laser):
    Use.objects.create(machine=laser, started_at=NOW - timedelta(minutes=20))
    assert used_weeks(laser, NOW) == {THIS_MONDAY: (1200, 1)}


def test_a_running_use_counts_nothing_where_the_clock_was_set_back(laser):
    Use.objects.create(machine=laser, started_at=NOW)
    assert used_weeks(laser, NOW - timedelta(hours=3)) == {THIS_MONDAY: (0, 1)}


def test_a_use_counts_where_it_began(laser):
    use(laser, datetime(2026, 3, 8, 20, tzinfo=UTC), 10 * HOUR)
    assert used_weeks(laser, NOW) == {date(2026, 3, 2): (10 * HOUR, 1)}


def test_a_use_before_the_first_week_is_left_out(laser):
    use(laser, datetime(2026, 3, 1, 22, tzinfo=UTC), 48 * HOUR)
    assert used_weeks(laser, NOW, weeks=2) == {}


def test_weeks_follow_the_labs_clock_whoever_looks(laser):
    use(laser, datetime(2026, 3, 8, 23, 30, tzinfo=UTC))
    with time_machine.travel(NOW), translation.override("it"):
        from django.utils import timezone

        with timezone.override("America/Los_Angeles"):
            assert used_weeks(laser, NOW) == {THIS_MONDAY: (HOUR, 1)}


def test_hours_of_a_machine_take_two_queries(laser, django_assert_num_queries):
    with django_assert_num_queries(2):
        hours_per_week(laser.pk, NOW)


# ---- when the clock changes ------------------------------------------------------------------------------------------


def test_changes_of_the_clock_are_found_to_the_second():
    found = offsets(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    assert found == [
        (datetime(2026, 1, 1, tzinfo=UTC), HOUR),
        (datetime(2026, 3, 29, 1, tzinfo=UTC), 2 * HOUR),
        (datetime(2026, 10, 25, 1, tzinfo=UTC), HOUR),
    ]


def test_a_zone_of_half_hours_that_changes_at_midnight_has_its_weeks_too(laser, settings):
    """Lord Howe Island: ten and a half hours from UTC, eleven in summer."""
    settings.TIME_ZONE = "Australia/Lord_Howe"
    use(laser, datetime(2026, 4, 5, 13, 29, 59, tzinfo=UTC), 60)  # Sunday, the day its clock went back by half an hour
    use(laser, datetime(2026, 4, 5, 13, 30, tzinfo=UTC), 120)
    assert used_weeks(laser, NOW + timedelta(days=60)) == {date(2026, 3, 30): (60, 1), date(2026, 4, 6): (120, 1)}


# ---- the picture -----------------------------------------------------------------------------------------------------


def weeks_of(*hours, first=date(2026, 1, 5)):
    return [Week(first + timedelta(weeks=at), number * HOUR, 1) for at, number in enumerate(hours)]


def test_columns_stand_side_by_side_and_reach_up_to_a_round_value():
    picture = week_columns(weeks_of(10, 5, 0, 20))
    assert [column.height for column in picture.columns] == [50, 25, 0, 100]
    assert [column.y + column.height for column in picture.columns] == [100] * 4
    assert [column.x for column in picture.columns] == [2.75, 27.75, 52.75, 77.75]
    assert {column.width for column in picture.columns} == {19.5}
    assert [line.value for line in picture.lines] == [0, 10, 20]


@pytest.mark.parametrize(
    ("highest", "values"),
    [
        (0, [0, 1, 2]),
        (0.04, [0, 0.02, 0.04]),
        (1, [0, 0.5, 1.0]),
        (7, [0, 5, 10]),
        (61, [0, 50, 100]),
        (3001, [0, 2000, 4000]),
    ],
)
def test_lines_stand_at_round_values(highest, values):
    assert [line.value for line in scale(highest)[0]] == pytest.approx(values)


def test_no_column_leaves_the_picture():
    for highest in (0.001, 0.3, 1.9999, 2, 2.0001, 33.3, 99.9, 1e7):
        lines, top = scale(highest)
        assert top >= highest
        assert 3 <= len(lines) <= 5
        assert lines[-1].y == 0


def test_a_week_that_is_alone_is_no_wall():
    (column,) = week_columns(weeks_of(7)).columns
    assert (column.x, column.width) == (40, 20)


def test_many_years_have_several_weeks_to_a_column_and_lose_none():
    picture = week_columns(weeks_of(*[1] * 520))
    assert (picture.weeks_each, len(picture.columns), picture.total) == (4, 130, 520)


def test_labels_say_the_month_and_the_year_when_it_is_new():
    mondays = [date(2025, 12, 1) + timedelta(weeks=at) for at in range(12)]
    labels = [(label.day, label.has_year) for label in month_labels(mondays, WIDE)]
    assert labels == [(date(2025, 12, 1), True), (date(2026, 1, 5), True), (date(2026, 2, 2), False)]


def test_a_few_weeks_say_their_days_also_on_a_phone():
    mondays = [date(2026, 2, 2) + timedelta(weeks=at) for at in range(5)]
    assert [label.day for label in month_labels(mondays, NARROW)] == mondays


@pytest.mark.parametrize("weeks", [1, 4, 5, 6, 12, 26, 52, 104, 130])
@pytest.mark.parametrize("room", [WIDE, NARROW])
def test_no_label_stands_on_another(weeks, room):
    labels = month_labels([date(2025, 9, 22) + timedelta(weeks=at) for at in range(weeks)], room)
    assert labels
    for before, label in pairwise(labels):
        assert label.x - before.x >= room.taken_by(before)


def test_a_picture_has_numbers_a_browser_reads_in_every_language():
    with translation.override("it"):
        page = render_to_string("statistics/weeks_picture.html", {"picture": week_columns(weeks_of(1, 2.5, 0, 0, 0))})
    assert 'x="2.2%"' in page
    assert "2,5 h" in page
    assert 'style="' not in page


def test_no_use_at_all_is_said():
    page = render_to_string("statistics/weeks_picture.html", {"picture": week_columns(weeks_of(0, 0))})
    assert "No use" in page
    assert "<svg" not in page


def test_no_week_at_all_makes_no_picture():
    assert week_columns([]).is_empty
