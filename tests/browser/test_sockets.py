"""Those who speak to the socket without a browser, to do harm or in great numbers."""

import time

import pytest
import websocket

from tests.broker.lab import until
from tests.browser.lab import SOON, closing, frames

NOT_EXPECTED = 4400


@pytest.fixture
def wall(the_lab, browser):
    """A page that has to keep living, whatever others do."""
    page = browser.open()
    until(page.is_live)
    yield page
    saw = the_lab.fresh_saw()
    the_lab.start_use(saw)
    until(lambda: page.state(saw) == "in_use", SOON, what="others have harmed the page")


@pytest.mark.parametrize("words", ["x", "", '{"type": "hello"}', pytest.param("\N{BUG}" * 1000, id="bugs")])
def test_whoever_says_anything_is_closed_with_a_code_that_says_why(the_lab, wall, words):
    socket = the_lab.web.socket()
    socket.send(words)
    assert closing(socket) == NOT_EXPECTED


def test_bytes_that_are_no_text_are_closed_too(the_lab, wall):
    socket = the_lab.web.socket()
    socket.send_binary(bytes(range(256)))
    assert closing(socket) == NOT_EXPECTED


@pytest.mark.parametrize("messages", [["x" * 2_000_000], ["again"] * 10_000], ids=["two megabytes", "a flood"])
def test_too_much_is_cut_off(the_lab, wall, messages):
    """The line may break before the code arrives."""
    socket = the_lab.web.socket()
    try:
        for message in messages:
            socket.send(message)
        closing(socket)
    except (OSError, websocket.WebSocketConnectionClosedException):
        pass
    assert is_over(socket)


def is_over(socket):
    """What it was told before that may still be on the line."""
    try:
        while socket.sock is not None and socket.sock.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://127.0.0.1:1", "null", "http://127.0.0.1.evil.example"]
)
def test_a_page_from_elsewhere_is_not_let_in(the_lab, origin):
    with pytest.raises(websocket.WebSocketBadStatusException) as refusal:
        the_lab.web.socket(origin=origin)
    assert refusal.value.status_code == 403


@pytest.mark.parametrize("path", ["/ws/", "/ws/dashboard", "/", "/ws/dashboard/more/"])
def test_there_is_no_other_socket(the_lab, path):
    with pytest.raises(websocket.WebSocketBadStatusException):
        the_lab.web.socket(path)


@pytest.mark.parametrize(
    "query",
    ["language=xx&group=zz&machine=-1&revision=%00", pytest.param("revision=" + "9" * 3000, id="long"), "%F0%28&&=="],
)
def test_questions_that_make_no_sense_are_answered_like_none(the_lab, query):
    assert "grid" in next(frames(the_lab.web.socket(f"/ws/dashboard/?{query}")))


def test_two_hundred_screens_hear_of_a_tap(the_lab, wall):
    sockets = [the_lab.web.socket(timeout=10) for _screen in range(200)]
    screens = [frames(socket) for socket in sockets]
    assert all("grid" in next(screen) for screen in screens)
    saw = the_lab.fresh_saw()
    until_told(screens, saw, "free")
    the_lab.start_use(saw)
    began = time.monotonic()
    until_told(screens, saw, "in_use")
    assert time.monotonic() - began < SOON
    for socket in sockets:
        socket.close()


def until_told(screens, machine, state):
    for screen in screens:
        next(message for message in screen if f'data-state="{state}"' in message.get("cards", {}).get(str(machine), ""))
