"""What the boards saw, counted."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass
class Tally:
    latencies: dict[str, list[float]] = field(default_factory=dict)  # seconds by kind of query
    wrong: int = 0
    unanswered: int = 0  # within the 2 s a board waits
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
        names = ("wrong", "unanswered", "late", "unasked", "disconnected")
        return {name: getattr(self, name) for name in names if getattr(self, name)}

    def add_troubles(self, other: Tally) -> None:
        for name in ("wrong", "unanswered", "late", "unasked", "disconnected"):
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
