"""Start, sign of life, stop: what boards report becomes uses, each thing that happened once.

Boards repeat themselves and carry no times, so each message is matched with what is already known. *running* is the
machine's use without an end; *last* its latest closed one; *seen* how far a use's signs of life reach; *ours* a use
that we closed for want of a sign of life, not the board.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext

from machines.models import EndReason, Machine, Use, whole_second
from machines.prepared import Prepared, PreparedInsert, PreparedUpdate

TOLERANCE = timedelta(seconds=5)
LOST_AFTER = timedelta(hours=1)
# A buffer holds 40 messages; a board that loses power after replaying them needs a while to boot and connect.
BURST_WINDOW = timedelta(minutes=10)
BURST_LENGTH = 20


class Recorded(StrEnum):
    NEW = "new"
    KNOWN = "known"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Who:
    """The card as tapped, the member it belongs to, and what staff should read about it."""

    uid: str
    member_id: int | None = None
    note: str = ""


class Known(NamedTuple):
    """A use as it is stored."""

    id: int
    machine_id: int
    card_uid: str
    started_at: datetime
    last_seen_at: datetime
    ended_at: datetime | None
    duration: int | None
    end_reason: str
    is_replay: bool
    recorded_at: datetime

    @property
    def seen(self) -> timedelta:
        return self.last_seen_at - self.started_at

    @property
    def is_ours(self) -> bool:
        return self.end_reason == EndReason.LOST


def start(machine_id: int, who: Who, now: datetime, *, is_replay: bool = False) -> Recorded:
    now = whole_second(now)
    with _writing(machine_id):
        running = _running(machine_id)
        if running is not None and running.card_uid == who.uid and (is_replay or _is_near(now, running.started_at)):
            return Recorded.KNOWN
        last = _last(machine_id) if is_replay else None
        if last is not None and last.card_uid == who.uid and last.is_ours and not last.seen:
            _supersede(running, now)
            _run_again(last)
            return Recorded.KNOWN
        _supersede(running, now)
        _begin(machine_id, who, now, started_at=now, is_replay=is_replay)
        return Recorded.NEW


def sign_of_life(machine_id: int, who: Who, duration: int, now: datetime) -> Recorded:
    """The board says that this card has been in use for `duration` seconds."""
    now, lasted = whole_second(now), timedelta(seconds=duration)
    with _writing(machine_id):
        running = _running(machine_id)
        use = _matching(running, machine_id, who.uid, lasted, now)
        if use is None:
            _supersede(running, now)
            _begin(machine_id, who, now, started_at=now - lasted, is_replay=True)
            return Recorded.NEW
        if use is not running:
            _supersede(running, now)
            _run_again(use)
        # Its start follows the board's count: our clock may have been set, and two clocks drift over a print of days.
        is_moved = not _is_near(now - lasted, use.started_at)
        if is_moved:
            _move.run(use.id, started_at=now - lasted, last_seen_at=now, is_replay=True)
        else:  # the most frequent message of all touches no index of starts
            _sign.run(use.id, last_seen_at=use.started_at + lasted)
        return Recorded.KNOWN


def stop(machine_id: int, who: Who, duration: int, now: datetime, *, is_replay: bool = False) -> Recorded:
    """The board says that this card's use has ended after `duration` seconds."""
    now, lasted = whole_second(now), timedelta(seconds=duration)
    with _writing(machine_id):
        running = _running(machine_id)
        if duration == 0 and running is None:
            return Recorded.NOTHING
        use = _matching(running, machine_id, who.uid, lasted, now)
        if use is not None:
            _stop(use, lasted, now, is_replay=is_replay)
            return Recorded.KNOWN
        if _is_repeated(machine_id, who.uid, lasted, now, is_replay=is_replay):
            return Recorded.KNOWN
        _supersede(running, now)
        # A stop has its start before it; one without that comes again exactly as it came before was sent twice.
        is_burst = is_replay and _has_come_before(machine_id, who.uid, lasted, since=None)
        _record(machine_id, who, lasted, now, note=_with_burst_note(who.note) if is_burst else who.note)
        return Recorded.NEW


