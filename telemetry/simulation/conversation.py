"""How a board talks: one message at a time, two seconds of patience, and a buffer for what must not be lost."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto

from telemetry.protocol import Action
from telemetry.simulation.clock import Clock
from telemetry.simulation.happenings import Happening, Kind, Tell
from telemetry.simulation.line import Line, NoConnection
from telemetry.simulation.tally import REQUEST, UNASKED, Tally
from telemetry.simulation.wire import Arrival, BoardTopics, Query, RemoteRequest, read_request

# Network time: nothing makes these faster.
PATIENCE = 2.0
PAUSE_AFTER_SILENCE = 2.0  # the board is back about 4 s after it asked
PAUSE_AFTER_FAILURE = 4.0
RECONNECT_STEP = 0.5
REQUESTS_MERGE = 0.15
WATCHDOG = 60.0

# The lab's time.
REPLAY_START_AFTER = 5.0
REPLAY_OTHERS_AFTER = 30.0
REPLAY_AGAIN_AFTER = 60.0

BUFFER_SIZE = 40


class Outcome(Enum):
    ANSWERED = auto()
    SILENT = auto()
    LOST = auto()  # the connection broke: the board believes that it was answered
    UNSENT = auto()  # offline, or something older waits
    DEAD = auto()  # neither publishing nor reconnecting worked


@dataclass(frozen=True, slots=True)
class Answer:
    outcome: Outcome
    payload: bytes | None = None

    @property
    def is_heard(self) -> bool:
        return self.outcome is Outcome.ANSWERED

    @property
    def must_be_kept(self) -> bool:
        return self.outcome in (Outcome.SILENT, Outcome.UNSENT, Outcome.DEAD)


class Conversation:
    def __init__(self, topics: BoardTopics, machine: str, line: Line, clock: Clock, tally: Tally, tell: Tell) -> None:
        self.topics = topics
        self.client_id = ""
        self.kept: deque[Query] = deque(maxlen=BUFFER_SIZE)
        self.is_fresh = False  # connected since somebody last looked
        self._machine, self._line, self._clock, self._tally, self._tell = machine, line, clock, tally, tell
        self._request: RemoteRequest | None = None
        self._reconnect_at = 0.0
        self._replay_at = 0.0
        self._last_action: str = UNASKED
        self._was_connected = False

    @property
    def is_online(self) -> bool:
        return self._line.is_connected

    # ---- speaking ----------------------------------------------------------------------------------------------------

    def say(self, action: Action, payload: bytes) -> None:
        """What gets no answer."""
        if self._line.publish(self.topics.query, payload):
            self._tally.of(action).sent += 1

    def ask(self, query: Query) -> Answer:
        if self.kept and not self._replay():
            return Answer(Outcome.UNSENT)
        return self._exchange(query)

    def report(self, event: Query) -> Answer:
        """What happened: kept until somebody answers."""
        answer = self.ask(event)
        if answer.must_be_kept:
            self._keep(event)
        if answer.outcome is Outcome.DEAD:
            self._keep(event)  # so does the firmware
        return answer

    def is_free_to_speak(self) -> bool:
        """Replays what is due; while anything waits, nothing newer is sent."""
        if not self.kept:
            return True
        return self._clock.lab() >= self._replay_at and self._replay()

    # ---- hearing -----------------------------------------------------------------------------------------------------

    def listen(self, seconds: float) -> None:
        """Hears what comes unasked."""
        until = self._clock.real() + seconds
        while (arrival := self._line.receive(max(0.0, until - self._clock.real()))) is not None:
            self._hear_unasked(arrival)
            if self._request:
                until = min(until, self._clock.real() + REQUESTS_MERGE)

    def take_request(self) -> RemoteRequest | None:
        request, self._request = self._request, None
        return request

    # ---- the connection ----------------------------------------------------------------------------------------------

    def stay_connected(self) -> None:
        if self._line.is_connected:
            return
        if self._was_connected:
            self._was_connected = False
            self._news(Kind.CONNECTION_LOST)
        if self._clock.real() >= self._reconnect_at:
            self._connect()

    def reboot(self, client_id: str, kept: tuple[Query, ...], pause: float) -> None:
        self._line.close()
        self.client_id = client_id
        self.kept = deque(kept, maxlen=BUFFER_SIZE)
        self._request = None
        self._was_connected = False
        self._reconnect_at = self._clock.real() + pause
        self._replay_at = self._clock.lab()

    def hang_up(self) -> None:
        self._line.disconnect()

    def _connect(self) -> bool:
        try:
            self._line.connect(self.client_id, self.topics)
        except NoConnection as problem:
            self._reconnect_at = self._clock.real() + PAUSE_AFTER_FAILURE
            self._news(Kind.NO_CONNECTION, text=str(problem))
            return False
        self._tally.connections += 1
        self.is_fresh = self._was_connected = True
        self._news(Kind.CONNECTED)
        return True

    def _give_up(self) -> None:
        self._line.disconnect()
        self._was_connected = False
        self._reconnect_at = self._clock.real() + PAUSE_AFTER_SILENCE

    # ---- one exchange ------------------------------------------------------------------------------------------------

    def _exchange(self, query: Query, *, is_replay: bool = False) -> Answer:
        if not self._line.is_connected:
            return Answer(Outcome.UNSENT)
        self._hear_what_is_there()
        if not self._line.is_connected or not self._line.publish(self.topics.query, query.payload(is_replay=is_replay)):
            return self._found_dead(query)
        self._last_action = query.action
        counts = self._tally.of(query.action)
        counts.sent += 1
        counts.replayed += is_replay
        answer = self._wait(query)
        if answer.outcome is Outcome.SILENT:
            counts.unanswered += 1
            self._news(Kind.UNANSWERED, query)
            self._give_up()
        elif answer.outcome is Outcome.LOST:
            counts.lost += 1
            self._news(Kind.LOST, query)
        return answer

    def _wait(self, query: Query) -> Answer:
        """Any message on the reply topic is the answer: there is no correlation id."""
        asked = self._clock.real()
        until = asked + PATIENCE
        while (left := until - self._clock.real()) > 0:
            arrival = self._line.receive(left)
            if arrival is not None and arrival.is_over_long:
                self._drop_over_long(arrival)
                return Answer(Outcome.LOST)
            if arrival is None and not self._line.is_connected:
                return self._reconnect_while_waiting(until)
            if arrival is not None and arrival.topic == self.topics.reply:
                self._tally.of(query.action).answer_came(self._clock.real() - asked)
                return Answer(Outcome.ANSWERED, arrival.payload)
            if arrival is not None:
                self._hear_unasked(arrival)
        return Answer(Outcome.SILENT)

    def _reconnect_while_waiting(self, until: float) -> Answer:
        self._was_connected = False
        self._news(Kind.CONNECTION_LOST)
        while self._clock.real() < until:
            if self._connect():
                return Answer(Outcome.LOST)
            self._line.receive(min(RECONNECT_STEP, max(0.0, until - self._clock.real())))
        return Answer(Outcome.SILENT)

    def _found_dead(self, query: Query) -> Answer:
        if not self._connect():
            return Answer(Outcome.DEAD)
        self._tally.of(query.action).sent += 1
        self._tally.of(query.action).lost += 1
        self._news(Kind.LOST, query)
        return Answer(Outcome.LOST)

    # ---- what nobody asked for ---------------------------------------------------------------------------------------

    def _hear_what_is_there(self) -> None:
        while (arrival := self._line.receive(0.0)) is not None:
            self._hear_unasked(arrival)

    def _hear_unasked(self, arrival: Arrival) -> None:
        if arrival.is_over_long:
            self._drop_over_long(arrival)
        elif arrival.topic == self.topics.request:
            self._request = read_request(arrival.payload)
            if self._request is None:
                self._news(Kind.BAD_REQUEST)
        else:
            self._tally.of(self._last_action).late += 1
            self._tell(Happening(Kind.LATE, self._machine, action=self._last_action))

    def _drop_over_long(self, arrival: Arrival) -> None:
        action = REQUEST if arrival.topic == self.topics.request else self._last_action
        self._tally.of(action).over_long += 1
        self._tell(Happening(Kind.OVER_LONG, self._machine, action=action, number=arrival.size))
        self._line.close()
        self._was_connected = False
        self._reconnect_at = self._clock.real()

    # ---- the buffer --------------------------------------------------------------------------------------------------

    def _keep(self, event: Query) -> None:
        if not self.kept:
            is_start = event.action is Action.START_USE
            self._replay_at = self._clock.lab() + (REPLAY_START_AFTER if is_start else REPLAY_OTHERS_AFTER)
        if len(self.kept) == BUFFER_SIZE:
            self._tally.forgotten += 1
        self.kept.append(event)
        self._news(Kind.KEPT, event, number=len(self.kept))

    def _replay(self) -> bool:
        """One after the other, each waiting for its answer; whether the buffer is empty now."""
        began = self._clock.real()
        while self.kept:
            event = self.kept[0]
            answer = self._exchange(event, is_replay=True)
            if answer.must_be_kept:
                if answer.outcome is not Outcome.UNSENT:
                    self._replay_at = self._clock.lab() + REPLAY_AGAIN_AFTER
                return False
            self.kept.popleft()
            self._news(Kind.REPLAYED, event, number=len(self.kept))
            if self._clock.real() - began > WATCHDOG:
                raise WatchdogBites
        return True

    def _news(self, kind: Kind, query: Query | None = None, *, number: int = 0, text: str = "") -> None:
        uid, action = (query.uid, query.action.value) if query else ("", "")
        self._tell(Happening(kind, self._machine, uid=uid, action=action, number=number, text=text))


class WatchdogBites(Exception):
    """Replaying took so long that the board restarts itself."""
