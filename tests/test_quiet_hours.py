"""From when to when nobody is mailed what can wait, by the lab's clock."""

from datetime import UTC, datetime, time

import pytest

from fabomatic.checks import settings_are_usable
from fabomatic.notices.sending import is_quiet
from fabomatic.quiet_hours import QuietHours
from tests.test_checks import load

__all__ = ["load"]


def quiet_at(span, *clocks):
    return [QuietHours.parse(span).covers(time.fromisoformat(clock)) for clock in clocks]


def test_span_within_a_day():
    assert quiet_at("12:30-14:00", "12:29:59", "12:30", "13:59:59", "14:00") == [False, True, True, False]


def test_span_across_midnight():
    clocks = ("21:59:59", "22:00", "23:59:59", "00:00", "07:59:59", "08:00", "12:00")
    assert quiet_at("22:00-08:00", *clocks) == [False, True, True, True, True, False, False]


def test_span_until_midnight():
    assert quiet_at("22:00-00:00", "22:00", "23:59:59", "00:00") == [True, True, False]


def test_span_of_no_length_is_never():
    assert quiet_at("08:00-08:00", "07:59", "08:00", "08:01") == [False, False, False]


def test_spaces_and_short_hours_are_read():
    assert QuietHours.parse(" 9:00 - 17:30 ") == QuietHours(time(9), time(17, 30))


@pytest.mark.parametrize("text", ["", "  "])
def test_empty_is_none(text):
    assert QuietHours.parse(text) is None


WRONG = [
    "22",
    "22:00",
    "22:00-",
    "24:00-08:00",
    "22:60-08:00",
    "22.00-08.00",
    "night",
    "22:00-08:00-09:00",
    "-1:00-2:00",
]


@pytest.mark.parametrize("text", WRONG)
def test_nonsense_is_refused(text):
    with pytest.raises(ValueError, match=r".*"):
        QuietHours.parse(text)


@pytest.mark.parametrize("text", WRONG)
def test_nonsense_is_a_system_check_and_the_default_stands(load, settings, text):
    loaded = load(QUIET_HOURS=text)
    settings.SETTINGS_PROBLEMS = loaded["SETTINGS_PROBLEMS"]
    (error,) = settings_are_usable()
    assert (error.id, "QUIET_HOURS" in error.msg, "22:00-08:00" in error.hint) == ("fabomatic.E001", True, True)
    assert loaded["QUIET_HOURS"].start == time(22)


def test_lab_may_have_none(load, settings):
    settings.QUIET_HOURS = load(QUIET_HOURS="")["QUIET_HOURS"]
    assert settings.QUIET_HOURS is None
    assert not is_quiet(datetime(2026, 3, 10, 2, 0, tzinfo=UTC))


def test_clock_is_the_labs(settings):
    settings.QUIET_HOURS = QuietHours.parse("22:00-08:00")
    assert is_quiet(datetime(2026, 3, 10, 21, 0, tzinfo=UTC))  # 22:00 in Rome
    assert not is_quiet(datetime(2026, 3, 10, 7, 0, tzinfo=UTC))


def test_clock_goes_with_summer_time(settings):
    """On 29 March 2026 two o'clock is three, on 25 October three is two again."""
    settings.QUIET_HOURS = QuietHours.parse("22:00-08:00")
    moments = [(3, 29, 5, 59), (3, 29, 6, 0), (3, 28, 6, 59), (10, 25, 6, 0), (10, 25, 7, 0), (10, 24, 6, 0)]
    quiet = [is_quiet(datetime(2026, *moment, tzinfo=UTC)) for moment in moments]
    assert quiet == [True, False, True, True, False, False]


def test_hours_that_summer_time_leaves_out_or_repeats(settings):
    settings.QUIET_HOURS = QuietHours.parse("02:15-02:45")
    assert not any(is_quiet(datetime(2026, 3, 29, hour, 30, tzinfo=UTC)) for hour in (0, 1, 2))
    assert [is_quiet(datetime(2026, 10, 25, hour, 30, tzinfo=UTC)) for hour in (0, 1, 2)] == [True, True, False]
