"""The bench reads WebSocket frames by hand: whatever way the stream is cut, each message comes out once and whole."""

import pytest

from tests.bench.frames import CLOSE, PING, TEXT, Decoder, Refused, hello, pong

HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


def frame(kind, payload):
    size = len(payload)
    if size < 126:
        length = bytes([size])
    elif size < 65536:
        length = b"\x7e" + size.to_bytes(2, "big")
    else:
        length = b"\x7f" + size.to_bytes(8, "big")
    return bytes([0x80 | kind]) + length + payload


SAID = [(TEXT, b"a" * size) for size in (0, 1, 125, 126, 127, 65535, 65536)] + [(PING, b"?"), (CLOSE, b"\x03\xe8")]
STREAM = HEAD + b"".join(frame(*said) for said in SAID)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000, 65536, len(STREAM)])
def test_messages_come_out_whole_however_the_stream_is_cut(size):
    decoder = Decoder()
    heard = [said for at in range(0, len(STREAM), size) for said in decoder.feed(STREAM[at : at + size])]
    assert heard == SAID


def test_an_answer_that_does_not_open_the_socket_is_told():
    with pytest.raises(Refused, match="403"):
        Decoder().feed(b"HTTP/1.1 403 Access denied\r\n\r\n")


def test_a_message_in_parts_is_not_taken_for_a_whole_one():
    with pytest.raises(ValueError, match="split"):
        Decoder().feed(HEAD + bytes([TEXT, 1]) + b"a")


def test_a_pong_is_masked_as_a_client_has_to():
    assert pong(b"abc") == b"\x8a\x83\0\0\0\0abc"


def test_a_screen_says_where_its_page_is_from():
    assert b"\r\nOrigin: http://lab:8000\r\n" in hello("lab:8000", "/ws/dashboard/")
