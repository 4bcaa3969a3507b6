"""The life of the worker: takes what the link brought, serves it at the desk, and does the housekeeping in between."""

from __future__ import annotations

import json
import logging
import socket
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from queue import Empty

from django.utils import timezone
from django.utils.translation import gettext as _

from machines.usage import close_lost
from telemetry import database, nudge
from telemetry.desk import RETRY, Desk
from telemetry.downtimes import Downtimes
from telemetry.link import Arrived, Connected, Disconnected, Link, News
from telemetry.protocol import Topics
from telemetry.publisher import EVERYTHING, StatusPublisher
from telemetry.pulse import Pulse
from telemetry.status import TOPIC, is_online

logger = logging.getLogger("telemetry.worker")

CLIENT_CLAIM = "fabomatic/worker"
BOARDS_CLAIM = "fabomatic/answers"
IDLE = 0.2  # seconds; how soon a signal or a tick is noticed
STALE = 60.0  # seconds by which a message is made older that waited in the network while we were frozen
HELD_REPLIES = 16
HELD_SECONDS = 0.005
HELD_TOO_LONG = 0.2  # with the desk's patience still within a board's; we stood still
STATUS_SECONDS = 0.05
RETAINED_SECONDS = 1.0
NUDGE_SECONDS = 0.2
FAREWELL_SECONDS = 1.0
MOST_DELAYS = 60  # half a minute without a moment in which no message waits
# Boards report every 30 s: before that nobody can tell a lost use from our own absence.
LISTEN_FIRST = 120.0


