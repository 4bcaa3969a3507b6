"""One board: what it does with taps, answers and silence. Has no thread, no socket and no clock of its own.

Its owner calls `attend` again and again, and `tap` when somebody comes; both may take as long as the board is patient.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from telemetry.protocol import Action, Topics
from telemetry.simulation.cards import CardCache
from telemetry.simulation.clock import Clock
from telemetry.simulation.conversation import Conversation
from telemetry.simulation.happenings import Happening, Kind, Tell
from telemetry.simulation.line import Line
from telemetry.simulation.tally import Tally
from telemetry.simulation.wire import (
    BoardTopics,
    Query,
    alive,
    read_acceptance,
    read_cards,
    read_machine,
    read_user,
)

CHECK_EVERY = 30.0
ALIVE_EVERY = 120.0
IN_USE_EVERY = 30.0
SAVE_EVERY = 120.0
SYNC_EVERY = 1800.0
LOGOFF_UNLESS_TOLD = 12 * 60
REMOTE_START_GAP = 1.3
BOOT_TAKES = 2.0
NOBODY = "00000000"
STAFF_LEVEL = 2


@dataclass(frozen=True, slots=True)
class BoardIdentity:
    machine: str
    serial: str
    ip_address: str


@dataclass(frozen=True, slots=True)
class RunningUse:
    uid: str
    level: int
    started: float  # lab time


@dataclass(frozen=True, slots=True)
class MachineState:
    """What the backend said last; a board that has not heard anything assumes the best."""

    is_allowed: bool = True
    needs_maintenance: bool = False
    logoff_minutes: int = LOGOFF_UNLESS_TOLD


@dataclass(frozen=True, slots=True)
class Flash:
    """What a power cut leaves."""

    kept: tuple[Query, ...] = ()
    cards: tuple[tuple[str, int], ...] = ()


class Board:
    def __init__(
        self,
        identity: BoardIdentity,
        topics: Topics,
        line: Line,
        clock: Clock,
        tell: Tell,
        *,
        new_client_id: Callable[[], str],
        chance: random.Random,
        syncs_cards: bool = False,
    ) -> None:
        self.identity = identity
        self.tally = Tally()
        self.use: RunningUse | None = None
        self.state = MachineState()
        self.cards = CardCache()
        self.talk = Conversation(
            BoardTopics.of(identity.machine, topics), identity.machine, line, clock, self.tally, tell
        )
        self._clock, self._tell, self._chance = clock, tell, chance
        self._new_client_id = new_client_id
        self._syncs_cards = syncs_cards
        self._flash = Flash()
        self._last_uid = NOBODY
        self._boot(pause=0.0)

    @property
    def is_online(self) -> bool:
        return self.talk.is_online

    @property
    def can_log_off(self) -> bool:
        return self.state.logoff_minutes > 0

    # ---- what comes from outside -------------------------------------------------------------------------------------

    def attend(self, seconds: float) -> None:
        """One turn: hears what comes within `seconds`, then does what is due."""
        self.talk.listen(seconds)
        self.talk.stay_connected()
        self._obey()
        self._log_off_when_due()
        if self.talk.is_online:
            self._do_what_is_due()
        if self._clock.lab() >= self._save_at:
            self._save()

    def tap(self, uid: str, *, confirms: bool = False) -> None:
        """`confirms`: this person, if staff, confirms the maintenance that is due."""
        if self.use is None:
            level = self._level_of(uid)
            if self._may_start(uid, level):
                self._start(uid, level, confirms)
            self._check_machine()
        elif self.use.uid == uid:
            self._stop(Kind.STOPPED)
        else:
            self._news(Kind.BUSY, uid)

    def lose_power(self, kind: Kind = Kind.POWER_CUT) -> None:
        lost = max(0, len(self.talk.kept) - len(self._flash.kept))
        self.tally.power_cuts += 1
        self._news(kind, self.use.uid if self.use else "", number=lost)
        self.use = None
        self.state = MachineState()
        self.cards = CardCache(self._flash.cards)
        self._boot(pause=BOOT_TAKES)

    def hang_up(self) -> None:
        self.talk.hang_up()

    def _boot(self, pause: float) -> None:
        now = self._clock.lab()
        self._check_at = self._alive_at = self._in_use_at = self._sync_at = now
        self._save_at = now + SAVE_EVERY
        self._hears_backend = False
        self._waits_to_check = False
        self.talk.reboot(self._new_client_id(), self._flash.kept, pause)

    # ---- who may start -----------------------------------------------------------------------------------------------

    def _level_of(self, uid: str) -> int:
        verdict = read_user(self.talk.ask(Query(Action.CHECK_USER, uid)).payload)
        if verdict.is_decided:
            self.cards.learn(uid, verdict.level)
            if verdict.level == 0:
                self._news(Kind.REFUSED, uid)
            return verdict.level
        level = self.cards.level(uid)
        self._news(Kind.LET_IN_BY_CACHE if level else Kind.REFUSED_BY_CACHE, uid, number=level)
        return level

    def _may_start(self, uid: str, level: int) -> bool:
        """The board's own rules, after the backend's yes."""
        if level == 0:
            self.tally.refused += 1
            return False
        if not self.state.is_allowed:
            self.tally.refused += 1
            self._news(Kind.BLOCKED, uid)
            return False
        if self.state.needs_maintenance and level < STAFF_LEVEL:
            self.tally.refused += 1
            self._news(Kind.MAINTENANCE_DUE, uid)
            return False
        return True

    # ---- a use -------------------------------------------------------------------------------------------------------

    def _start(self, uid: str, level: int, confirms: bool) -> None:
        if self.state.needs_maintenance and confirms:
            self._confirm_maintenance(uid)
        now = self._clock.lab()
        self.use = RunningUse(uid, level, now)
        self._last_uid = uid
        self._in_use_at = now + IN_USE_EVERY
        self.tally.let_in += 1
        self._news(Kind.LET_IN, uid, number=level)
        self._report(Query(Action.START_USE, uid))

    def _confirm_maintenance(self, uid: str) -> None:
        self._news(Kind.MAINTENANCE_CONFIRMED, uid)
        if self._report(Query(Action.MAINTENANCE, uid)):
            self.state = MachineState(self.state.is_allowed, False, self.state.logoff_minutes)

    def _stop(self, kind: Kind) -> None:
        if self.use is None:
            return
        use, self.use = self.use, None
        duration = int(self._clock.lab() - use.started)
        self.tally.stops += 1
        self.tally.seconds_used += duration
        self._news(kind, use.uid, number=duration)
        self._report(Query(Action.STOP_USE, use.uid, duration))

    def _log_off_when_due(self) -> None:
        use, minutes = self.use, self.state.logoff_minutes
        if use is not None and minutes > 0 and self._clock.lab() - use.started >= minutes * 60:
            self._stop(Kind.LOGGED_OFF)

    def _report(self, event: Query) -> bool:
        answer = self.talk.report(event)
        is_accepted, message = read_acceptance(answer.payload)
        if answer.is_heard and not is_accepted:
            self._news(Kind.NOT_ACCEPTED, event.uid, action=event.action, text=message)
        return is_accepted

    # ---- what staff asks for from afar -------------------------------------------------------------------------------

    def _obey(self) -> None:
        request = self.talk.take_request()
        if request is None:
            return
        self._news(Kind.REMOTE_START if request.wants_start else Kind.REMOTE_STOP, request.uid)
        if self.use is not None:
            self._stop(Kind.STOPPED)
            if request.wants_start:
                self.talk.listen(REMOTE_START_GAP)
        elif not request.wants_start:
            self._report(Query(Action.STOP_USE, self._last_uid, 0))
        if request.wants_start:
            self.tap(request.uid)

    # ---- what is due -------------------------------------------------------------------------------------------------

    def _do_what_is_due(self) -> None:
        now = self._clock.lab()
        if self.talk.is_fresh:
            self.talk.is_fresh = False
            self._alive_at = now
            if not self._waits_to_check:
                self._check_at = now
        if not self.talk.is_free_to_speak():
            return
        if now >= self._alive_at:
            self._say_alive()
        if now >= self._check_at:
            self._check_machine()
        if self._syncs_cards and now >= self._sync_at:
            self._sync_cards()
        if self.use is not None and now >= self._in_use_at and self._hears_backend:
            self._say_in_use(self.use)

    def _say_alive(self) -> None:
        self._alive_at = self._clock.lab() + ALIVE_EVERY
        heap = self._chance.randint(120_000, 180_000)
        self.talk.say(Action.ALIVE, alive(self.identity.ip_address, self.identity.serial, heap))

    def _check_machine(self) -> None:
        answer = self.talk.ask(Query(Action.CHECK_MACHINE))
        self._check_at = self._clock.lab() + CHECK_EVERY
        self._hears_backend = answer.is_heard
        self._waits_to_check = not answer.is_heard
        verdict = read_machine(answer.payload)
        if verdict.is_decided and verdict.is_known:
            self.state = MachineState(verdict.is_allowed, verdict.needs_maintenance, verdict.logoff_minutes)
        elif verdict.is_decided:
            self._news(Kind.UNKNOWN_MACHINE)

    def _say_in_use(self, use: RunningUse) -> None:
        self.talk.ask(Query(Action.IN_USE, use.uid, int(self._clock.lab() - use.started)))
        self._in_use_at = self._clock.lab() + IN_USE_EVERY

    def _sync_cards(self) -> None:
        self._sync_at = self._clock.lab() + SYNC_EVERY
        cards = read_cards(self.talk.ask(Query(Action.SYNC_CACHE)).payload)
        if cards is not None:
            self.cards = CardCache(cards)
            self._news(Kind.CARDS_SYNCED, number=len(cards))

    def _save(self) -> None:
        self._save_at = self._clock.lab() + SAVE_EVERY
        self._flash = Flash(tuple(self.talk.kept), self.cards.snapshot())

    def _news(self, kind: Kind, uid: str = "", *, action: str = "", number: int = 0, text: str = "") -> None:
        self._tell(Happening(kind, self.identity.machine, uid=uid, action=action, number=number, text=text))
