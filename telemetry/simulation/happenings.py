"""What happens at a board, as values: tests look at these, people read the sentences made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    CONNECTED = "connected"
    NO_CONNECTION = "no connection"
    CONNECTION_LOST = "connection lost"
    LET_IN = "let in"
    LET_IN_BY_CACHE = "let in by the cache"
    REFUSED = "refused"
    REFUSED_BY_CACHE = "refused by the cache"
    BLOCKED = "blocked"
    MAINTENANCE_DUE = "maintenance due"
    MAINTENANCE_CONFIRMED = "maintenance confirmed"
    BUSY = "busy"
    STOPPED = "stopped"
    LOGGED_OFF = "logged off"
    REMOTE_START = "remote start"
    REMOTE_STOP = "remote stop"
    BAD_REQUEST = "bad request"
    UNKNOWN_MACHINE = "unknown machine"
    CARDS_SYNCED = "cards synced"
    NOT_ACCEPTED = "not accepted"
    UNANSWERED = "unanswered"
    LOST = "lost"
    LATE = "late"
    OVER_LONG = "over-long"
    KEPT = "kept"
    REPLAYED = "replayed"
    WATCHDOG = "watchdog"
    POWER_CUT = "power cut"


@dataclass(frozen=True, slots=True)
class Happening:
    kind: Kind
    machine: str
    uid: str = ""
    action: str = ""
    number: int = 0
    text: str = ""


Tell = Callable[[Happening], None]
