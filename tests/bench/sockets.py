"""Open sockets of the dashboard, heard in the boards' loop: when did each of them show which machine in which state?"""

from __future__ import annotations

import json
import re
import socket
from dataclasses import dataclass, field
from functools import lru_cache
from time import perf_counter

from tests.bench import frames
from tests.bench.boards import Board, Script, Swarm
from tests.bench.queries import Query

SHOWN_WITHIN = 2.0
_AT_ONCE = 32  # the server's backlog is 50; what it drops the kernel would bring again after a second
_STATE = re.compile(r'data-machine="(\d+)" data-state="(\w+)"')


@dataclass(frozen=True, slots=True)
class Tap:
    """What a board tells, and what its machine's card says then."""

    board: Board
    query: Query
    state: str

    def go(self) -> float:
        self.board.begin(just(self.query))
        return self.board.asked_at


@dataclass(slots=True)
class Change:
    """What a board has told, and when the screens showed it."""

    asked_at: float
    missing: int  # screens
    seen_by: set[Screen] = field(default_factory=set)
    first: float = 0.0  # seconds
    last: float = 0.0

    @property
    def is_over(self) -> bool:
        return not self.missing or perf_counter() - self.asked_at > SHOWN_WITHIN

    def note(self, screen: Screen, now: float) -> None:
        if screen in self.seen_by:
            return
        self.first = self.first or now - self.asked_at
        self.last = now - self.asked_at
        self.seen_by.add(screen)
        self.missing -= 1


class Screen:
    __slots__ = ("decoder", "is_greeted", "sock")

    def __init__(self, address: tuple[str, int], path: str) -> None:
        self.decoder = frames.Decoder()
        self.is_greeted = False
        self.sock = socket.create_connection(address, timeout=5)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.sendall(frames.hello(f"{address[0]}:{address[1]}", path))


class Screens:
    def __init__(self, swarm: Swarm, address: tuple[str, int], path: str) -> None:
        self._swarm = swarm
        self._address = address
        self._path = path
        self._screens: list[Screen] = []
        self._awaited: dict[tuple[int, str], Change] = {}
        self.lost = 0

    def __enter__(self) -> Screens:
        return self

    def __exit__(self, *error: object) -> None:
        for screen in self._screens:
            self._swarm.unwatch(screen.sock)
            screen.sock.close()

    @property
    def greeted(self) -> int:
        return sum(screen.is_greeted for screen in self._screens)

    def open(self, count: int, limit: float = 30.0) -> None:
        """Until each has been greeted."""
        end = perf_counter() + limit
        wanted = len(self._screens) + count
        while self.greeted < wanted and perf_counter() < end:
            for _ in range(min(wanted - len(self._screens), self.greeted + _AT_ONCE - len(self._screens))):
                self._connect()
            self._swarm.step()

    def expect(self, tap: Tap) -> Change:
        """From now on."""
        change = Change(perf_counter(), len(self._screens))
        self._awaited[tap.board.machine_id, tap.state] = change
        change.asked_at = tap.go()
        return change

    def _connect(self) -> None:
        screen = Screen(self._address, self._path)
        self._screens.append(screen)
        self._swarm.watch(screen.sock, lambda: self._hear(screen))

    def _hear(self, screen: Screen) -> None:
        data = screen.sock.recv(1 << 20)
        now = perf_counter()
        if not data:
            self._lose(screen)
            return
        for kind, payload in screen.decoder.feed(data):
            if kind == frames.TEXT:
                screen.is_greeted = True
                self._take(screen, payload, now)
            elif kind == frames.PING:
                screen.sock.sendall(frames.pong(payload))

    def _take(self, screen: Screen, payload: bytes, now: float) -> None:
        for shown in _shown_in(payload):
            if (change := self._awaited.get(shown)) is not None:
                change.note(screen, now)

    def _lose(self, screen: Screen) -> None:
        self.lost += 1
        self._swarm.unwatch(screen.sock)
        self._screens.remove(screen)
        screen.sock.close()


def just(query: Query) -> Script:
    yield query


# All screens get the same text, and reading it twenty times would cost what the server needs.
@lru_cache(16)
def _shown_in(payload: bytes) -> list[tuple[int, str]]:
    message = json.loads(payload)
    texts = [message.get("grid", ""), *(card or "" for card in message.get("cards", {}).values())]
    return [(int(machine), state) for text in texts for machine, state in _STATE.findall(text)]
