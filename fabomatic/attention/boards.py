"""Boards that speak where they may not belong, and those with an older firmware than the others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabomatic.attention.box import Box, Line, may_list
from telemetry.boards import at_work
from telemetry.firmware import behind
from telemetry.models import Board


class _Board(NamedTuple):
    id: int
    serial: str | None
    firmware: str
    build: str
    machine_id: int | None
    machine__name: str | None
    conflict_machine_id: int | None
    conflict_machine__name: str | None
    last_seen_at: datetime

    @property
    def name(self) -> str:
        return self.serial or _("board without serial number")


def board_boxes(user: Any) -> Iterator[Box]:
    if not may_list(user, "telemetry.board"):
        return
    boards = [_Board._make(row) for row in Board.objects.order_by("id").values_list(*_Board._fields)]
    working = at_work((board.id, board.machine_id, board.last_seen_at) for board in boards)
    yield _in_conflict(boards, working)
    yield _behind(boards, working)


def _in_conflict(boards: list[_Board], working: set[int]) -> Box:
    """By machine: each has one question to answer."""
    places = {board.conflict_machine_id: board.conflict_machine__name for board in boards if board.conflict_machine_id}
    lines = []
    for number, name in places.items():
        claimants = [board.name for board in boards if board.conflict_machine_id == number]
        claimants[:0] = [board.name for board in boards if board.machine_id == number and board.id in working]
        detail = _("which board belongs here: %(boards)s?") % {"boards": ", ".join(claimants)}
        lines.append(Line(f"{name} ({number})", detail))
    count = len(lines)
    title = ngettext(
        "%(count)d machine refuses everybody: several boards speak for it",
        "%(count)d machines refuse everybody: several boards speak for each",
        count,
    )
    return Box("conflict", title % {"count": count}, count, _list("conflict"), lines)


def _behind(boards: list[_Board], working: set[int]) -> Box:
    """A board in a drawer is nobody's business."""
    late = behind((board, board.firmware, board.build) for board in boards)
    at_work = [board for board in boards if board in late and board.id in working]
    lines = [
        Line(
            f"{board.machine__name} ({board.machine_id})",
            f"{board.name}, {board.firmware or board.build}",
            reverse("admin:telemetry_board_change", args=[board.id]),
        )
        for board in at_work
    ]
    count = len(lines)
    title = ngettext("%(count)d board runs an older firmware", "%(count)d boards run an older firmware", count)
    return Box("behind", title % {"count": count}, count, _list("behind"), lines)


def _list(state: str) -> str:
    return f"{reverse('admin:telemetry_board_changelist')}?state={state}"
