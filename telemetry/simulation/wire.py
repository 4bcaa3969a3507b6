"""What a board writes, and how it reads what comes back: by its own rules, which are laxer and odder than ours."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from members.uids import is_reader_uid
from telemetry.protocol import MAX_CACHED_CARDS, Action, Topics, packet_size

PACKET_LIMIT = 300
FIRMWARE = "0.8.1,5174d0"


@dataclass(frozen=True, slots=True)
class Query:
    action: Action
    uid: str = ""
    duration: int | None = None

    def payload(self, *, is_replay: bool = False) -> bytes:
        fields: dict[str, Any] = {"action": self.action.value}
        if self.uid:
            fields["uid"] = self.uid
        if self.duration is not None:
            fields["duration"] = self.duration
        if is_replay:
            fields["replay"] = True
        return compact(fields)


@dataclass(frozen=True, slots=True)
class BoardTopics:
    """The machine's number stays as it was typed into the board, leading zeros and all."""

    query: str
    reply: str
    request: str

    @classmethod
    def of(cls, machine: str, topics: Topics) -> BoardTopics:
        query = f"{topics.base}/{machine}"
        return cls(query, query + topics.reply, query + topics.request)


@dataclass(frozen=True, slots=True)
class Arrival:
    topic: str
    payload: bytes

    @property
    def size(self) -> int:
        return packet_size(self.topic, self.payload)

    @property
    def is_over_long(self) -> bool:
        return self.size > PACKET_LIMIT


@dataclass(frozen=True, slots=True)
class UserVerdict:
    """`level` 0 is a no; `is_decided` is false where the board has to ask its own cache."""

    is_decided: bool
    level: int = 0


@dataclass(frozen=True, slots=True)
class MachineVerdict:
    is_decided: bool
    is_known: bool = False
    needs_maintenance: bool = False
    is_allowed: bool = False
    logoff_minutes: int = 0


@dataclass(frozen=True, slots=True)
class RemoteRequest:
    wants_start: bool
    uid: str


def alive(ip_address: str, serial: str, heap: int) -> bytes:
    return compact({"action": "alive", "version": FIRMWARE, "ip": ip_address, "serial": serial, "heap": str(heap)})


def read_user(payload: bytes | None) -> UserVerdict:
    fields = _fields(payload)
    if not _is_accepted(fields):
        return UserVerdict(is_decided=False)
    level = _number(fields.get("level"), 255) if _is_one(fields.get("is_valid")) else 0
    return UserVerdict(is_decided=True, level=level)


def read_machine(payload: bytes | None) -> MachineVerdict:
    fields = _fields(payload)
    if not _is_accepted(fields):
        return MachineVerdict(is_decided=False)
    return MachineVerdict(
        is_decided=True,
        is_known=_is_one(fields.get("is_valid")),
        needs_maintenance=_is_set(fields.get("maintenance")),
        is_allowed=_is_set(fields.get("allowed")),
        logoff_minutes=_number(fields.get("logoff"), 65535),
    )


def read_acceptance(payload: bytes | None) -> tuple[bool, str]:
    """Whether an event was accepted, and what the backend says about it."""
    fields = _fields(payload)
    return _is_accepted(fields), str(fields.get("message", ""))


def read_cards(payload: bytes | None) -> list[tuple[str, int]] | None:
    """None where the cache stays as it is."""
    fields = _fields(payload)
    cards = fields.get("cards")
    if not _is_accepted(fields) or not isinstance(cards, list):
        return None
    pairs = [(card.get("uid"), _number(card.get("level"), 255)) for card in cards if isinstance(card, dict)]
    return [(uid, level) for uid, level in pairs if isinstance(uid, str)][:MAX_CACHED_CARDS]


def read_request(payload: bytes) -> RemoteRequest | None:
    """None for what is no request; the firmware would read random memory for a uid of another length."""
    fields = _fields(payload)
    kind, uid = fields.get("request_type"), fields.get("uid")
    if kind not in ("start", "stop") or not isinstance(uid, str) or not is_reader_uid(uid.lower()):
        return None
    return RemoteRequest(wants_start=kind == "start", uid=uid.lower())


def compact(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode("ascii")


def _fields(payload: bytes | None) -> dict[str, Any]:
    try:
        fields = json.loads((payload or b"").decode("utf-8"))
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _is_accepted(fields: dict[str, Any]) -> bool:
    return fields.get("request_ok") is True


def _is_one(value: Any) -> bool:
    """1 is a yes here, 2 is not: the firmware compares with true."""
    return value is True or (isinstance(value, (int, float)) and value == 1)


def _is_set(value: Any) -> bool:
    """Text is a yes, whatever it says: the firmware converts."""
    return isinstance(value, (str, list, dict)) or bool(value)


def _number(value: Any, highest: int) -> int:
    return value if type(value) is int and 0 <= value <= highest else 0
