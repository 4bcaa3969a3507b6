"""What tells a web process of changes: one connection to the broker, started once, when somebody first looks."""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings

from telemetry import nudge
from telemetry.broker_address import BrokerAddress
from telemetry.link import Arrived, Connected, Disconnected, Link, News
from telemetry.live.wall import Wall, wall
from telemetry.status import TOPIC

logger = logging.getLogger(__name__)

STATUSES = f"{TOPIC}/+"
HEART_BEAT = 5.0  # seconds between the worker's signs of life
WORKER_LOST_AFTER = 2.4 * HEART_BEAT
RATE_SPAN = 60.0
FIRST_WORD = 3.0  # how long after a connect the worker may take to answer our nudge
RETRY_SECONDS = (0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Beat:
    """A heart-beat of the worker, and what it has received and sent since it started."""

    at: float
    host: str
    address: str
    received: int
    sent: int


class Trouble(StrEnum):
    BROKER = "broker"
    WORKER = "worker"
    DATABASE = "database"


class Feed:
    """Its callbacks come in the network's thread: they note, and leave."""

    def __init__(self, wall: Wall, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._starting = threading.Lock()
        self._link: Link | None = None
        self._is_hopeless = False
        self._is_connected = False
        self._connected_at = 0.0
        self._worker_at: float | None = None
        self._beats: deque[Beat] = deque(maxlen=int(RATE_SPAN / HEART_BEAT) + 1)
        self._has_forgotten = True
        self._listeners: set[Callable[[], object]] = set()
        self.nudged = 0

    def start(self) -> None:
        """Once per process, whoever asks first."""
        with self._starting:
            if self._link is not None or self._is_hopeless:
                return
            try:
                address = BrokerAddress.from_url(settings.MQTT_URL)
            except ValueError as error:
                self._is_hopeless = True
                logger.error("MQTT_URL cannot be used: %s. The page will not be live.", error)
                return
            client_id = f"{settings.MQTT_CLIENT_ID}-web-{uuid.uuid4().hex[:8]}"
            topics = (STATUSES, nudge.TOPIC, self._heart_beat_topic)
            self._connected_at = self._monotonic()
            self._link = Link(address, client_id, topics, deliver=self.take, retry_seconds=RETRY_SECONDS)
            self._link.start()

    def listen(self, listener: Callable[[], object]) -> None:
        """Called in the network's thread whenever there may be something new."""
        self._listeners = {*self._listeners, listener}

    def unlisten(self, listener: Callable[[], object]) -> None:
        self._listeners = self._listeners - {listener}

    @property
    def is_started(self) -> bool:
        return self._link is not None

    @property
    def is_live(self) -> bool:
        """Whether everything that changes reaches the wall by itself."""
        return self._is_connected and (self._link is None or self._link.fatal is None)

    @property
    def hears_worker(self) -> bool:
        return self._is_connected and self._worker_at is not None and self._trouble() is None

    def trouble(self) -> Trouble | None:
        """What keeps changes from us. While there is something, who is online is what the database says."""
        trouble = self._trouble()
        if trouble is not None and not self._has_forgotten:
            self._has_forgotten = True
            self._wall.forget_who_is_online()
        return trouble

    def beats(self) -> tuple[Beat, ...]:
        """Of the last minute, the latest last."""
        oldest = self._monotonic() - RATE_SPAN - HEART_BEAT
        return tuple(beat for beat in self._beats if beat.at >= oldest)

    def seconds_since(self, beat: Beat) -> float:
        return self._monotonic() - beat.at

    def _trouble(self) -> Trouble | None:
        now = self._monotonic()
        if self._link is not None and self._link.fatal is not None:
            return Trouble.BROKER
        if not self._is_connected:
            # A connection that was never there gets a moment to come about.
            is_new = self._worker_at is None and now - self._connected_at < 1
            return None if is_new else Trouble.BROKER
        if self._worker_at is None:
            return Trouble.WORKER if now - self._connected_at > FIRST_WORD else None
        return Trouble.WORKER if now - self._worker_at > WORKER_LOST_AFTER else None

    # ---- in the network's thread ------------------------------------------------------------------------------------

    def take(self, news: News) -> None:
        match news:
            case Arrived():
                self._take_message(news)
            case Connected():
                self._on_connected()
            case Disconnected():
                self._on_disconnected()
        for listener in self._listeners:
            listener()

    def _on_connected(self) -> None:
        self._connected_at, self._worker_at = self._monotonic(), None
        self._is_connected = True
        self._wall.note_everything()
        if self._link is not None:
            self._link.publish(nudge.TOPIC, b"")  # the worker answers with a heart-beat

    def _on_disconnected(self) -> None:
        self._is_connected = False

    def _take_message(self, news: Arrived) -> None:
        if news.topic == nudge.TOPIC:
            self.nudged += 1
            self._wall.note_everything()
        elif news.topic == self._heart_beat_topic:
            self._hear_worker(news.payload)
        elif news.topic.startswith(f"{TOPIC}/"):
            self._hear_of_machine(news.topic.removeprefix(f"{TOPIC}/"), news.payload)

    def _hear_worker(self, payload: bytes) -> None:
        status = _object(payload)
        if status.get("Connected") is True:
            self._worker_at = self._monotonic()
            self._note_beat(status)
            if self._has_forgotten and self._link is not None:
                self._has_forgotten = False
                self._link.subscribe(STATUSES)  # the broker tells them all again
        elif status:
            self._worker_at = self._monotonic() - WORKER_LOST_AFTER - 1

    def _note_beat(self, status: dict[str, object]) -> None:
        received, sent = status.get("Received"), status.get("Sent")
        if not isinstance(received, int) or not isinstance(sent, int):
            return
        if self._beats and received < self._beats[-1].received:  # it was started again
            self._beats.clear()
        host, address = (str(status.get(name) or "")[:80] for name in ("Backend host", "Backend IP"))
        self._beats.append(Beat(self._monotonic(), host, address, received, sent))

    def _hear_of_machine(self, digits: str, payload: bytes) -> None:
        if digits.isascii() and digits.isdigit() and len(digits) < 10:
            self._wall.note(int(digits), is_online=_object(payload).get("is_online") is True)

    @property
    def _heart_beat_topic(self) -> str:
        return f"{settings.MQTT_STATS_TOPIC}/{settings.MQTT_CLIENT_ID}"


feed = Feed(wall)
"""Of this process."""


def _object(payload: bytes) -> dict[str, object]:
    """Empty for anything that is none: whoever may publish here, nothing of it may stop us."""
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
