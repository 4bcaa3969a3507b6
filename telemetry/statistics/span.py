"""Which days somebody wants to read about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from django.utils.functional import Promise
from django.utils.text import Truncator
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from machines.models import Use
from telemetry.models import Tap
from telemetry.statistics.calendar import end_of, monday_of, start_of, today

DEFAULT = "12-weeks"
ALL = "all"
FREE = "free"
WEEKS: dict[str, int] = {"4-weeks": 4, DEFAULT: 12, "6-months": 26, "1-year": 52}
NAMES: dict[str, Promise] = {
    "4-weeks": _("4 weeks"),
    DEFAULT: _("12 weeks"),
    "6-months": _("6 months"),
    "1-year": _("1 year"),
    ALL: pgettext_lazy("span of time", "all"),
}
EARLIEST = date(2000, 1, 1)  # a clock that was never set says 1970


@dataclass(frozen=True, slots=True)
class Span:
    """From its first to its last day, in the lab."""

    key: str
    first: date
    last: date

    @property
    def query(self) -> str:
        """That asks for it again."""
        return urlencode({"from": self.first, "to": self.last} if self.key == FREE else {"span": self.key})

    @property
    def start(self) -> datetime:
        return start_of(self.first)

    @property
    def end(self) -> datetime:
        return end_of(self.last)


class NotUnderstood(Exception):
    """With a sentence for whoever asked."""


def chosen(query: Mapping[str, str], now: datetime) -> tuple[Span, str]:
    """The span, and what was wrong with the question where it is the default's."""
    try:
        return _asked_for(query, today(now)), ""
    except NotUnderstood as error:
        return _of_weeks(DEFAULT, today(now)), str(error)


def _asked_for(query: Mapping[str, str], this_day: date) -> Span:
    if query.get("from", "").strip() or query.get("to", "").strip():
        return _free(query, this_day)
    key = query.get("span", "") or DEFAULT
    if key == ALL:
        return Span(ALL, _first_day_of_all(this_day), this_day)
    if key not in WEEKS:
        raise NotUnderstood(gettext("There is no such span."))
    return _of_weeks(key, this_day)


def _of_weeks(key: str, last: date) -> Span:
    return Span(key, monday_of(last) - timedelta(weeks=WEEKS[key] - 1), last)


def _free(query: Mapping[str, str], this_day: date) -> Span:
    last = min(_day(query.get("to", ""), this_day), this_day)
    usual_first = _of_weeks(DEFAULT, max(last, EARLIEST)).first
    first = _day(query.get("from", ""), usual_first)
    if min(first, last) < EARLIEST:
        raise NotUnderstood(gettext("There is nothing to show from before the year 2000."))
    if first > this_day:
        raise NotUnderstood(gettext("The first day is in the future."))
    if first > last:
        raise NotUnderstood(gettext("The first day comes after the last one."))
    return Span(FREE, first, last)


def _day(text: str, otherwise: date) -> date:
    text = text.strip()
    if not text:
        return otherwise
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotUnderstood(
            gettext("“%(text)s” is no day. Write it like 2026-01-31.") % {"text": Truncator(text).chars(20)}
        ) from None


def _first_day_of_all(this_day: date) -> date:
    use = Use.objects.order_by("started_at", "id").values_list("started_at", flat=True).first()
    tap = Tap.objects.order_by("at", "id").values_list("at", flat=True).first()
    days = [today(at) for at in (use, tap) if at is not None]
    return min(max(min(days), EARLIEST), this_day) if days else _of_weeks(DEFAULT, this_day).first
