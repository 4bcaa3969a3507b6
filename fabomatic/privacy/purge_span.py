"""From when on what is stored is too old."""

from __future__ import annotations

from argparse import ArgumentTypeError
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

MOST_DAYS = 36500


class Refused(Exception):
    """Nothing was done; with a sentence for people."""


@dataclass(frozen=True, slots=True)
class Span:
    now: datetime
    cutoff: datetime
    unknown_cutoff: datetime

    @classmethod
    def until(cls, now: datetime, days: int, unknown_days: int) -> Span:
        return cls(now, now - timedelta(days=days), now - timedelta(days=unknown_days))

    @property
    def last_day(self) -> date:
        """The first that is not too old yet, where the lab is."""
        return timezone.localdate(self.cutoff, timezone.get_default_timezone())


def number_of_days(given: Any) -> int:
    """For argparse, which shows the sentence."""
    text = str(given).strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= MOST_DAYS):
        sentence = _("“%(given)s” is no number of days: give a whole one from 1 to %(most)d. Nothing was done.")
        raise ArgumentTypeError(sentence % {"given": text[:40], "most": MOST_DAYS})
    return int(text)


def chosen_days(given: Any, setting: str, option: str) -> int:
    """What was asked for, or what the lab has set: never a default that took the place of a slip."""
    if given is not None:
        try:
            return number_of_days(given)
        except ArgumentTypeError as error:
            raise Refused(str(error)) from None
    if setting in {problem.name for problem in settings.SETTINGS_PROBLEMS}:
        sentence = _(
            "%(setting)s has a value that cannot be used, and nothing is deleted by a number that nobody chose: "
            "correct it, or give %(option)s."
        )
        raise Refused(sentence % {"setting": setting, "option": option})
    return int(getattr(settings, setting))
