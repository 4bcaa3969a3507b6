"""The table at the end, and the line now and then before it."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from telemetry.simulation.board import Board
from telemetry.simulation.tally import ActionTally, Tally, sum_of


def progress(boards: Sequence[Board], seconds: float) -> str:
    whole = sum_of(board.tally for board in boards)
    total = whole.total()
    return _(
        "After {seconds} s: {online} of {boards} boards online, {busy} in use; "
        "{sent} sent, {answered} answered, {unanswered} unanswered"
    ).format(
        seconds=round(seconds),
        online=sum(board.is_online for board in boards),
        boards=len(boards),
        busy=sum(board.use is not None for board in boards),
        sent=total.sent,
        answered=total.answered,
        unanswered=total.unanswered,
    )


def summary(boards: Sequence[Board]) -> str:
    whole = sum_of(board.tally for board in boards)
    rows = [_heading()]
    rows += [_row(action, whole.actions[action]) for action in sorted(whole.actions)]
    rows.append(_row(_("all"), whole.total()))
    return "\n".join([*_aligned(rows), "", *_closing(boards, whole)])


def _heading() -> list[str]:
    return [
        _("action"),
        _("sent"),
        _("answered"),
        _("unanswered"),
        _("lost"),
        _("late"),
        _("over-long"),
        _("replayed"),
        _("p50 ms"),
        _("p99 ms"),
    ]


def _row(name: str, tally: ActionTally) -> list[str]:
    counts = (
        tally.sent,
        tally.answered,
        tally.unanswered,
        tally.lost,
        tally.late,
        tally.over_long,
        tally.replayed,
    )
    return [name, *map(str, counts), _ms(tally.percentile_ms(50)), _ms(tally.percentile_ms(99))]


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]


def _closing(boards: Sequence[Board], whole: Tally) -> list[str]:
    return [
        _("Let in: {let_in}, refused: {refused}; uses ended: {stops}, {seconds} s together").format(
            let_in=whole.let_in, refused=whole.refused, stops=whole.stops, seconds=whole.seconds_used
        ),
        _("Still in use: {busy}; messages still kept by boards: {kept}, dropped from full buffers: {forgotten}").format(
            busy=sum(board.use is not None for board in boards),
            kept=sum(len(board.talk.kept) for board in boards),
            forgotten=whole.forgotten,
        ),
        _("Connections: {connections}, power cuts: {cuts}").format(
            connections=whole.connections, cuts=whole.power_cuts
        ),
    ]
