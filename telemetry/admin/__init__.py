"""Boards, taps and screens in the admin."""

from telemetry.admin import boards, machines, members, screens, taps

__all__ = ["boards", "machines", "members", "screens", "taps"]