class Worker:
    def __init__(
        self,
        link: Link,
        topics: Topics,
        *,
        client_id: str,
        stats_topic: str,
        packet_limit: int,
        clock: Callable[[], datetime] = timezone.now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.link = link
        self.topics = topics
        self._held: list[tuple[str, bytes]] = []
        self._held_since = 0.0
        self.desk = Desk(self._hold, topics, packet_limit, clock=clock, monotonic=monotonic)
        self.is_stopping = False
        self._clock = clock
        self._monotonic = monotonic
        self._publisher = StatusPublisher(link.publish, self.desk.heard)
        self._downtimes = Downtimes()
        self._delays = 0
        self._stats_topic = f"{stats_topic}/{client_id}"
        self._client_id = client_id
        self._instance = uuid.uuid4().hex.encode()
        self._is_claimed = dict.fromkeys(claims(client_id, topics), False)
        self._connected_at: float | None = None
        self._reads_retained = False
        self._pulse = Pulse(monotonic)
        self._online: set[int] = set()
        self._is_loaded = False
        self._changes_published = -1.0
        self._write_heard_tick = Tick(30.0, self.desk.heard.write)
        self._sweep_tick = Tick(3.0, self._sweep)
        self._statistics_tick = Tick(5.0, self._publish_statistics)
        self._ticks = [
            Tick(0.5, self.desk.taps.write),
            Tick(0.5, self._write_downtimes),
            Tick(1.0, self._notice_silence),
            Tick(5.0, self.desk.hear_again),
            self._write_heard_tick,
            Tick(30.0, self._close_lost),
            self._sweep_tick,
            self._statistics_tick,
        ]
        link.will(self._stats_topic, self._statistics(is_connected=False))

    def handle_one(self, topic: str, payload: bytes, arrived: float) -> None:
        """What tests call without a broker: one message from arrival to answer or silence."""
        self.desk.handle_one(topic, payload, arrived)
        self._send_held()

    def run(self) -> str | None:
        """Until told to stop; returns the sentence to end with where it cannot go on."""
        self._pulse.start()
        self.link.start()
        while not self.is_stopping and self.link.fatal is None:
            self.turn()
        self._say_goodbye()
        return self.link.fatal

    def turn(self) -> None:
        news = self._next_news()
        if news is not None:
            self._take(news)
        # While messages keep coming they are collected: one transaction for all of them, one status for many changes.
        is_quiet = news is None
        if self.desk.pending and (is_quiet or self.desk.batch_is_ready()):
            self._send_held()  # no answer waits for what the disk does
            self.desk.serve_pending()
        if self._held and self._has_held_enough():
            self._send_held()
        self._publish_changes(is_quiet=is_quiet and not self.desk.pending)
        self._run_ticks()

    # ---- replies -----------------------------------------------------------------------------------------------------

    def _hold(self, topic: str, payload: bytes) -> None:
        """Sending lets the network's thread in, which fights this one for the interpreter: together they cost half."""
        if not self._held:
            self._held_since = self._monotonic()
        self._held.append((topic, payload))

    def _has_held_enough(self) -> bool:
        is_many = len(self._held) >= HELD_REPLIES or self._monotonic() - self._held_since > HELD_SECONDS
        return is_many or self.link.inbox.empty()

    def _send_held(self) -> None:
        held, self._held = self._held, []
        if held and self._monotonic() - self._held_since > HELD_TOO_LONG:
            self.desk.counts.late += len(held)
            return
        for topic, payload in held:
            self.link.publish(topic, payload)

    # ---- what the link brings ----------------------------------------------------------------------------------------

    def _next_news(self) -> News | None:
        has_work = self.desk.pending or self.desk.changed
        try:
            return self.link.inbox.get(timeout=RETRY if has_work else IDLE)
        except Empty:
            return None

    def _take(self, news: News) -> None:
        match news:
            case Arrived():
                self._take_message(news)
            case Connected():
                self._on_connected()
            case Disconnected():
                self._connected_at = None

    def _take_message(self, news: Arrived) -> None:
        if news.topic == nudge.TOPIC:
            for tick in (self._sweep_tick, self._statistics_tick):  # whoever nudges wants to know that we are there
                tick.hasten(NUDGE_SECONDS, self._monotonic())
        elif news.topic in self._is_claimed:
            self._on_claim(news.topic, news.payload)
        elif news.topic.startswith(f"{TOPIC}/"):
            if news.payload and news.is_retained:
                self._publisher.note_retained(news.topic)
        elif not news.is_retained:  # a retained query would be asked again at every connect, and nobody waits for it
            age = STALE if self._pulse.was_frozen(news.at) else 0.0
            self.desk.accept(news.topic, news.payload, news.at - age)

    def _on_connected(self) -> None:
        self._connected_at = self._monotonic()
        for topic, is_claimed in self._is_claimed.items():
            if not is_claimed:
                self.link.publish(topic, self._instance, True)
        self._publisher.forget()
        self.link.subscribe(EVERYTHING)
        self._reads_retained = True
        self._sweep_tick.due_in(RETAINED_SECONDS, self._monotonic())

    def _on_claim(self, topic: str, payload: bytes) -> None:
        """Whoever overwrote our claim came after us: with our client id, and the broker drops us, or for our boards.

        What the broker holds before it holds ours is of one that went before us, perhaps without a word.
        """
        if payload == self._instance:
            self._is_claimed[topic] = True
        elif payload and self._is_claimed[topic]:
            self.link.fatal = self._two_with_one_name() if topic.startswith(CLIENT_CLAIM) else self._two_for_one_board()

    def _two_with_one_name(self) -> str:
        return _(
            "Another worker is connected as %(client_id)s: each throws the other out. "
            "Stop one, or give it an MQTT_CLIENT_ID and boards of its own."
        ) % {"client_id": self._client_id}

    def _two_for_one_board(self) -> str:
        return _("Another worker answers the boards on %(topic)s: they would get two answers. Stop one.") % {
            "topic": self.topics.subscription
        }

    # ---- what screens see --------------------------------------------------------------------------------------------

    def _publish_changes(self, *, is_quiet: bool) -> None:
        """All of them when nobody asks, otherwise as many as a tenth of the time is enough for."""
        changed = self.desk.changed
        began = self._monotonic()
        if not changed or not (is_quiet or began - self._changes_published > STATUS_SECONDS):
            return
        while changed and (self.link.inbox.empty() if is_quiet else self._monotonic() - began < STATUS_SECONDS / 10):
            machine_id = changed.pop()
            try:
                self._publisher.publish_changed(machine_id, self._clock())
            except Exception as error:
                changed.clear()  # the sweep finds them
                self._put_off(self._sweep_tick, error)
        self._changes_published = self._monotonic()

    def _sweep(self) -> None:
        if not self._is_loaded:
            self.desk.heard.load()
            self._is_loaded = True
        if self._connected_at is not None:
            now = self._clock()
            self._publisher.sweep(now)
            self._stop_reading_retained(self._monotonic() - self._connected_at)
            self._downtimes.compare(self._publisher.swept, now)

    def _stop_reading_retained(self, connected_for: float) -> None:
        """What the broker holds has arrived by then; from now on only our own statuses would come back."""
        if self._reads_retained and connected_for >= RETAINED_SECONDS:
            self.link.unsubscribe(EVERYTHING)
            self._reads_retained = False

    # ---- housekeeping ------------------------------------------------------------------------------------------------

    def _run_ticks(self) -> None:
        now = self._monotonic()
        if self.desk.someone_came:
            self.desk.someone_came = False
            self._write_heard_tick.hasten(1.0, now)
        for tick in self._ticks:
            if now >= tick.due_at:
                self._send_held()
                try:
                    tick.run(now)
                except Exception as error:
                    self._put_off(tick, error)

    def _put_off(self, tick: Tick, error: Exception) -> None:
        is_busy = database.is_busy(error)
        # From now on: it may have waited for a lock, and boards come before its next try.
        tick.due_in(0.1 if is_busy else 1.0, self._monotonic())
        if database.has_failed(error):
            if not is_busy:
                self.desk.complaints.say(f"the database failed: {database.in_a_line(error)}", level=logging.ERROR)
                database.renew()
                self._downtimes.forget()
        else:
            name = type(error).__name__
            self.desk.complaints.say("housekeeping failed; it is tried again", name, logging.ERROR, bug=error)

    def _write_downtimes(self) -> None:
        """They can wait, boards cannot."""
        is_quiet = self.link.inbox.empty() and not self.desk.pending
        self._delays = 0 if is_quiet else self._delays + 1
        if is_quiet or self._delays > MOST_DELAYS:
            self._delays = 0
            self._downtimes.write()

    def _notice_silence(self) -> None:
        now = self._clock()
        online = {machine_id for machine_id, at in self.desk.heard.at.items() if is_online(at, now)}
        if gone := self._online - online:
            self.desk.changed.update(gone)
            self.desk.someone_came = True
        self._online = online

    def _close_lost(self) -> None:
        if self._connected_at is None or self._monotonic() - self._connected_at < LISTEN_FIRST:
            return
        self.desk.changed.update(close_lost(self._clock()))

    def _publish_statistics(self) -> None:
        if self.link.is_connected:
            self.link.publish(self._stats_topic, self._statistics(is_connected=True))

    def _statistics(self, *, is_connected: bool) -> bytes:
        counts = self.desk.counts
        return json.dumps(
            {
                "Connected": is_connected,
                "Backend host": socket.gethostname(),
                "Backend IP": self.link.own_address,
                "Received": counts.received,
                "Sent": counts.sent,
            }
        ).encode()

    def _say_goodbye(self) -> None:
        deadline = self._monotonic() + FAREWELL_SECONDS
        while self.desk.pending and self._monotonic() < deadline:
            if not self.desk.serve_pending():
                time.sleep(RETRY)
        self._send_held()
        for write in (self.desk.taps.write, self.desk.heard.write):
            try:
                write()
            except Exception as error:
                logger.warning("Not everything could be written at the end: %s", type(error).__name__)
        if self.link.fatal is None and self.link.is_connected:
            self.link.publish(self._stats_topic, self._statistics(is_connected=False))
            for topic in self._is_claimed:
                self.link.publish(topic, b"", True)
        self.link.stop(timeout=0.3)


def claims(client_id: str, topics: Topics) -> tuple[str, str]:
    """Where a worker says that it is the one with this client id, and the one for these boards."""
    return f"{CLIENT_CLAIM}/{client_id}", f"{BOARDS_CLAIM}/{topics.base}"


class Tick:
    """Something to do every so many seconds, or sooner when asked."""

    def __init__(self, seconds: float, do: Callable[[], object]) -> None:
        self._seconds = seconds
        self._do = do
        self.due_at = 0.0

    def due_in(self, seconds: float, now: float) -> None:
        self.due_at = now + seconds

    def hasten(self, seconds: float, now: float) -> None:
        """Due by then: who asks a thousand times is not served a thousand times."""
        self.due_at = min(self.due_at, now + seconds)

    def run(self, now: float) -> None:
        self.due_at = now + self._seconds
        self._do()