def close_lost(now: datetime) -> list[int]:
    """Ends running uses without a sign of life for an hour; returns their machines."""
    silent = Use.objects.filter(ended_at__isnull=True, last_seen_at__lte=now - LOST_AFTER)
    closed = []
    for machine_id in list(silent.order_by().values_list("machine_id", flat=True)):
        with _writing(machine_id):
            running = _running(machine_id)
            if running is not None and running.last_seen_at <= now - LOST_AFTER:
                _close(running, now, EndReason.LOST)
                closed.append(machine_id)
    return closed


# ---- matching --------------------------------------------------------------------------------------------------------


def _matching(running: Known | None, machine_id: int, uid: str, lasted: timedelta, now: datetime) -> Known | None:
    """The use that a message about `lasted` seconds of this card belongs to."""
    if running is not None and running.card_uid == uid:
        return running if lasted >= running.seen - TOLERANCE else None
    last = _last(machine_id)
    if last is None or last.card_uid != uid or lasted < last.seen - TOLERANCE:
        return None
    # Staff may end a use while the machine runs on: it began when the board says that it began.
    is_ended_by_staff = last.end_reason == EndReason.STAFF and _is_near(now - lasted, last.started_at)
    return last if last.is_ours or is_ended_by_staff else None


def _is_repeated(machine_id: int, uid: str, lasted: timedelta, now: datetime, *, is_replay: bool) -> bool:
    """Nobody can have used a machine for an hour again within that hour."""
    row = _last_stop_query.first(machine_id=machine_id)
    if row is None:
        return False
    use = Known._make(row)
    if use.ended_at is None or use.card_uid != uid or use.duration != lasted // timedelta(seconds=1):
        return False
    return is_replay or now - use.ended_at < lasted


def _has_come_before(machine_id: int, uid: str, lasted: timedelta, *, since: datetime | None) -> bool:
    """A board that loses power soon after replaying sends its whole buffer again; only staff can tell."""
    seconds = lasted // timedelta(seconds=1)
    if not seconds:
        return False
    row = _same_replay_query.first(machine_id=machine_id, uid=uid, seconds=seconds)
    return row is not None and (since is None or row[0] > since)


def _with_burst_note(note: str) -> str:
    return f"{note} {gettext('The board may have sent this use twice after a power cut.')}".strip()


def _is_near(one: datetime, other: datetime) -> bool:
    return abs(one - other) <= TOLERANCE


# ---- writing ---------------------------------------------------------------------------------------------------------


@contextmanager
def _writing(machine_id: int) -> Iterator[None]:
    """One transaction (the worker's, where it has one open), with the machine's row locked where a database can."""
    with transaction.atomic(savepoint=False):
        if connection.features.has_select_for_update:
            _lock.rows(machine_id=machine_id)
        yield


def _begin(machine_id: int, who: Who, now: datetime, *, started_at: datetime, is_replay: bool) -> None:
    _insert.run(
        machine=machine_id,
        member=who.member_id,
        card_uid=who.uid,
        started_at=started_at,
        last_seen_at=now,
        ended_at=None,
        duration=None,
        end_reason="",
        is_replay=is_replay,
        recorded_at=now,
        note=who.note[:200],
    )


def _record(machine_id: int, who: Who, lasted: timedelta, now: datetime, *, note: str) -> None:
    """A use of which only the end was heard."""
    seconds = lasted // timedelta(seconds=1)
    _insert.run(
        machine=machine_id,
        member=who.member_id,
        card_uid=who.uid,
        started_at=now - lasted,
        last_seen_at=now,
        ended_at=now,
        duration=seconds,
        end_reason=EndReason.STOP.value,
        is_replay=True,
        recorded_at=now,
        note=note[:200],
    )
    _add_to_odometer(machine_id, seconds)


def _stop(use: Known, lasted: timedelta, now: datetime, *, is_replay: bool) -> None:
    ended_at = min(now, use.started_at + lasted)
    started_at = ended_at - lasted
    seconds = lasted // timedelta(seconds=1)
    # Asked before this use is a stop itself.
    is_burst = (
        is_replay and use.is_replay and _has_come_before(use.machine_id, use.card_uid, lasted, since=now - BURST_WINDOW)
    )
    _end.run(
        use.id,
        started_at=started_at,
        last_seen_at=max(started_at, min(use.last_seen_at, ended_at)),
        ended_at=ended_at,
        duration=seconds,
        end_reason=EndReason.STOP.value,
        is_replay=use.is_replay or is_replay or started_at < use.started_at - TOLERANCE,
    )
    _add_to_odometer(use.machine_id, seconds - (use.duration or 0))
    if is_burst:
        note = Use.objects.values_list("note", flat=True).get(pk=use.id)
        _set_note.run(use.id, note=_with_burst_note(note)[:200])


