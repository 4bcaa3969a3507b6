"""Which week a summary is of: Monday to Sunday on the lab's clock, by the numbers of ISO 8601."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import translation

from fabomatic.summary.week import NotAWeek, Week, last_week, week_called

NOW = datetime(2026, 11, 20, 7, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


def length(week: Week) -> float:
    return (week.span.end - week.span.start) / HOUR


# ---- the last one ----------------------------------------------------------------------------------------------------


def test_the_last_week_is_the_last_one_that_is_over():
    week = last_week(NOW)
    assert (week.monday, week.sunday, str(week)) == (date(2026, 11, 9), date(2026, 11, 15), "2026-W46")


def test_a_week_is_over_at_midnight_in_the_lab():
    midnight = datetime(2026, 11, 15, 23, 0, tzinfo=UTC)
    assert str(last_week(midnight - timedelta(seconds=1))) == "2026-W45"
    assert str(last_week(midnight)) == "2026-W46"


def test_midnight_is_that_of_the_labs_time_zone(settings):
    settings.TIME_ZONE = "America/New_York"
    midnight = datetime(2026, 11, 16, 5, 0, tzinfo=UTC)
    assert str(last_week(midnight - timedelta(seconds=1))) == "2026-W45"
    assert str(last_week(midnight)) == "2026-W46"
    assert last_week(midnight).span.end == midnight


# ---- their length ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "name", "hours"),
    [
        ("Europe/Rome", "2026-W12", 168),
        ("Europe/Rome", "2026-W13", 167),  # the clock goes from 2:00 to 3:00 on 29 March
        ("Europe/Rome", "2026-W14", 168),
        ("Europe/Rome", "2026-W43", 169),  # and back on 25 October
        ("America/New_York", "2026-W10", 167),
        ("America/New_York", "2026-W13", 168),
        ("America/New_York", "2026-W44", 169),
        ("Asia/Kolkata", "2026-W13", 168),
    ],
)
def test_weeks_are_as_long_as_the_labs_clock_makes_them(settings, zone, name, hours):
    settings.TIME_ZONE = zone
    assert length(week_called(name, NOW)) == hours


def test_weeks_follow_each_other_without_a_gap():
    week = week_called("2026-W44", NOW)
    for _week in range(60):
        assert week.before.span.end == week.span.start
        week = week.before


# ---- their numbers and names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("monday", "number"),
    [
        (date(2026, 12, 28), "2026-W53"),
        (date(2027, 1, 4), "2027-W01"),
        (date(2025, 12, 29), "2026-W01"),
        (date(2020, 12, 28), "2020-W53"),
    ],
)
def test_at_new_year_the_number_is_that_of_its_thursday(monday, number):
    assert str(Week(monday)) == number
    assert week_called(number, datetime(2027, 2, 1, tzinfo=UTC)).monday == monday


@pytest.mark.parametrize(
    ("monday", "english", "italian"),
    [
        (date(2026, 11, 9), "9–15 November 2026", "9–15 Novembre 2026"),
        (date(2026, 9, 28), "28 September – 4 October 2026", "28 Settembre – 4 Ottobre 2026"),
        (date(2026, 12, 28), "28 December 2026 – 3 January 2027", "28 Dicembre 2026 – 3 Gennaio 2027"),
    ],
)
def test_a_week_is_named_in_the_readers_language_and_no_longer_than_needed(monday, english, italian):
    assert Week(monday).name == english
    with translation.override("it"):
        assert Week(monday).name == italian


# ---- which may be asked for ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["2026-W46", "2026-w46", " 2026-W46 "])
def test_a_week_may_be_asked_for_by_its_number(text):
    assert week_called(text, NOW).monday == date(2026, 11, 9)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("2026-W47", "The week 2026-W47 is not over yet; the last one that is: 2026-W46."),
        ("2026-W48", "is not over yet"),
        ("9999-W52", "is not over yet"),
        ("2026-W54", "There is no week 2026-W54."),
        ("2027-W53", "There is no week"),
        ("2026-W00", "There is no week"),
        ("0000-W01", "There is no week"),
        ("1999-W52", "before the year 2000"),
        ("last", "“last” is no week. Write it like 2026-W46."),
        ("", "is no week"),
        ("2026-46", "is no week"),
        ("2026-W4", "is no week"),
        ("2026-W46-1", "is no week"),
        ("٢٠٢٦-W46", "is no week"),
        ("W" * 5000, "is no week"),
    ],
)
def test_other_weeks_are_refused_with_a_sentence(text, sentence):
    with pytest.raises(NotAWeek) as refusal:
        week_called(text, NOW)
    assert sentence in str(refusal.value)
    assert len(str(refusal.value)) < 100
