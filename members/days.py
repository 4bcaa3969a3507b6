"""A day of the lab, wherever whoever asks is."""

from __future__ import annotations

from datetime import date

from django.utils import timezone


def today_here() -> date:
    return timezone.localdate(timezone=timezone.get_default_timezone())
