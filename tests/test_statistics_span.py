"""Which span is meant: presets, days of one's own, and what is said to nonsense."""

from datetime import UTC, date, datetime, timedelta

import pytest

from machines.access import Outcome
from machines.models import Use
from telemetry.models import Tap
from telemetry.statistics.span import NAMES, chosen
from tests.conftest import NOW

pytestmark = pytest.mark.django_db

TODAY = date(2026, 3, 10)
USUAL = (date(2025, 12, 22), TODAY)


def days(now=NOW, **query):
    span, trouble = chosen({name.rstrip("_"): text for name, text in query.items()}, now)
    assert trouble == ""
    return span.first, span.last


def trouble(**query):
    span, sentence = chosen({name.rstrip("_"): text for name, text in query.items()}, NOW)
    assert (span.first, span.last) == USUAL
    return sentence


@pytest.mark.parametrize(
    ("key", "first"),
    [
        ("4-weeks", date(2026, 2, 16)),
        ("12-weeks", date(2025, 12, 22)),
        ("6-months", date(2025, 9, 15)),
        ("1-year", date(2025, 3, 17)),
        ("", date(2025, 12, 22)),
    ],
)
def test_presets_are_whole_weeks_up_to_today(key, first):
    assert days(span=key) == (first, TODAY)
    assert first.weekday() == 0


def test_without_a_question_it_is_twelve_weeks():
    assert days() == USUAL


def test_today_is_the_labs():
    assert days(datetime(2026, 3, 10, 23, 30, tzinfo=UTC))[1] == date(2026, 3, 11)


def test_all_begins_with_the_first_use_or_tap(laser):
    assert days(span="all") == USUAL
    at = NOW - timedelta(days=500)
    Use.objects.create(machine=laser, started_at=at, ended_at=at)
    assert days(span="all") == (date(2024, 10, 26), TODAY)
    Tap.objects.create(machine=laser, at=at - timedelta(days=1), outcome=Outcome.GRANTED)
    assert days(span="all") == (date(2024, 10, 25), TODAY)


def test_a_board_without_a_clock_makes_all_no_longer_than_this_century(laser):
    Use.objects.create(machine=laser, started_at=datetime(1970, 1, 1, tzinfo=UTC), ended_at=NOW)
    assert days(span="all") == (date(2000, 1, 1), TODAY)


def test_all_of_a_lab_whose_only_use_is_in_the_future_is_today(laser):
    Use.objects.create(machine=laser, started_at=NOW + timedelta(days=9))
    assert days(span="all") == (TODAY, TODAY)


def test_days_of_ones_own():
    assert days(from_="2026-01-07", to="2026-01-09") == (date(2026, 1, 7), date(2026, 1, 9))
    assert days(from_=" 2026-01-07 ", to="") == (date(2026, 1, 7), TODAY)
    assert days(from_="", to="2026-01-09") == (date(2025, 10, 20), date(2026, 1, 9))
    assert days(from_="2026-03-10", to="2027-01-01") == (TODAY, TODAY)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"span": "2-weeks"}, "no such span"),
        ({"from_": "yesterday"}, "“yesterday” is no day"),
        ({"to": "2026-02-30"}, "“2026-02-30” is no day"),
        ({"from_": "9" * 10_000}, "…” is no day"),
        ({"from_": "\x00"}, "is no day"),
        ({"to": "1999-01-01"}, "before the year 2000"),
        ({"to": "0001-01-01"}, "before the year 2000"),
        ({"from_": "2026-01-09", "to": "2026-01-08"}, "after the last"),
        ({"from_": "2026-03-11"}, "in the future"),
        ({"from_": "9999-12-31", "to": "9999-12-31"}, "in the future"),
        ({"from_": "1999-12-31"}, "before the year 2000"),
    ],
)
def test_nonsense_gets_a_sentence_and_the_usual_span(query, words):
    assert words in trouble(**query)


def test_a_span_can_be_asked_for_again():
    for query in (*({"span": key} for key in NAMES), {"from": "2026-01-07", "to": "2026-01-09"}):
        span, _trouble = chosen(query, NOW)
        again = dict(part.split("=") for part in span.query.split("&"))
        assert chosen(again, NOW) == (span, "")
