"""Hours for people, seconds for the database."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

SECONDS_PER_HOUR = 3600


def hours_and_minutes(seconds: int | None) -> str:
    if seconds is None:
        return "–"
    hours, rest = divmod(seconds, SECONDS_PER_HOUR)
    return f"{hours}:{rest // 60:02d} h"


class LastedField(forms.CharField):
    """How long something lasted, as a clock would show it; a timedelta for the program."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 12, "help_text": _("Hours and minutes, like 1:30."), **kwargs})
        self.widget.attrs.update({"size": "8", "inputmode": "text"})

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, timedelta):
            return value
        minutes, seconds = divmod(int(value.total_seconds()), 60)
        text = f"{minutes // 60}:{minutes % 60:02d}"
        return f"{text}:{seconds:02d}" if seconds else text

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)

    def clean(self, value: Any) -> timedelta | None:
        text = super().clean(value)
        if not text:
            return None
        found = re.fullmatch(r"([0-9]{1,5})[:.]([0-5][0-9])(?:[:.]([0-5][0-9]))?", text)
        if found is None:
            raise ValidationError(_("Write it like 1:30, for one hour and a half."), code="invalid")
        hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return timedelta(hours=hours, minutes=minutes, seconds=seconds)


class HoursField(forms.DecimalField):
    """Hours for people, seconds for the database; four decimals bring every second back."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 0, "max_digits": 12, "decimal_places": 4, **kwargs})
        self.widget.attrs["step"] = "any"

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, int):
            return value
        return (Decimal(value) / SECONDS_PER_HOUR).quantize(Decimal("0.0001")).normalize().__format__("f")

    def has_changed(self, initial: Any, data: Any) -> bool:
        before = self.prepare_value(initial)
        return super().has_changed(None if before is None else Decimal(before), data)

    def clean(self, value: Any) -> int | None:
        hours = super().clean(value)
        return None if hours is None else round(hours * SECONDS_PER_HOUR)
