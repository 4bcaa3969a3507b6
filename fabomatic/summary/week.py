"""Which week: Monday to Sunday as the lab's clock shows them, so one of them has 167 hours and one 169."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.formats import date_format
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from telemetry.statistics.calendar import monday_of, today
from telemetry.statistics.span import EARLIEST, FREE, Span

_WRITTEN = re.compile(r"(\d{4})-W(\d{2})", re.ASCII | re.IGNORECASE)
_WEEK = timedelta(weeks=1)


class NotAWeek(Exception):
    """With a sentence for whoever asked."""


@dataclass(frozen=True, slots=True)
class Week:
    monday: date

    def __str__(self) -> str:
        """As ISO 8601 counts them: the year is that of its Thursday."""
        year, number, _day = self.monday.isocalendar()
        return f"{year}-W{number:02}"

    @property
    def sunday(self) -> date:
        return self.monday + timedelta(days=6)

    @property
    def before(self) -> Week:
        return Week(self.monday - _WEEK)

    @property
    def span(self) -> Span:
        return Span(FREE, self.monday, self.sunday)

    @property
    def with_the_one_before(self) -> Span:
        return Span(FREE, self.before.monday, self.sunday)

    @property
    def name(self) -> str:
        """“9–15 November 2026”, in the language of whoever reads it."""
        first, last = self.monday, self.sunday
        if first.year != last.year:
            return f"{date_format(first, 'j F Y')} – {date_format(last, 'j F Y')}"
        if first.month != last.month:
            return f"{date_format(first, 'j F')} – {date_format(last, 'j F Y')}"
        return f"{first.day}–{date_format(last, 'j F Y')}"


def last_week(now: datetime) -> Week:
    """The last one that is over."""
    return Week(monday_of(today(now)) - _WEEK)


def week_called(text: str, now: datetime) -> Week:
    shown = {"text": Truncator(text).chars(20)}
    written = _WRITTEN.fullmatch(text.strip())
    if written is None:
        raise NotAWeek(_("“%(text)s” is no week. Write it like 2026-W46.") % shown)
    try:
        week = Week(date.fromisocalendar(int(written[1]), int(written[2]), 1))
    except ValueError:
        raise NotAWeek(_("There is no week %(text)s.") % shown) from None
    if week.monday < EARLIEST:
        raise NotAWeek(_("There is nothing to show from before the year 2000."))
    if week.monday > last_week(now).monday:
        sentence = _("The week %(week)s is not over yet; the last one that is: %(last)s.")
        raise NotAWeek(sentence % {"week": week, "last": last_week(now)})
    return week
