"""Processes of this run only: started, watched and ended by their id."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Child:
    """A process that ends with the `with` block, whatever happens in it; what it says goes to a file."""

    def __init__(self, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.command = list(command)
        self.log = log
        self.env = env
        self.exit_code: int | None = None

    def __enter__(self) -> Child:
        with self.log.open("wb") as log:
            # Its own session: Ctrl-C is ours to handle, so that everything ends in order.
            self._process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.env, stdout=log, stderr=log, start_new_session=True
            )
        self.started = time.perf_counter()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        self._process.terminate()
        try:
            self.exit_code = self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self.exit_code = self._process.wait(5)

    def last_words(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]