def _supersede(running: Known | None, now: datetime) -> None:
    if running is not None:
        _close(running, now, EndReason.SUPERSEDED)


def _close(running: Known, now: datetime, reason: EndReason) -> None:
    """At its last sign of life; a clock that was set back must not put the end into the future."""
    ended_at = min(running.last_seen_at, now)
    started_at = min(running.started_at, ended_at)
    seconds = (ended_at - started_at) // timedelta(seconds=1)
    _end.run(
        running.id,
        started_at=started_at,
        last_seen_at=ended_at,
        ended_at=ended_at,
        duration=seconds,
        end_reason=reason.value,
        is_replay=running.is_replay,
    )
    _add_to_odometer(running.machine_id, seconds)


def _run_again(use: Known) -> None:
    _end.run(
        use.id,
        started_at=use.started_at,
        last_seen_at=use.last_seen_at,
        ended_at=None,
        duration=None,
        end_reason="",
        is_replay=use.is_replay,
    )
    _add_to_odometer(use.machine_id, -(use.duration or 0))


def _add_to_odometer(machine_id: int, seconds: int) -> None:
    if seconds:
        _odometer.run(machine_id, seconds_used=seconds)


_insert = PreparedInsert(
    Use,
    *("machine", "member", "card_uid", "started_at", "last_seen_at", "ended_at", "duration", "end_reason"),
    *("is_replay", "recorded_at", "note"),
)
_end = PreparedUpdate(Use, "started_at", "last_seen_at", "ended_at", "duration", "end_reason", "is_replay")
_move = PreparedUpdate(Use, "started_at", "last_seen_at", "is_replay")
_sign = PreparedUpdate(Use, "last_seen_at")
_set_note = PreparedUpdate(Use, "note")
_odometer = PreparedUpdate(Machine, add=("seconds_used",))


# ---- reading ---------------------------------------------------------------------------------------------------------


def _known(**conditions: Any) -> QuerySet[Use, Any]:
    return Use.objects.filter(**conditions).order_by("-ended_at", "-id").values_list(*Known._fields)


def _same_replay(machine_id: int, uid: str, seconds: int) -> QuerySet[Use, Any]:
    """Among the machine's last stops, as many as a buffer holds: never in its whole history."""
    last_stops = Use.objects.filter(machine_id=machine_id, ended_at__isnull=False, end_reason=EndReason.STOP)
    last_ids = last_stops.order_by("-ended_at", "-id").values("id")[:BURST_LENGTH]
    same = Use.objects.filter(pk__in=last_ids, card_uid=uid, duration=seconds, is_replay=True)
    return same.order_by("-recorded_at").values_list("recorded_at")[:1]


_running_query = Prepared(lambda machine_id: _known(machine_id=machine_id, ended_at__isnull=True), machine_id=int)
_last_query = Prepared(lambda machine_id: _known(machine_id=machine_id, ended_at__isnull=False)[:1], machine_id=int)
_same_replay_query = Prepared(_same_replay, machine_id=int, uid=str, seconds=int)
_last_stop_query = Prepared(
    lambda machine_id: _known(machine_id=machine_id, ended_at__isnull=False, end_reason=EndReason.STOP)[:1],
    machine_id=int,
)
_lock = Prepared(
    lambda machine_id: (
        Machine.objects.select_for_update(no_key=True).filter(pk=machine_id).order_by().values_list("id")
    ),
    machine_id=int,
)


def _running(machine_id: int) -> Known | None:
    row = _running_query.first(machine_id=machine_id)
    return None if row is None else Known._make(row)


def _last(machine_id: int) -> Known | None:
    row = _last_query.first(machine_id=machine_id)
    return None if row is None else Known._make(row)
