"""Boards, taps and screens in the admin."""

from telemetry.admin import boards, screens, taps

__all__ = ["boards", "screens", "taps"]
