"""The wire between boards and backend: bytes to typed messages, typed replies to bytes. Knows no rule and no database.

Facts about the boards come from their firmware; the wire itself cannot be changed.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from anyascii import anyascii

from members.uids import is_reader_uid, normalise_uid

MAX_BOARD_NUMBER = 65535
MAX_PAYLOAD_BYTES = 4096  # a board's own buffer holds 300
MAX_DURATION = 30 * 24 * 3600
MAX_CACHED_CARDS = 10
MACHINE_NAME_COLUMNS = 14
PERSON_NAME_COLUMNS = 15
LCD_TEXT_COLUMNS = 15


class Action(StrEnum):
    CHECK_MACHINE = "checkmachine"
    CHECK_USER = "checkuser"
    START_USE = "startuse"
    IN_USE = "inuse"
    STOP_USE = "stopuse"
    MAINTENANCE = "maintenance"
    ALIVE = "alive"
    SYNC_CACHE = "synccache"


# ---- board to backend ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CheckMachine:
    machine_id: int


@dataclass(frozen=True, slots=True)
class CheckUser:
    machine_id: int
    uid: str


@dataclass(frozen=True, slots=True)
class StartUse:
    machine_id: int
    uid: str
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class InUse:
    machine_id: int
    uid: str
    duration: int


@dataclass(frozen=True, slots=True)
class StopUse:
    machine_id: int
    uid: str
    duration: int
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class MaintenanceDone:
    machine_id: int
    uid: str
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class Alive:
    machine_id: int
    build: str = ""
    firmware: str = ""
    ip_address: str = ""
    serial: str | None = None
    free_heap: int | None = None


@dataclass(frozen=True, slots=True)
class SyncCache:
    machine_id: int


Question = CheckMachine | CheckUser | SyncCache
Event = StartUse | InUse | StopUse | MaintenanceDone
Message = Question | Event | Alive


def is_question(message: Message) -> bool:
    return isinstance(message, CheckUser | CheckMachine | SyncCache)


def is_kept_by_boards(message: Message) -> bool:
    """Whether a board forgets it on any answer, and on silence keeps it and brings it again."""
    return isinstance(message, StartUse | StopUse | MaintenanceDone)


class BadMessage(Exception):
    """Bytes that are no message of the protocol.

    `action` is set where the query can be recognised: it can never be accepted, and has to be answered with a refusal,
    because a board that waits for an answer in vain keeps asking.
    """

    def __init__(self, reason: str, action: Action | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.action = action


@dataclass(frozen=True, slots=True)
class Topics:
    """The lab's names for the boards' topics."""

    base: str = "machine"
    reply: str = "/reply"
    request: str = "/request"

    @property
    def subscription(self) -> str:
        return f"{self.base}/+"

    def machine_id(self, topic: str) -> int:
        """Leading zeros are what somebody typed into the board; the answer goes to the topic the query came from."""
        digits = topic.removeprefix(f"{self.base}/")
        if digits == topic or not (digits.isascii() and digits.isdigit()) or len(digits) > 20:
            raise BadMessage("the topic names no machine")
        if int(digits) > MAX_BOARD_NUMBER:
            raise BadMessage("the topic names no machine")
        return int(digits)

    def reply_to(self, topic: str) -> str:
        return topic + self.reply

    def request_to(self, machine_id: int) -> str:
        return f"{self.base}/{machine_id}{self.request}"


def parse(machine_id: int, payload: bytes) -> Message:
    """Raises BadMessage, and nothing else, for what no board sends."""
    fields = _object(payload)
    try:
        action = Action(fields.get("action", ""))
    except (ValueError, TypeError):
        raise BadMessage("unknown action") from None
    match action:
        case Action.CHECK_MACHINE:
            return CheckMachine(machine_id)
        case Action.SYNC_CACHE:
            return SyncCache(machine_id)
        case Action.ALIVE:
            return _alive(machine_id, fields)
        case Action.CHECK_USER:
            return CheckUser(machine_id, _uid(fields, action))
        case Action.START_USE:
            return StartUse(machine_id, _uid(fields, action), _is_replay(fields, action))
        case Action.IN_USE:
            return InUse(machine_id, _uid(fields, action), _duration(fields, action))
        case Action.STOP_USE:
            duration = _duration(fields, action)
            return StopUse(machine_id, _uid(fields, action), duration, _is_replay(fields, action))
        case Action.MAINTENANCE:
            return MaintenanceDone(machine_id, _uid(fields, action), _is_replay(fields, action))


def _object(payload: bytes) -> dict[str, Any]:
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise BadMessage("longer than any board's message")
    try:
        fields = json.loads(payload.decode("utf-8"))
    except (ValueError, RecursionError):  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise BadMessage("no JSON") from None
    if not isinstance(fields, dict):
        raise BadMessage("no JSON object")
    return fields


def _uid(fields: dict[str, Any], action: Action) -> str:
    uid = fields.get("uid")
    if not isinstance(uid, str) or len(uid) > 40:
        raise BadMessage("the uid is no card number", action)
    uid = normalise_uid(uid)
    if not is_reader_uid(uid):
        raise BadMessage("the uid is no card number", action)
    return uid


def _duration(fields: dict[str, Any], action: Action) -> int:
    duration = fields.get("duration")
    if type(duration) is not int or not 0 <= duration <= MAX_DURATION:
        raise BadMessage("the duration is no whole number of seconds from 0 to 30 days", action)
    return duration


def _is_replay(fields: dict[str, Any], action: Action) -> bool:
    replay = fields.get("replay")
    if replay is None or isinstance(replay, bool):
        return bool(replay)
    raise BadMessage("replay is neither true nor false", action)


def _alive(machine_id: int, fields: dict[str, Any]) -> Alive:
    """A sign of life gets no answer, so what is odd in it is left out instead of refused."""
    build, _comma, firmware = _plain(fields.get("version"), 80).partition(",")
    return Alive(
        machine_id,
        build=build.strip()[:40],
        firmware=firmware.strip()[:40],
        ip_address=_plain(fields.get("ip"), 45),
        serial=_plain(fields.get("serial"), 40) or None,
        free_heap=_heap(fields.get("heap")),
    )


def _plain(value: Any, length: int) -> str:
    if not isinstance(value, str):
        return ""
    return "".join(character for character in value[:length] if " " <= character <= "~").strip()


def _heap(value: Any) -> int | None:
    """Current firmware sends digits in a string, others a number, older ones nothing."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
        return int(value)
    if type(value) is int and 0 <= value < 10**11:
        return value
    return None


