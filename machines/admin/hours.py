"""Hours for people, seconds for the database."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

SECONDS_PER_HOUR = 3600


def hours_and_minutes(seconds: int | None) -> str:
    if seconds is None:
        return "–"
    hours, rest = divmod(seconds, SECONDS_PER_HOUR)
    return f"{hours}:{rest // 60:02d} h"


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
