"""Kinds of values: how each stands in a file, and what is understood of what people and spreadsheets make of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from django.utils import timezone
from django.utils.translation import get_language, gettext, override
from import_export.widgets import Widget

from members.uids import UID_DIGITS, is_reader_uid, normalise_uid

_TRUE = {"yes", "y", "true", "1", "x", "sì", "si", "s", "vero"}
_FALSE = {"no", "n", "false", "0", "falso"}
_TIME = r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?"
_ISO = re.compile(rf"(\d{{4}})-(\d{{1,2}})-(\d{{1,2}})(?:[T ]+{_TIME}\s*(Z|[+-]\d{{2}}:?\d{{2}})?)?")
_WRITTEN = re.compile(rf"(\d{{1,2}})([/.-])(\d{{1,2}})\2(\d{{4}})(?:[ ,T]+{_TIME})?")
_NUMBER_OF_EXCEL = re.compile(r"[+-]?\d+[.,]\d*(?:e[+-]?\d+)?|\d+e[+-]\d+", re.IGNORECASE)
# What is outside is a slip of the hand, and at its ends no clock can be set.
_YEARS = range(1970, 9000)
_BETWEEN_CARDS = re.compile(r"[,;|/\n]+")


class CellError(ValueError):
    """What is wrong with a cell, in words."""


class Number(float):
    """A cell of XLSX that holds a number, not text."""


class Moment(NamedTuple):
    """Files that a spreadsheet saved often have lost the seconds."""

    at: datetime
    has_seconds: bool = True

    @property
    def until(self) -> datetime:
        return self.at + (timedelta(seconds=1) if self.has_seconds else timedelta(minutes=1))

    def holds(self, other: datetime | None) -> bool:
        return other is not None and self.at <= other < self.until


class Text(Widget):
    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> Any:
        return value

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        return _text(value)


class Words(Text):
    """A choice, in the words that people read, in any language."""

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> Any:
        return None if value is None else str(value)


class Few(Text):
    """Of few values: each is put into words once in a file of a million rows."""


class Choice(Few):
    def __init__(self, choices: Any) -> None:
        super().__init__()
        self.choices = choices

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> Any:
        return str(dict(self.choices).get(value, value))


class YesNo(Few):
    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> Any:
        return None if value is None else gettext("yes") if value else gettext("no")

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> bool:
        word = _text(value).casefold()
        if word not in _TRUE | _FALSE:
            raise CellError(gettext("Write yes or no."))
        return word in _TRUE


class Whole(Text):
    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> int:
        try:
            number = Decimal(_text(value))
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or abs(number) > 10**12 or number != int(number):
            raise CellError(gettext("This is no whole number."))
        return int(number)


class Hours(Text):
    """Of seconds."""

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> Any:
        return None if value is None else round(value / 3600, 2)


class Day(Text):
    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> date:
        return _parsed(_text(value))[0].date()


class Time(Text):
    """On the lab's clock, with the offset where that clock showed the same hour twice."""

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> Any:
        if value is None:
            return None
        local = timezone.localtime(value, timezone.get_default_timezone()).replace(microsecond=0)
        return local.isoformat(" ") if _is_shown_twice(local) else local.replace(tzinfo=None)

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Moment:
        at, has_seconds = _parsed(_text(value))
        return Moment(at if timezone.is_aware(at) else _on_the_labs_clock(at), has_seconds)


class Cards(Text):
    """One or several card numbers in a cell."""

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> Any:
        return ", ".join(value) if value is not None else None

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> list[str]:
        if isinstance(value, Number):
            return [_card_of_number(value)]
        text = _text(value)
        parts = [part.strip() for part in _BETWEEN_CARDS.split(text)]
        if not all(is_reader_uid(part.lower()) for part in parts):
            _refuse_what_was_changed(text)
        return list(dict.fromkeys(_card(part) for part in parts if part))


class OneCard(Cards):
    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> Any:
        return value

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        cards = super().clean(value)
        if len(cards) != 1:
            raise CellError(gettext("Write one card number."))
        return cards[0]


