"""What staff has to look after today, for the home page of the administration.

As many queries however large the lab is, and none of them reads the history. Nobody is told of what they may not list,
and names of people are for those who may see members.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fabomatic.attention.boards import board_boxes
from fabomatic.attention.box import Box
from fabomatic.attention.jobs import job_boxes
from fabomatic.attention.machines import machine_boxes
from fabomatic.attention.mails import mail_boxes
from fabomatic.attention.people import card_boxes, ending_boxes

__all__ = ["Box", "boxes_for"]


def boxes_for(user: Any, now: datetime) -> list[Box]:
    """Those with something in them, the most pressing first."""
    boxes = (
        *board_boxes(user),
        *card_boxes(user, now),
        *machine_boxes(user, now),
        *job_boxes(user, now),
        *mail_boxes(user, now),
        *ending_boxes(user, now),
    )
    ordered = sorted(boxes, key=lambda box: _ORDER.index(box.kind))
    return [box for box in ordered if box.count]


_ORDER = ("conflict", "unknown", "due", "blocked", "jobs", "mails", "silent", "rights", "memberships", "behind")
