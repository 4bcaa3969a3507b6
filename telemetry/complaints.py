"""Says in the log what is wrong with a message, and says the same thing once a minute at most."""

from __future__ import annotations

import logging
from collections.abc import Callable

from members.uids import without_cards

logger = logging.getLogger("telemetry.worker")

INTERVAL = 60.0
MAX_REMEMBERED = 100


class Complaints:
    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._said: dict[tuple[str, str], float] = {}
        self._withheld = 0

    def say(
        self, reason: str, about: str = "", level: int = logging.WARNING, *, bug: BaseException | None = None
    ) -> None:
        """`about` is cut, quoted and loses card numbers: it may be anything that anybody published. A `bug` is told
        with its traceback."""
        about = ascii(without_cards(about[:60])).replace("\\u2026", "...") if about else ""
        reason = without_cards(reason)
        now = self._monotonic()
        if now - self._said.get((reason, about), -INTERVAL) < INTERVAL:
            self._withheld += 1
            return
        if len(self._said) >= MAX_REMEMBERED:
            self._said = {key: at for key, at in self._said.items() if now - at < INTERVAL}
            if len(self._said) >= MAX_REMEMBERED and about:  # somebody invents topics; our own troubles are still said
                self._withheld += 1
                return
        self._said[(reason, about)] = now
        withheld = f" ({self._withheld} repeated complaints were left out)" if self._withheld else ""
        self._withheld = 0
        logger.log(level, "%s%s%s", f"{about}: " if about else "", reason, withheld, exc_info=bug)