def in_any_language(label: Any, languages: Iterable[str]) -> set[str]:
    found = set()
    for language in languages:
        with override(language):
            found.add(str(label).casefold())
    return found


# ---- cards -----------------------------------------------------------------------------------------------------------


def _refuse_what_was_changed(text: str) -> None:
    """Nothing is guessed of what a spreadsheet may have changed."""
    if _NUMBER_OF_EXCEL.fullmatch(text):
        raise CellError(_made_a_number(text))
    if _ISO.fullmatch(text) or _WRITTEN.fullmatch(text):
        raise CellError(gettext("“%(text)s” is a day: a spreadsheet may have changed a card number.") % {"text": text})


def _card(text: str) -> str:
    _refuse_what_was_changed(text)
    uid = normalise_uid(text)
    if is_reader_uid(uid):
        return uid
    if uid.isdigit() and len(uid) < UID_DIGITS:
        raise CellError(
            gettext("“%(text)s” is too short: a spreadsheet may have taken the zeros in front. Write all 8 digits.")
            % {"text": text}
        )
    raise CellError(
        gettext("“%(text)s” is no card number: these are 8 hexadecimal digits, like 0a1b2c3d.") % {"text": text}
    )


def _card_of_number(number: Number) -> str:
    """12340000 may have been 1234e004 before a spreadsheet saw a number in it."""
    text = _text(number)
    if not (text.isdigit() and len(text) == UID_DIGITS) or text.endswith("00"):
        raise CellError(_made_a_number(text))
    return text


def _made_a_number(text: str) -> str:
    return gettext(
        "“%(text)s” is a number: a spreadsheet may have changed a card number. Write it again, in a column of text."
    ) % {"text": text}


# ---- times -----------------------------------------------------------------------------------------------------------


def _parsed(text: str) -> tuple[datetime, bool]:
    """Naive, unless the text names its offset; and whether it named the seconds."""
    try:
        at, has_seconds = _read(text)
        if at.year in _YEARS:
            return at, has_seconds
    except ValueError:
        pass
    raise CellError(
        gettext("“%(text)s” is not understood. Write days like 2026-03-31, times like 2026-03-31 18:30.")
        % {"text": text[:40]}
    )


def _read(text: str) -> tuple[datetime, bool]:
    if found := _ISO.fullmatch(text):
        year, month, day, hour, minute, second, offset = found.groups()
        at = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
        zone = f"{at:%Y-%m-%dT%H:%M:%S}{offset}".replace("Z", "+00:00") if offset else ""
        return (datetime.fromisoformat(zone) if zone else at), second is not None or hour is None
    if found := _WRITTEN.fullmatch(text):
        first, sign, middle, year, hour, minute, second = found.groups()
        day, month = _day_and_month(int(first), int(middle), is_american=sign == "/" and _reads_english())
        at = datetime(int(year), month, day, int(hour or 0), int(minute or 0), int(second or 0))
        return at, second is not None or hour is None
    raise ValueError(text)


def _day_and_month(first: int, middle: int, *, is_american: bool) -> tuple[int, int]:
    """03/04 is the third of April for some of those who read English, and the fourth of March for others."""
    if not is_american or first > 12 or first == middle:
        return first, middle
    if middle > 12:
        return middle, first
    raise ValueError("ambiguous")


def _reads_english() -> bool:
    return (get_language() or "en").startswith("en")


def _on_the_labs_clock(naive: datetime) -> datetime:
    at = naive.replace(tzinfo=timezone.get_default_timezone())
    if at.astimezone(UTC).astimezone(at.tzinfo).replace(tzinfo=None) != naive:
        raise CellError(gettext("There was no such time: the clocks were put forward."))
    if _is_shown_twice(at):
        raise CellError(gettext("The clock showed this time twice that night: add the offset, like +02:00."))
    return at


def _is_shown_twice(local: datetime) -> bool:
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def _text(value: Any) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(float(value))
    return str(value).strip()
