"""What boards ask, and which answers are right."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from tests.bench.wire import publish


class Query(NamedTuple):
    kind: str
    packet: bytes
    is_right: Callable[[bytes], bool]
    seconds: int | None = None  # of the use that this ends


def check_machine(machine_id: int) -> Query:
    return Query("checkmachine", _packet(machine_id, action="checkmachine"), is_known_machine)


def check_user(machine_id: int, uid: str) -> Query:
    return Query("checkuser", _packet(machine_id, action="checkuser", uid=uid), is_granted)


def start_use(machine_id: int, uid: str, **replay: bool) -> Query:
    return Query("startuse", _packet(machine_id, action="startuse", uid=uid, **replay), is_accepted)


def stop_use(machine_id: int, uid: str, seconds: int, **replay: bool) -> Query:
    packet = _packet(machine_id, action="stopuse", uid=uid, duration=seconds, **replay)
    return Query("stopuse", packet, is_accepted, seconds)


def alive(machine_id: int) -> bytes:
    """A sign of life; nothing answers it."""
    address = f"10.0.{machine_id // 250}.{machine_id % 250 + 1}"
    return _packet(
        machine_id, action="alive", version="0.7.2,a1b2c3d", ip=address, serial=f"24:6f:{machine_id}", heap="142280"
    )


def _packet(machine_id: int, **fields: Any) -> bytes:
    return publish(f"machine/{machine_id}", json.dumps(fields, separators=(",", ":")).encode())


# Few answers differ, and reading each would cost the load generator what the worker needs.
@lru_cache(4096)
def is_accepted(payload: bytes) -> bool:
    return _fields(payload).get("request_ok") is True


@lru_cache(4096)
def is_known_machine(payload: bytes) -> bool:
    fields = _fields(payload)
    return fields.get("request_ok") is True and fields.get("is_valid") is True


@lru_cache(4096)
def is_granted(payload: bytes) -> bool:
    fields = _fields(payload)
    return is_known_machine(payload) and fields.get("level") == 1 and fields.get("missing_auth") is False


def _fields(payload: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(payload)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}