# ---- backend to board ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UserReply:
    request_ok: bool
    is_valid: bool = False
    name: str = ""
    level: int = 0
    missing_auth: bool = False

    texts: ClassVar[dict[str, int]] = {"name": PERSON_NAME_COLUMNS}


@dataclass(frozen=True, slots=True)
class MachineReply:
    request_ok: bool
    is_valid: bool = False
    maintenance: bool = False
    allowed: bool = False
    name: str = ""
    logoff: int = 0
    type: int = 0
    grace: int = 0
    description: str = ""

    texts: ClassVar[dict[str, int]] = {"name": MACHINE_NAME_COLUMNS, "description": LCD_TEXT_COLUMNS}


@dataclass(frozen=True, slots=True)
class SimpleReply:
    request_ok: bool
    message: str = ""

    texts: ClassVar[dict[str, int]] = {"message": 100}


@dataclass(frozen=True, slots=True)
class CacheReply:
    """The most useful cards first; as many as fit are sent."""

    request_ok: bool
    cards: tuple[tuple[str, int], ...] = ()

    texts: ClassVar[dict[str, int]] = {}


Reply = UserReply | MachineReply | SimpleReply | CacheReply


def refusal(action: Action, message: str) -> Reply | None:
    """`request_ok: false` in the form the board expects; None where it expects nothing."""
    match action:
        case Action.CHECK_USER:
            return UserReply(request_ok=False)
        case Action.CHECK_MACHINE:
            return MachineReply(request_ok=False)
        case Action.SYNC_CACHE:
            return CacheReply(request_ok=False)
        case Action.ALIVE:
            return None
        case _:
            return SimpleReply(request_ok=False, message=message)


