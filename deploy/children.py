"""Child processes with a name: what they say, their death, their end."""

from __future__ import annotations

import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

TAIL_LINES = 15
STOP_SECONDS = 5.0
TICK_SECONDS = 0.1
_PR_SET_PDEATHSIG = 1
# Loaded here: between fork and exec nothing may be imported.
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class StopRequested(Exception):
    """Ctrl-C, SIGTERM, or the terminal was closed."""


@dataclass
class Child:
    name: str
    process: subprocess.Popen[bytes]
    is_quiet: bool = False
    leaves_last: bool = False
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))
    unfinished_line: bytes = b""

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    @property
    def end(self) -> str:
        code = self.process.returncode
        if code is not None and code < 0:
            with suppress(ValueError):
                return f"was killed by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"


class ChildDied(Exception):
    def __init__(self, child: Child) -> None:
        self.child = child
        super().__init__(child.name)

    def __str__(self) -> str:
        lines = "".join(f"\n    {line}" for line in self.child.tail) or "\n    (it said nothing)"
        return f"{self.child.name} {self.child.end}. The last it said:{lines}"


class Supervisor:
    """Starts children, shows what they say, and knows when one dies; one thread, so that forking is safe."""

    def __init__(self, folder: Path, show: Callable[[str], None] = print) -> None:
        self._folder = folder
        self._show = show
        self._children: list[Child] = []
        self._selector = selectors.DefaultSelector()
        self._is_stop_requested = False

    def obey_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._request_stop)

    def start(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        is_quiet: bool = False,
        leaves_last: bool = False,
    ) -> Child:
        """A quiet child is only heard of when it dies; one that leaves last is stopped after the others."""
        process = subprocess.Popen(  # noqa: S603  (commands are ours)
            command,
            bufsize=0,
            cwd=self._folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # A Ctrl-C at the terminal is for us alone: we stop them in order.
            start_new_session=True,
            preexec_fn=_die_with(os.getpid()) if _LIBC is not None else None,
        )
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        child = Child(name, process, is_quiet, leaves_last)
        self._selector.register(process.stdout, selectors.EVENT_READ, child)
        self._children.append(child)
        return child

    def run(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> int:
        """Waits for a child that is meant to end, and returns its exit code."""
        child = self.start(name, command, environment)
        while child.is_alive:
            self._tick(expected_to_end=child)
        self._forget(child)
        return child.process.returncode

    def wait_until(self, is_so: Callable[[], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > deadline:
                return False
            self._tick()
        return True

    def watch(self) -> None:
        """Never returns: raises StopRequested or ChildDied."""
        while True:
            self._tick()

    def stop(self) -> None:
        self._stop([child for child in self._children if not child.leaves_last])
        self._stop([child for child in self._children if child.leaves_last])
        self._selector.close()

    def _request_stop(self, *_: object) -> None:
        self._is_stop_requested = True

    def _tick(self, expected_to_end: Child | None = None) -> None:
        self._listen()
        if self._is_stop_requested:
            raise StopRequested
        for child in self._children:
            if child is not expected_to_end and not child.is_alive:
                self._forget(child)
                raise ChildDied(child)

    def _listen(self) -> None:
        for key, _events in self._selector.select(TICK_SECONDS):
            self._read(key.data)
        if not self._selector.get_map():
            time.sleep(TICK_SECONDS)

    def _read(self, child: Child) -> bool:
        """Whether there may be more to read at once."""
        assert child.process.stdout is not None
        data = child.process.stdout.read(65536)
        if data is None:
            return False
        if not data:
            self._selector.unregister(child.process.stdout)
            child.process.stdout.close()
        *lines, child.unfinished_line = (child.unfinished_line + data).split(b"\n")
        for line in lines:
            self._say(child, line)
        return bool(data)

    def _say(self, child: Child, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip()
        child.tail.append(text)
        if not child.is_quiet:
            # A closed terminal must not keep us from stopping the others.
            with suppress(OSError):
                self._show(f"{child.name:<7}| {text}")

    def _forget(self, child: Child) -> None:
        """Hears a dead child out."""
        assert child.process.stdout is not None
        while not child.process.stdout.closed and self._read(child):
            pass
        if not child.process.stdout.closed:
            self._selector.unregister(child.process.stdout)
            child.process.stdout.close()
        if child.unfinished_line:
            self._say(child, child.unfinished_line)
        self._children.remove(child)

    def _stop(self, children: list[Child]) -> None:
        for child in children:
            if child.is_alive:
                child.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        while any(child.is_alive for child in children) and time.monotonic() < deadline:
            self._listen()
        for child in children:
            if child.is_alive:
                child.process.kill()
                child.process.wait()
            self._forget(child)


def _die_with(parent: int) -> Callable[[], None]:
    """Asks Linux to end the child when we are killed without a chance to do it ourselves."""

    def ask() -> None:
        assert _LIBC is not None
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return ask
