"""Boards, taps and screens in the admin."""

from telemetry.admin import boards, machines, screens, taps

__all__ = ["boards", "machines", "screens", "taps"]
