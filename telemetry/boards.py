"""Which board speaks for which machine.

A query names no board, only `alive` does. A board that was reset calls itself machine 1 and would be let in by machine
1's rights at a laser, so a board that speaks where it may not belong is a conflict until staff has said what is right.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address
from typing import Any

from django.db import transaction

from machines.prepared import Prepared
from telemetry.models import Board
from telemetry.protocol import Alive

CLASH_WINDOW = timedelta(minutes=5)


class Heard(StrEnum):
    KNOWN = "known"
    NEW = "new"
    SWAPPED = "swapped"
    CONFLICT = "conflict"


_conflicts = Prepared(
    lambda machine_id: Board.objects.filter(conflict_machine_id=machine_id).order_by().values_list("id")[:1],
    machine_id=int,
)


def has_conflict(machine_id: int) -> bool:
    return bool(_conflicts.rows(machine_id=machine_id))


def hear(alive: Alive, now: datetime) -> Heard:
    """Notes who spoke; the machine has to exist."""
    with transaction.atomic(savepoint=False):
        board = _find(alive)
        heard = _judge(board, alive, now)
        _note(board, alive, now, heard)
        return heard


def settle_conflict(machine_id: int, board: Board) -> None:
    """Staff says which board belongs to the machine. The others stop claiming it until they speak there again."""
    with transaction.atomic():
        Board.objects.filter(conflict_machine_id=machine_id).update(conflict_machine=None, conflict_since=None)
        Board.objects.filter(machine_id=machine_id).exclude(pk=board.pk).update(machine=None)
        Board.objects.filter(pk=board.pk).update(machine_id=machine_id, conflict_machine=None, conflict_since=None)


def _find(alive: Alive) -> Board | None:
    if alive.serial:
        known = Board.objects.filter(serial=alive.serial).first()
        address = _address(alive)
        if known is not None or address is None:
            return known
        # A board that learned to tell its serial with a newer firmware is still the same board.
        return _without_serial(alive.machine_id, ip_address=address)
    return _without_serial(alive.machine_id)


def _without_serial(machine_id: int, **conditions: Any) -> Board | None:
    return Board.objects.filter(serial__isnull=True, machine_id=machine_id, **conditions).first()


def _judge(board: Board | None, alive: Alive, now: datetime) -> Heard:
    """By serial numbers only: an old firmware sends none, and then nobody can tell boards apart."""
    if not alive.serial:
        return Heard.NEW if board is None else Heard.KNOWN
    if board is not None and board.machine_id not in (None, alive.machine_id):
        return Heard.CONFLICT
    if board is not None and board.conflict_machine_id == alive.machine_id:
        return Heard.CONFLICT  # until staff has said what is right
    others = Board.objects.filter(machine_id=alive.machine_id, serial__isnull=False)
    if board is not None:
        others = others.exclude(pk=board.pk)
    if others.filter(last_seen_at__gt=now - CLASH_WINDOW).exists():
        return Heard.CONFLICT
    if board is not None and board.machine_id == alive.machine_id:
        return Heard.KNOWN
    return Heard.SWAPPED if others.exists() else Heard.NEW


def _note(board: Board | None, alive: Alive, now: datetime, heard: Heard) -> None:
    board = board or Board(first_seen_at=now)
    board.serial = alive.serial or board.serial
    board.ip_address = _address(alive)
    board.build, board.firmware = alive.build, alive.firmware
    board.free_heap = alive.free_heap
    board.last_seen_at = now
    if heard is Heard.CONFLICT:
        if board.conflict_machine_id != alive.machine_id:
            board.conflict_machine_id, board.conflict_since = alive.machine_id, now
    else:
        board.machine_id = alive.machine_id
        board.conflict_machine_id = board.conflict_since = None
    board.save()


def _address(alive: Alive) -> str | None:
    try:
        return str(ip_address(alive.ip_address))
    except ValueError:
        return None
