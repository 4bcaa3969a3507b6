"""Uses under any sequence of messages, and a board that tells the truth over a bad network.

The first part throws anything at `machines.usage` and looks at what has to hold always. The second part simulates a
board as protocol.md describes it, and compares what is stored with what happened.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from machines import usage
from machines.models import Machine, Use
from machines.usage import Who
from tests.conftest import NOW

pytestmark = pytest.mark.django_db

CARDS = ("0a1b2c3d", "b1b1b1b1")
MINUTE, HOUR = 60, 3600


class rolled_back:
    """A transaction that leaves nothing behind, for one example."""

    def __enter__(self):
        self._atomic = transaction.atomic()
        self._atomic.__enter__()

    def __exit__(self, *error):
        transaction.set_rollback(True)
        self._atomic.__exit__(*error)


# ---- any sequence ----------------------------------------------------------------------------------------------------

cards = st.sampled_from(CARDS)
replays = st.booleans()
durations = st.sampled_from([0, 1, 4, 6, 30, 60, 600, HOUR, 2 * HOUR, 40 * HOUR, 30 * 24 * HOUR]) | st.integers(0, 9000)
indexes = st.integers(0, 30)
messages = st.one_of(
    st.tuples(st.just("start"), cards, replays),
    st.tuples(st.just("inuse"), cards, durations),
    st.tuples(st.just("stop"), cards, durations, replays),
    st.tuples(st.just("close_lost")),
    st.tuples(st.just("staff_adds"), durations),
    st.tuples(st.just("staff_changes"), indexes, durations),
    st.tuples(st.just("staff_notes"), indexes),
    st.tuples(st.just("staff_closes")),
    st.tuples(st.just("staff_deletes"), indexes),
)
forward = st.sampled_from([0, 0.4, 1, 4, 5, 6, 30, 59, 60, 600, HOUR - 1, HOUR, HOUR + 1, 2 * HOUR, 25 * HOUR])
backward = st.sampled_from([-1, -4, -60, -HOUR, -10 * HOUR])


class Lab:
    """Machine 7, its board and its staff, at a moment that moves."""

    def __init__(self):
        self.now = self.latest = NOW

    def move(self, seconds):
        self.now += timedelta(seconds=seconds)
        self.latest = max(self.latest, self.now)

    def do(self, name, *arguments):
        getattr(self, name)(*arguments)

    def start(self, card, is_replay):
        usage.start(7, Who(card), self.now, is_replay=is_replay)

    def inuse(self, card, duration):
        usage.sign_of_life(7, Who(card), duration, self.now)

    def stop(self, card, duration, is_replay):
        usage.stop(7, Who(card), duration, self.now, is_replay=is_replay)

    def close_lost(self):
        usage.close_lost(self.now)

    def staff_adds(self, duration):
        started_at = self.now - timedelta(seconds=duration)
        Use.objects.create(machine_id=7, started_at=started_at, ended_at=self.now)

    def staff_changes(self, index, duration):
        if use := self._some(index):
            use.ended_at = min(self.now, use.started_at + timedelta(seconds=duration))
            use.started_at = min(use.started_at, use.ended_at)
            use.save()

    def staff_notes(self, index):
        if use := self._some(index):
            use.note = "Seen."
            use.save(update_fields=["note"])

    def staff_closes(self):
        for use in Use.objects.filter(ended_at__isnull=True):
            use.ended_at = self.now
            use.started_at = min(use.started_at, use.ended_at)
            use.save()

    def staff_deletes(self, index):
        if use := self._some(index):
            use.delete()

    def _some(self, index):
        uses = list(Use.objects.order_by("pk"))
        return uses[index % len(uses)] if uses else None


def check(latest):
    machine = Machine.objects.get(pk=7)
    uses = list(Use.objects.all())
    assert sum(use.ended_at is None for use in uses) <= 1, "two running uses"
    assert machine.seconds_used == machine.initial_seconds + sum(use.duration or 0 for use in uses), "wrong odometer"
    for use in uses:
        assert use.started_at <= use.last_seen_at, "seen before it began"
        assert use.started_at <= latest, "began in the future"
        if use.ended_at is not None:
            assert use.ended_at <= latest, "ends in the future"
            assert timedelta(seconds=use.duration) == use.ended_at - use.started_at, "duration is not end minus start"


@pytest.fixture
def used_laser(laser):
    """Some hours before the first use here: an odometer that begins at zero would hide some mistakes."""
    laser.initial_seconds = 5000
    laser.save()
    return laser


@given(st.lists(st.tuples(forward, messages), max_size=14))
@settings(max_examples=150)
def test_any_sequence_keeps_the_invariants(used_laser, steps):
    with rolled_back():
        lab = Lab()
        for seconds, message in steps:
            lab.move(seconds)
            lab.do(*message)
            check(lab.now)


@given(st.lists(st.tuples(forward | backward, messages), max_size=14))
@settings(max_examples=100)
def test_any_sequence_keeps_the_invariants_while_the_clock_is_set_back(used_laser, steps):
    with rolled_back():
        lab = Lab()
        for seconds, message in steps:
            lab.move(seconds)
            lab.do(*message)
            check(lab.latest)


# ---- a board that tells the truth ------------------------------------------------------------------------------------


@dataclass
class TruthfulBoard:
    """One use after another; what cannot be told at once is kept and told in order, before anything newer.

    `mishaps` says what becomes of each message on its way: "ok"; "reply lost": recorded, and kept by the board;
    "not sent": kept; "kept twice": the firmware buffered it when publishing failed, and again when reconnecting did;
    "vanished": gone, and the board believes it was answered.
    """

    mishaps: Any
    time: float = 0.0
    is_online: bool = True
    buffer: deque = field(default_factory=deque)
    user: str | None = None
    began: float = 0.0
    clock_error: float = 0.0
    happened: list = field(default_factory=list)

    # ---- what people and the network do

    def wait(self, seconds):
        """Meanwhile the board reports twice, where it can, and the worker looks for lost uses."""
        for part in (min(seconds, 30), seconds - min(seconds, 30)):
            self.time += part
            if part > 29:
                self.report()
        usage.close_lost(self._now)

    def tap(self, card):
        if self.user is None:
            self.user, self.began = card, self.time
            self._tell("start", card, 0)
        elif self.user == card:
            self._end()

    def report(self):
        if self.user is not None and self.is_online and not self.buffer:
            usage.sign_of_life(7, Who(self.user), self._lasted, self._now)

    def disconnect(self):
        self.is_online = False

    def connect(self):
        self.is_online = True
        while self.buffer and self.is_online:
            kind, card, duration = self.buffer[0]
            mishap = next(self.mishaps)
            if mishap in ("ok", "reply lost"):
                self._deliver(kind, card, duration, is_replay=True)
            if mishap in ("ok", "vanished"):
                self.buffer.popleft()
            else:
                self.is_online = False
            self.time += 0.3

    def set_servers_clock(self, seconds):
        """A Pi without a clock of its own learns the time from the network."""
        self.clock_error += seconds

    def finish(self):
        self.mishaps = iter(lambda: "ok", None)
        if self.user is not None:
            self._end()
        self.connect()

    # ---- what the firmware does

    def _end(self):
        self.happened.append((self.user, self._lasted))
        card, self.user = self.user, None
        self._tell("stop", card, self.happened[-1][1])

    def _tell(self, kind, card, duration):
        if not self.is_online or self.buffer:
            self.buffer.append((kind, card, duration))
            return
        mishap = next(self.mishaps)
        if mishap in ("ok", "reply lost"):
            self._deliver(kind, card, duration, is_replay=False)
        if mishap in ("ok", "vanished"):
            return
        self.is_online = False
        self.buffer.extend([(kind, card, duration)] * (2 if mishap == "kept twice" else 1))

    def _deliver(self, kind, card, duration, *, is_replay):
        if kind == "start":
            usage.start(7, Who(card), self._now, is_replay=is_replay)
        else:
            usage.stop(7, Who(card), duration, self._now, is_replay=is_replay)

    @property
    def _lasted(self):
        return int(self.time - self.began)

    @property
    def _now(self):
        return NOW + timedelta(seconds=self.time + self.clock_error)


waits = st.sampled_from([1, 2, 5, 6, 29.6, 30, 60, 60, 600, 1800, HOUR - 1, HOUR, HOUR + 1, 2 * HOUR, 12 * HOUR])
taps = st.tuples(st.just("tap"), st.sampled_from([CARDS[0], *CARDS]))
network = st.sampled_from([("disconnect",), ("connect",)])
clocks = st.tuples(st.just("set_servers_clock"), st.sampled_from([20, 600, 2 * HOUR, 1000 * HOUR]))
days = st.lists(st.tuples(waits, taps | network), max_size=18)
days_with_clocks = st.lists(st.tuples(waits, taps | network | clocks), max_size=18)
mishaps = st.lists(st.sampled_from(["ok", "ok", "reply lost", "not sent", "kept twice"]), max_size=20)


def stored():
    """Uses by card and duration. One that lasted no second is none: its start and its stop may both be dropped."""
    return Counter(Use.objects.exclude(duration=0).values_list("card_uid", "duration"))


def live_through(day, fates):
    def fate():
        yield from fates
        while True:
            yield "ok"

    board = TruthfulBoard(fate())
    for seconds, (deed, *arguments) in day:
        board.wait(seconds)
        getattr(board, deed)(*arguments)
        check(board._now)
    board.wait(1)
    board.finish()
    check(board._now)
    assert not board.buffer
    assert stored() == Counter(use for use in board.happened if use[1] > 0)
    assert Machine.objects.get(pk=7).seconds_used == 5000 + sum(lasted for _card, lasted in board.happened)


@given(days, mishaps)
@settings(max_examples=500)
def test_every_true_use_is_counted_once_with_its_duration(used_laser, day, fates):
    with rolled_back():
        live_through(day, fates)


@given(days_with_clocks, mishaps)
@settings(max_examples=150)
def test_every_true_use_is_counted_once_while_the_servers_clock_is_set(used_laser, day, fates):
    with rolled_back():
        live_through(day, fates)
