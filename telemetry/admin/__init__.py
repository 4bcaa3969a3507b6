"""Boards, taps and screens in the admin."""

from telemetry import exchange
from telemetry.admin import boards, machines, members, plans, screens, taps

__all__ = ["boards", "exchange", "machines", "members", "plans", "screens", "taps"]
