"""The ten cards a board remembers for when nobody can decide."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from telemetry.protocol import MAX_CACHED_CARDS


class CardCache:
    def __init__(self, cards: Iterable[tuple[str, int]] = ()) -> None:
        self._levels: OrderedDict[str, int] = OrderedDict(cards)

    def level(self, uid: str) -> int:
        return self._levels.get(uid, 0)

    def learn(self, uid: str, level: int) -> None:
        """A yes is remembered, a definite no forgotten; the one not seen for longest makes room."""
        self._levels.pop(uid, None)
        if level > 0:
            self._levels[uid] = level
        while len(self._levels) > MAX_CACHED_CARDS:
            self._levels.popitem(last=False)

    def snapshot(self) -> tuple[tuple[str, int], ...]:
        return tuple(self._levels.items())
