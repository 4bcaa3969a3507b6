"""A board's connection to the broker, as the board sees it."""

from __future__ import annotations

from typing import Protocol

from telemetry.simulation.wire import Arrival, BoardTopics


class NoConnection(Exception):
    """Passing: the board tries again. Says why in a sentence."""


class ConnectionRefused(Exception):
    """Lasting: the broker knows us and does not want us, trying again is no use."""


class Line(Protocol):
    @property
    def is_connected(self) -> bool: ...

    def connect(self, client_id: str, topics: BoardTopics) -> None:
        """Connected and subscribed to both topics, or NoConnection, or ConnectionRefused."""

    def disconnect(self) -> None:
        """Says goodbye to the broker."""

    def close(self) -> None:
        """Goes without a word."""

    def publish(self, topic: str, payload: bytes) -> bool:
        """False where the connection turns out to be dead."""

    def receive(self, seconds: float) -> Arrival | None:
        """What comes next; None when that time has passed, or at once when the connection ends meanwhile."""
