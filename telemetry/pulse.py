"""Notices that the whole process stood still (suspended, starved): what it then reads has waited for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

BEAT = 0.2
FROZEN = 1.0
THAW = 0.3  # seconds in which the network's buffers are read empty


class Pulse:
    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._last_beat: float | None = None
        self._stale_until = -1.0

    def start(self) -> None:
        self._last_beat = self._monotonic()
        threading.Thread(target=self._beat_on, name="pulse", daemon=True).start()

    def was_frozen(self, arrived: float) -> bool:
        """Whether a message stamped with `arrived` may be older than its stamp."""
        if self._last_beat is None:
            return False
        return arrived - self._last_beat > FROZEN or arrived < self._stale_until

    def beat(self) -> None:
        now = self._monotonic()
        if self._last_beat is not None and now - self._last_beat > FROZEN:
            self._stale_until = now + THAW
        self._last_beat = now

    def _beat_on(self) -> None:
        while True:
            time.sleep(BEAT)
            self.beat()
