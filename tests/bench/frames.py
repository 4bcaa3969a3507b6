"""As much of WebSocket (RFC 6455) as a screen speaks, without a client library: two hundred must cost little."""

from __future__ import annotations

import base64
import os

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
_END_OF_HEAD = b"\r\n\r\n"


def hello(host: str, path: str) -> bytes:
    """From a page of that host."""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    ).encode()


def pong(payload: bytes) -> bytes:
    """Clients mask what they send; a mask of zeros changes nothing."""
    return bytes([0x80 | PONG, 0x80 | len(payload)]) + bytes(4) + payload


class Refused(Exception):
    """What the server said instead of opening the socket."""


class Decoder:
    """What the server says, out of a stream that splits and joins it: first its answer to our hello, then frames."""

    __slots__ = ("_rest", "is_open")

    def __init__(self) -> None:
        self._rest = bytearray()
        self.is_open = False

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Kind and payload of each frame that is complete now."""
        self._rest += data
        if not self.is_open and not self._take_head():
            return []
        frames = []
        start = 0
        while (span := _span(self._rest, start)) is not None:
            begin, end = span
            if not self._rest[start] & 0x80:
                raise ValueError("daphne does not split messages")
            frames.append((self._rest[start] & 0x0F, bytes(self._rest[begin:end])))
            start = end
        del self._rest[:start]
        return frames

    def _take_head(self) -> bool:
        end = self._rest.find(_END_OF_HEAD)
        if end < 0:
            return False
        line = bytes(self._rest[:end]).split(b"\r\n", 1)[0].decode("latin-1")
        if line.split(" ")[1:2] != ["101"]:
            raise Refused(line)
        del self._rest[: end + len(_END_OF_HEAD)]
        self.is_open = True
        return True


def _span(data: bytearray, start: int) -> tuple[int, int] | None:
    """Where the payload of the frame at `start` begins and ends; None while part of it is missing."""
    begin = start + 2
    if len(data) < begin:
        return None
    length = data[start + 1]
    if length & 0x80:
        raise ValueError("servers mask nothing")
    if length >= 126:
        size = 2 if length == 126 else 8
        length = int.from_bytes(data[begin : begin + size], "big") if len(data) >= begin + size else len(data)
        begin += size
    end = begin + length
    return (begin, end) if end <= len(data) else None
