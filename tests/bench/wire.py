"""As much of MQTT 3.1.1 as a board speaks, without a client library: the load must cost less than what it measures."""

from __future__ import annotations

CONNACK, PUBLISH, SUBACK, PINGRESP = 2, 3, 9, 13
PING = b"\xc0\x00"


def connect(client_id: str, keep_alive: int) -> bytes:
    clean_session = 2
    header = _text("MQTT") + bytes([4, clean_session]) + keep_alive.to_bytes(2, "big")
    return _packet(0x10, header + _text(client_id))


def subscribe(*topics: str) -> bytes:
    return _packet(0x82, b"\x00\x01" + b"".join(_text(topic) + b"\x00" for topic in topics))


def publish(topic: str, payload: bytes) -> bytes:
    return _packet(0x30, _text(topic) + payload)


def published(body: bytes) -> tuple[bytes, bytes]:
    """Topic and payload of a QoS 0 PUBLISH."""
    end = 2 + (body[0] << 8 | body[1])
    return body[2:end], body[end:]


class Decoder:
    """Packets out of a stream that splits and joins them."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Type and body of each packet that is complete now."""
        if self._rest:
            data = self._rest + data
        packets = []
        start = 0
        while (span := _span(data, start)) is not None:
            begin, end = span
            packets.append((data[start] >> 4, data[begin:end]))
            start = end
        self._rest = data[start:]
        return packets


def _span(data: bytes, start: int) -> tuple[int, int] | None:
    """Where the body of the packet at `start` begins and ends; None while part of it is missing."""
    length = shift = 0
    for begin in range(start + 1, len(data)):
        length |= (data[begin] & 0x7F) << shift
        shift += 7
        if data[begin] < 0x80:
            end = begin + 1 + length
            return (begin + 1, end) if end <= len(data) else None
        if shift > 21:
            raise ValueError("no MQTT packet is that long")
    return None


def _packet(head: int, body: bytes) -> bytes:
    return bytes([head]) + _length(len(body)) + body


def _length(size: int) -> bytes:
    digits = bytearray()
    while True:
        size, digit = divmod(size, 128)
        digits.append(digit | 0x80 if size else digit)
        if not size:
            return bytes(digits)


def _text(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(2, "big") + encoded
