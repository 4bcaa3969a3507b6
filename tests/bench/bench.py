"""What a scenario is, and what it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.bench.boards import Swarm
from tests.bench.lab import Lab
from tests.bench.tally import Tally
from tests.bench.web import Webs

Numbers = dict[str, float]


@dataclass
class Bench:
    address: tuple[str, int]
    lab: Lab
    is_quick: bool
    tally: Tally  # of this scenario
    backend_cpu: Callable[[], float]  # seconds it has used
    remark: Callable[[str], None]
    webs: Webs | None = None  # none where there is no database

    @property
    def seconds(self) -> float:
        return 1.5 if self.is_quick else 6.0

    @property
    def samples(self) -> int:
        return 1000 if self.is_quick else 4000

    def swarm(self) -> Swarm:
        return Swarm(self.address, self.tally)


@dataclass(frozen=True)
class Scenario:
    name: str
    measure: Callable[[Bench], Numbers]
    needs_crowd: bool = False
    needs_web: bool = False