ACTIONS: dict[type, Action] = {
    CheckMachine: Action.CHECK_MACHINE,
    CheckUser: Action.CHECK_USER,
    StartUse: Action.START_USE,
    InUse: Action.IN_USE,
    StopUse: Action.STOP_USE,
    MaintenanceDone: Action.MAINTENANCE,
    Alive: Action.ALIVE,
    SyncCache: Action.SYNC_CACHE,
}


def encode(reply: Reply, topic: str, packet_limit: int) -> bytes:
    """The reply's bytes, its texts shortened until the whole packet fits the board's buffer of `packet_limit` bytes."""
    room = payload_room(topic, packet_limit)
    fields = _fields(reply)
    payload = _json(fields)
    while len(payload) > room:
        if not _shorten(fields, tuple(reply.texts)):
            raise ValueError(f"no reply fits into {packet_limit} bytes on {topic[:60]!r}")
        payload = _json(fields)
    return payload


def encode_request(request_type: str, uid: str) -> bytes:
    """A remote `start` or `stop`; an empty or shorter uid makes the board read random memory."""
    if request_type not in ("start", "stop") or not is_reader_uid(uid):
        raise ValueError("a request is start or stop, with the 8 digits of a card")
    return _json({"request_type": request_type, "uid": uid})


def payload_room(topic: str, packet_limit: int) -> int:
    """Bytes left for the payload: 1 for the type, 1 or 2 for the length, 2 and the topic itself."""
    length_bytes = 1 if packet_limit <= 129 else 2
    return packet_limit - 1 - length_bytes - 2 - len(topic.encode())


def packet_size(topic: str, payload: bytes) -> int:
    """Bytes of the PUBLISH packet (QoS 0) that carries this payload."""
    remaining = 2 + len(topic.encode()) + len(payload)
    length_bytes = 1 if remaining < 128 else 2 if remaining < 16384 else 3 if remaining < 2097152 else 4
    return 1 + length_bytes + remaining


def board_text(text: str, columns: int) -> str:
    """What the display can show of a text: ASCII, without signs that it has no letters for, cut to its columns."""
    if text.isascii() and text.isprintable():
        return text.strip()[:columns].rstrip()
    letters = "".join(character for character in text if unicodedata.category(character) not in _UNSHOWN)
    plain = "".join(character for character in anyascii(letters) if " " <= character <= "~")
    shown = " ".join(plain.split())[:columns].rstrip()
    return shown or ("?" if text.strip() else "")


# Symbols (emoji among them), their modifiers, joiners, controls, lone surrogates, private use.
_UNSHOWN = frozenset({"So", "Sk", "Cf", "Cc", "Cs", "Co", "Cn", "Me"})


def _fields(reply: Reply) -> dict[str, Any]:
    if isinstance(reply, CacheReply):
        cards = [{"uid": uid, "level": level} for uid, level in reply.cards[:MAX_CACHED_CARDS]]
        return {"request_ok": reply.request_ok, "cards": cards}
    fields = {name: getattr(reply, name) for name in reply.__dataclass_fields__ if name != "texts"}
    for name, columns in reply.texts.items():
        fields[name] = board_text(fields[name], columns)
    if isinstance(reply, MachineReply):
        # Out of range reads as 0 on the board, and a log-off of 0 means never.
        fields["logoff"] = min(fields["logoff"], 65535)
        fields["grace"] = min(fields["grace"], 65535)
        fields["type"] = fields["type"] if 0 <= fields["type"] <= 255 else 0
    return fields


def _shorten(fields: dict[str, Any], texts: tuple[str, ...]) -> bool:
    """Takes one letter from the longest text, or the last card; False when there is nothing left to take."""
    if fields.get("cards"):
        fields["cards"].pop()
        return True
    longest = max(texts, key=lambda name: len(fields[name]), default=None)
    if longest is None or not fields[longest]:
        return False
    fields[longest] = fields[longest][:-1]
    return True


def _json(fields: dict[str, Any]) -> bytes:
    return _ENCODER.encode(fields).encode("ascii")


_ENCODER = json.JSONEncoder(separators=(",", ":"))
