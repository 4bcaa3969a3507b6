"""What the boards saw, counted."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

_TROUBLES = ("wrong", "unanswered", "late", "unasked", "disconnected")


@dataclass
class Tally:
    latencies: dict[str, list[float]] = field(default_factory=dict)  # seconds by kind of query
    wrong: int = 0
    unanswered: int = 0  # within the 2 s a board waits
    silent_kinds: Counter[str] = field(default_factory=Counter)  # of those, by kind of query
    late: int = 0  # of those, answered after all
    unasked: int = 0  # a board would take it for the answer to its next query
    disconnected: int = 0
    acknowledged_uses: int = 0
    acknowledged_seconds: int = 0
    samples_of_wrong: list[str] = field(default_factory=list)
    last_answer_at: float = 0.0

    def note(self, kind: str, seconds: float, now: float) -> None:
        self.latencies.setdefault(kind, []).append(seconds)
        self.last_answer_at = now

    def note_silence(self, kind: str) -> None:
        self.unanswered += 1
        self.silent_kinds[kind] += 1

    def note_wrong(self, kind: str, payload: bytes) -> None:
        self.wrong += 1
        if len(self.samples_of_wrong) < 5:
            self.samples_of_wrong.append(f"{kind}: {payload[:200]!r}")

    def forget_latencies(self) -> None:
        self.latencies.clear()

    @property
    def answered(self) -> int:
        return sum(len(kind) for kind in self.latencies.values())

    def all_latencies(self) -> list[float]:
        return [seconds for kind in self.latencies.values() for seconds in kind]

    @property
    def troubles(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in _TROUBLES if getattr(self, name)}

    @property
    def details(self) -> str:
        """Which queries, and what was wrong."""
        return " ".join([str(dict(self.silent_kinds)) if self.silent_kinds else "", *self.samples_of_wrong]).strip()

    def add_troubles(self, other: Tally) -> None:
        for name in _TROUBLES:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.acknowledged_uses += other.acknowledged_uses
        self.acknowledged_seconds += other.acknowledged_seconds
        self.samples_of_wrong += other.samples_of_wrong


def percentile(values: list[float], percent: float) -> float:
    """Nearest rank, so that it is always a value that was measured."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
