"""Which board speaks for which machine.

A query names no board, only `alive` does. A board that was reset calls itself machine 1 and would be let in by machine
1's rights at a laser, so a board that speaks where it may not belong is a conflict until staff has said what is right.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Q, QuerySet

from machines.models import Machine
from machines.prepared import Prepared, PreparedInsert, PreparedUpdate
from telemetry.models import Board
from telemetry.protocol import Alive

CLASH_WINDOW = timedelta(minutes=5)


class Heard(StrEnum):
    KNOWN = "known"
    NEW = "new"
    SWAPPED = "swapped"
    CONFLICT = "conflict"


class Known(NamedTuple):
    """A board as it is stored."""

    id: int
    serial: str | None
    machine_id: int | None
    conflict_machine_id: int | None
    last_seen_at: datetime


class Conflict(NamedTuple):
    """One machine, and all boards that speak for it."""

    machine: Machine
    boards: list[Board]
    since: datetime | None


def has_conflict(machine_id: int) -> bool:
    return bool(_conflicts.rows(machine_id=machine_id))


def hear(alive: Alive, now: datetime) -> Heard:
    """Notes who spoke; the machine has to exist."""
    with transaction.atomic(savepoint=False):
        board = _find(alive)
        heard = _judge(board, alive, now)
        _note(board, alive, now, heard)
        return heard


def conflicts() -> list[Conflict]:
    """For staff. The board that was there before stands first."""
    claims = Board.objects.filter(conflict_machine__isnull=False)
    boards = list(
        Board.objects.filter(Q(conflict_machine__isnull=False) | Q(machine__in=claims.values("conflict_machine")))
        .select_related("machine", "conflict_machine")
        .order_by("conflict_since", "pk")
    )
    places = {board.conflict_machine_id: board.conflict_machine for board in boards if board.conflict_machine}
    found = []
    for machine_id, machine in places.items():
        known = [board for board in boards if board.machine_id == machine_id != board.conflict_machine_id]
        there_before = sorted(known, key=lambda board: board.last_seen_at)[-1:]
        newcomers = [board for board in boards if board.conflict_machine_id == machine_id]
        found.append(Conflict(machine, [*there_before, *newcomers], newcomers[0].conflict_since))
    return found


def at_work(boards: Iterable[tuple[int, int | None, datetime]]) -> set[int]:
    """Of (id, machine, last seen): of each machine the one that was heard last. Others were replaced, or wait."""
    latest: dict[int, tuple[datetime, int]] = {}
    for pk, machine_id, last_seen_at in boards:
        if machine_id is not None:
            latest[machine_id] = max(latest.get(machine_id, (last_seen_at, pk)), (last_seen_at, pk))
    return {pk for _last_seen_at, pk in latest.values()}


def is_news(alive: Alive, now: datetime) -> bool:
    """Whether this may change who speaks for the machine; writes nothing."""
    return _judge(_find(alive), alive, now) is not Heard.KNOWN


def settle_conflict(machine_id: int, board: Board) -> None:
    """Staff says which board belongs to the machine. The others stop claiming it until they speak there again."""
    with transaction.atomic():
        Board.objects.filter(conflict_machine_id=machine_id).update(conflict_machine=None, conflict_since=None)
        Board.objects.filter(machine_id=machine_id).exclude(pk=board.pk).update(machine=None)
        Board.objects.filter(pk=board.pk).update(machine_id=machine_id, conflict_machine=None, conflict_since=None)


def _find(alive: Alive) -> Known | None:
    if not alive.serial:
        return _first(_without_serial.first(machine_id=alive.machine_id))
    known = _first(_by_serial.first(serial=alive.serial))
    if known is not None:
        return known
    # A board that learned to tell its serial with a newer firmware is still the same board.
    older, address = _first(_without_serial.first(machine_id=alive.machine_id)), _address(alive)
    if older is None or address is None or not Board.objects.filter(pk=older.id, ip_address=address).exists():
        return None
    return older


def _judge(board: Known | None, alive: Alive, now: datetime) -> Heard:
    """By serial numbers only: an old firmware sends none, and then nobody can tell boards apart."""
    if not alive.serial:
        return Heard.NEW if board is None else Heard.KNOWN
    if board is not None and board.machine_id not in (None, alive.machine_id):
        return Heard.CONFLICT
    if board is not None and board.conflict_machine_id == alive.machine_id:
        return Heard.CONFLICT  # until staff has said what is right
    others = [
        other
        for row in _of_machine.rows(machine_id=alive.machine_id)
        if (other := Known._make(row)).serial and (board is None or other.id != board.id)
    ]
    if any(now - other.last_seen_at < CLASH_WINDOW for other in others):
        return Heard.CONFLICT
    if board is not None and board.machine_id == alive.machine_id:
        return Heard.KNOWN
    return Heard.SWAPPED if others else Heard.NEW


def _note(board: Known | None, alive: Alive, now: datetime, heard: Heard) -> None:
    facts = {
        "serial": alive.serial or (board.serial if board else None),
        "ip_address": _address(alive),
        "build": alive.build,
        "firmware": alive.firmware,
        "free_heap": alive.free_heap,
        "last_seen_at": now,
    }
    if board is None:
        _insert.run(first_seen_at=now, **facts, **_place_of(board, alive, now, heard))
        return
    _facts.run(board.id, **facts)
    is_still_in_conflict = heard is Heard.CONFLICT and board.conflict_machine_id == alive.machine_id
    is_where_it_was = heard is Heard.KNOWN and board.conflict_machine_id is None
    if not is_still_in_conflict and not is_where_it_was:
        _place.run(board.id, **_place_of(board, alive, now, heard))


def _place_of(board: Known | None, alive: Alive, now: datetime, heard: Heard) -> dict[str, Any]:
    if heard is Heard.CONFLICT:
        known_at = board.machine_id if board is not None else None
        return {"machine": known_at, "conflict_machine": alive.machine_id, "conflict_since": now}
    return {"machine": alive.machine_id, "conflict_machine": None, "conflict_since": None}


def _address(alive: Alive) -> str | None:
    try:
        return str(ip_address(alive.ip_address))
    except ValueError:
        return None


# ---- statements ------------------------------------------------------------------------------------------------------


def _boards(**conditions: Any) -> QuerySet[Board, Any]:
    return Board.objects.filter(**conditions).order_by("id").values_list(*Known._fields)


def _first(row: Any) -> Known | None:
    return None if row is None else Known._make(row)


_conflicts = Prepared(lambda machine_id: _boards(conflict_machine_id=machine_id).order_by()[:1], machine_id=int)
_by_serial = Prepared(lambda serial: _boards(serial=serial), serial=str)
_of_machine = Prepared(lambda machine_id: _boards(machine_id=machine_id), machine_id=int)
_without_serial = Prepared(lambda machine_id: _boards(machine_id=machine_id, serial__isnull=True), machine_id=int)
_FACTS = ("serial", "ip_address", "build", "firmware", "free_heap", "last_seen_at")
_PLACE = ("machine", "conflict_machine", "conflict_since")
_facts = PreparedUpdate(Board, *_FACTS)
_place = PreparedUpdate(Board, *_PLACE)
_insert = PreparedInsert(Board, "first_seen_at", *_FACTS, *_PLACE)
