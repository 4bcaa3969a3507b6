"""Any number of boards in one loop. Each runs a script: it asks one query, waits for the answer, asks the next.

TCP_NODELAY is set, unlike on real boards, so that 40 ms of the client's own do not hide what the backend takes.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Generator, Iterable
from time import perf_counter

from tests.bench import wire
from tests.bench.queries import Query
from tests.bench.tally import Tally

PATIENCE = 2.0  # what a board waits for an answer
LATE_UNTIL = 4.0  # then it has reconnected
KEEP_ALIVE = 10
_CONNECTING_AT_ONCE = 64  # the broker's backlog is 100; what it drops the kernel would bring again after a second

Script = Generator[Query, bool | None, None]  # is told whether the answer came in time
ScriptOf = Callable[[int], Script]


class Board:
    __slots__ = (
        "asked_at",
        "decoder",
        "is_online",
        "is_overdue",
        "machine_id",
        "query",
        "reply_topic",
        "script",
        "sock",
    )

    def __init__(self, machine_id: int, address: tuple[str, int]) -> None:
        self.machine_id = machine_id
        self.reply_topic = f"machine/{machine_id}/reply".encode()
        self.decoder = wire.Decoder()
        self.script: Script | None = None
        self.query: Query | None = None
        self.is_online = self.is_overdue = False
        self.asked_at = perf_counter()
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.connect_ex(address)

    def send(self, packet: bytes) -> None:
        if self.sock.send(packet) != len(packet):
            raise OSError("the broker reads too slowly")

    def say_hello(self) -> None:
        self.send(wire.connect(f"BOARD{self.machine_id}", KEEP_ALIVE))

    def listen(self) -> None:
        topic = f"machine/{self.machine_id}"
        self.send(wire.subscribe(f"{topic}/reply", f"{topic}/request"))

    def begin(self, script: Script | None) -> None:
        self.script = script
        self.proceed(None)

    def proceed(self, in_time: bool | None) -> None:
        """Asks the script's next query; the script ends where there is none."""
        self.is_overdue = False
        try:
            self.query = self.script.send(in_time) if self.script is not None else None
        except StopIteration:
            self.script = self.query = None
        if self.query is None:
            return
        self.asked_at = perf_counter()
        self.send(self.query.packet)


class Swarm:
    def __init__(self, address: tuple[str, int], tally: Tally) -> None:
        self.address = address
        self.tally = tally
        self.boards: dict[int, Board] = {}  # by file descriptor
        self._watched: dict[int, Callable[[], object]] = {}
        self._poll = select.epoll()
        self._next_look = 0.0

    def __enter__(self) -> Swarm:
        return self

    def __exit__(self, *error: object) -> None:
        for board in self.boards.values():
            board.sock.close()
        self._poll.close()

    def open(self, machine_ids: Iterable[int], script_of: ScriptOf | None = None, limit: float = 20.0) -> None:
        """Connects and subscribes; a board with a script begins it as soon as it is subscribed."""
        waiting = list(machine_ids)[::-1]
        end = perf_counter() + limit
        opened: list[Board] = []
        while (waiting or not all(board.is_online for board in opened)) and perf_counter() < end:
            opened = [board for board in opened if not board.is_online]
            for _ in range(min(len(waiting), _CONNECTING_AT_ONCE - len(opened))):
                board = self._connect(waiting.pop())
                board.script = script_of(board.machine_id) if script_of is not None else None
                opened.append(board)
            self.step()
        if waiting or not all(board.is_online for board in opened):
            raise SystemExit("The boards cannot connect to the broker.")

    def run(self, script_of: ScriptOf | None = None, limit: float = 60.0) -> None:
        """Until every script has ended, or the time is over."""
        end = perf_counter() + limit
        if script_of is not None:
            for board in list(self.boards.values()):
                board.begin(script_of(board.machine_id))
        while perf_counter() < end:
            self.step()
            if self._looks_at_clock() and not any(board.script for board in self.boards.values()):
                return

    def rest(self, seconds: float) -> None:
        """Nothing new is asked; what comes is heard."""
        end = perf_counter() + seconds
        while True:
            self._looks_at_clock()
            self.step(min(max(0.0, end - perf_counter()), 0.1))
            if perf_counter() >= end:
                return

    def watch(self, sock: socket.socket, on_readable: Callable[[], object]) -> None:
        """Something else that is heard in the same loop."""
        self._watched[sock.fileno()] = on_readable
        self._poll.register(sock, select.EPOLLIN)

    def unwatch(self, sock: socket.socket) -> None:
        self._poll.unregister(sock)
        del self._watched[sock.fileno()]

    def _connect(self, machine_id: int) -> Board:
        board = Board(machine_id, self.address)
        self.boards[board.sock.fileno()] = board
        self._poll.register(board.sock, select.EPOLLOUT)
        return board

    def step(self, patience: float = 0.02) -> None:
        for descriptor, events in self._poll.poll(patience):
            if descriptor in self._watched:
                self._watched[descriptor]()
                continue
            board = self.boards[descriptor]
            try:
                if events & select.EPOLLOUT:
                    self._poll.modify(descriptor, select.EPOLLIN)
                    board.say_hello()
                else:
                    self._receive(board)
            except OSError:
                self._drop(board)

    def _receive(self, board: Board) -> None:
        data = board.sock.recv(65536)
        now = perf_counter()
        if not data:
            raise ConnectionResetError
        for kind, body in board.decoder.feed(data):
            if kind == wire.PUBLISH:
                self._answer(board, body, now)
            elif kind == wire.CONNACK:
                board.listen()
            elif kind == wire.SUBACK:
                board.is_online = True
                board.begin(board.script)

    def _answer(self, board: Board, body: bytes, now: float) -> None:
        topic, payload = wire.published(body)
        query = board.query
        if topic != board.reply_topic:
            return
        if query is None:
            self.tally.unasked += 1
            return
        waited = now - board.asked_at
        if waited > PATIENCE:
            self.tally.late += 1
            if not board.is_overdue:
                self.tally.note_silence(query.kind)
        self.tally.note(query.kind, waited, now)
        if not query.is_right(payload):
            self.tally.note_wrong(query.kind, payload)
        elif query.seconds is not None:
            self.tally.acknowledged_uses += 1
            self.tally.acknowledged_seconds += query.seconds
        board.proceed(waited <= PATIENCE)

    def _looks_at_clock(self) -> bool:
        """Now and then: boards lose patience, and show the broker that they live."""
        now = perf_counter()
        if now < self._next_look:
            return False
        self._next_look = now + 0.1
        self._look_at_clock(now)
        return True

    def _look_at_clock(self, now: float) -> None:
        for board in list(self.boards.values()):
            waited = now - board.asked_at
            try:
                if board.query is None and board.is_online and waited > KEEP_ALIVE / 2:
                    board.asked_at = now
                    board.send(wire.PING)
                elif board.query is not None and waited > LATE_UNTIL:
                    board.proceed(False)
                elif board.query is not None and waited > PATIENCE and not board.is_overdue:
                    board.is_overdue = True
                    self.tally.note_silence(board.query.kind)
            except OSError:
                self._drop(board)

    def _drop(self, board: Board) -> None:
        self.tally.disconnected += 1
        self._poll.unregister(board.sock)
        del self.boards[board.sock.fileno()]
        board.sock.close()
        board.query = board.script = None
