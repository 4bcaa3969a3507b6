"""Two times: the network's, which nobody can hurry, and the lab's, which may run faster."""

from __future__ import annotations

import time
from collections.abc import Callable


class Clock:
    def __init__(self, speed: float = 1.0, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.speed = speed
        self._monotonic = monotonic
        self._began = monotonic()

    def real(self) -> float:
        return self._monotonic() - self._began

    def lab(self) -> float:
        return self.real() * self.speed

    def real_until(self, lab: float) -> float:
        return max(0.0, lab / self.speed - self.real())
