"""What one board sent and what became of it. Each board has its own, so that threads share none."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

REQUEST = "request"
UNASKED = "unasked"  # heard before anything was asked: another board on the same machine


@dataclass(slots=True)
class ActionTally:
    sent: int = 0
    answered: int = 0
    unanswered: int = 0
    lost: int = 0
    late: int = 0
    over_long: int = 0
    replayed: int = 0
    # Tenths of a millisecond, counted: a run of days has millions of answers.
    tenths: Counter[int] = field(default_factory=Counter)

    def answer_came(self, seconds: float) -> None:
        self.answered += 1
        self.tenths[round(seconds * 10_000)] += 1

    def percentile_ms(self, percent: float) -> float | None:
        """The time within which that share of the answers came; None without any."""
        needed = self.tenths.total() * percent / 100
        so_far = 0
        for tenths in sorted(self.tenths):
            so_far += self.tenths[tenths]
            if so_far >= needed:
                return tenths / 10
        return None

    def add(self, other: ActionTally) -> None:
        for name in ("sent", "answered", "unanswered", "lost", "late", "over_long", "replayed"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.tenths.update(dict(other.tenths))  # a copy: its thread may be counting


@dataclass(slots=True)
class Tally:
    actions: defaultdict[str, ActionTally] = field(default_factory=lambda: defaultdict(ActionTally))
    let_in: int = 0
    refused: int = 0
    stops: int = 0
    seconds_used: int = 0
    connections: int = 0
    power_cuts: int = 0
    forgotten: int = 0

    def of(self, action: str) -> ActionTally:
        return self.actions[action]

    def total(self) -> ActionTally:
        whole = ActionTally()
        for tally in list(self.actions.values()):
            whole.add(tally)
        return whole

    def add(self, other: Tally) -> None:
        for action, tally in list(other.actions.items()):
            self.actions[action].add(tally)
        for name in ("let_in", "refused", "stops", "seconds_used", "connections", "power_cuts", "forgotten"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def sum_of(tallies: Iterable[Tally]) -> Tally:
    whole = Tally()
    for tally in tallies:
        whole.add(tally)
    return whole
