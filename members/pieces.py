"""Long work in pieces so short that boards, which ask meanwhile, never wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import connection, transaction

SECONDS_PER_PIECE = 0.05
# SQLite does not queue: whoever waits for its lock has to find it free when it looks again.
PAUSE = 0.02


@dataclass
class Pace:
    """How many rows this computer writes in the time that others can wait."""

    most: int = 50
    rows: int = 1

    def follow(self, seconds: float) -> None:
        if seconds > SECONDS_PER_PIECE:
            self.rows = max(1, self.rows // 2)
        elif seconds < SECONDS_PER_PIECE / 2:
            self.rows = min(self.most, self.rows * 2)


def in_pieces(work: Callable[[int], int], most: int = 1000) -> Iterator[int]:
    """Calls `work(rows)`, a transaction each, until it did fewer than it was asked for; yields how many each time.

    What it has done is stored when it is told to stop: killed, it goes on where it was when it is called again.
    """
    pace = Pace(most)
    while True:
        wanted, started = pace.rows, time.monotonic()
        with transaction.atomic():
            done = work(wanted)
        pace.follow(time.monotonic() - started)
        yield done
        if done < wanted:
            return
        let_others_write()


def let_others_write() -> None:
    if connection.vendor == "sqlite":
        time.sleep(PAUSE)
