"""Who comes to one machine, when, with which card, and for how long."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from telemetry.simulation.board import Board


@dataclass(frozen=True, slots=True)
class Habits:
    """Times in minutes of the lab; shares of all visits."""

    minutes_between: float = 10.0
    minutes_of_use: float = 20.0
    unknown_cards: float = 0.04
    curious: float = 0.1  # somebody else holds a card to a busy machine
    forgetful: float = 0.06  # leaves without logging off
    diligent: float = 0.5  # staff that confirms maintenance


class People:
    def __init__(self, cards: Sequence[str], habits: Habits, chance: random.Random) -> None:
        self._cards, self._habits, self._chance = cards, habits, chance
        self._curious_at: float | None = None
        self.next_at = self._gap() / 2

    def visit(self, board: Board, now: float) -> None:
        """Somebody holds a card to the reader, if it is time."""
        if self._curious_at is not None and now >= self._curious_at:
            self._curious_at = None
            board.tap(self._somebody())
        if now < self.next_at:
            return
        if board.use is not None:
            board.tap(board.use.uid)
            self.next_at = now + self._gap()
            return
        board.tap(self._somebody(), confirms=self._chance.random() < self._habits.diligent)
        self.next_at = now + (self._stay(board, now) if board.use is not None else self._gap())

    def _stay(self, board: Board, now: float) -> float:
        length = self._length_of_use()
        if self._chance.random() < self._habits.curious:
            self._curious_at = now + length / 2
        if board.can_log_off and self._chance.random() < self._habits.forgetful:
            return board.state.logoff_minutes * 60 + self._gap()
        return length

    def _length_of_use(self) -> float:
        """Many short uses, a few very long ones."""
        return max(5.0, self._chance.lognormvariate(0.0, 0.9) * self._habits.minutes_of_use * 60)

    def _gap(self) -> float:
        return self._chance.expovariate(1 / (self._habits.minutes_between * 60))

    def _somebody(self) -> str:
        if not self._cards or self._chance.random() < self._habits.unknown_cards:
            return f"{self._chance.getrandbits(32):08x}"
        return self._chance.choice(self._cards)
