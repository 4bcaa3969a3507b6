"""A lab of boards, each in a thread of its own, until the time is up or somebody stops it."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from telemetry.broker_address import BrokerAddress
from telemetry.protocol import Topics
from telemetry.simulation.board import Board, BoardIdentity
from telemetry.simulation.clock import Clock
from telemetry.simulation.conversation import WatchdogBites
from telemetry.simulation.happenings import Kind, Tell
from telemetry.simulation.paho_line import PahoLine
from telemetry.simulation.people import Habits, People

CLIENT_IDS = 1000  # BOARD0 to BOARD999
STARTS_WITHIN = 1.0
POWER_CUTS_WITHIN = 1800.0  # lab time, where the run has no end


@dataclass(frozen=True, slots=True)
class Plan:
    machines: Sequence[str]
    address: BrokerAddress
    topics: Topics
    cards: Sequence[str] = ()
    habits: Habits = field(default_factory=Habits)
    speed: float = 1.0
    duration: float | None = None  # real seconds
    seed: int = 0
    power_cuts: int = 0
    syncs_cards: bool = False


class Lab:
    def __init__(self, plan: Plan, tell: Tell) -> None:
        self.stop = threading.Event()
        self.problem: Exception | None = None
        self.clock = Clock(plan.speed)
        self._plan = plan
        copies: Counter[str] = Counter()
        self.boards: list[Board] = []
        self._threads: list[threading.Thread] = []
        cuts = _power_cuts(plan)
        for index, machine in enumerate(plan.machines):
            chance = random.Random(f"{plan.seed} {index} {machine}")  # noqa: S311
            board = self._board(index, machine, copies[machine], chance, tell)
            copies[machine] += 1
            people = People(plan.cards, plan.habits, chance)
            self.boards.append(board)
            self._threads.append(
                threading.Thread(
                    target=self._live, args=(board, people, cuts[index], chance), name=f"board-{machine}", daemon=True
                )
            )

    def run(self, every: float, report: Callable[[float], None]) -> None:
        """Returns when the time is up, `stop` is set, or a board met a problem that does not pass."""
        for thread in self._threads:
            thread.start()
        while not self.stop.wait(self._until_next_report(every)):
            if self._plan.duration is not None and self.clock.real() >= self._plan.duration:
                break
            report(self.clock.real())
        self.stop.set()
        for thread in self._threads:
            thread.join()

    def _until_next_report(self, every: float) -> float:
        if self._plan.duration is None:
            return every
        return min(every, max(0.0, self._plan.duration - self.clock.real()))

    def _board(self, index: int, machine: str, copy: int, chance: random.Random, tell: Tell) -> Board:
        # The same in every run: a backend may take a new serial on an old machine for a swapped board.
        serial = f"{copy:02x}51b0a2{int(machine):04x}"
        identity = BoardIdentity(machine, serial, f"10.{copy}.{int(machine) // 256}.{int(machine) % 256}")
        mine = range(index, CLIENT_IDS, len(self._plan.machines))
        return Board(
            identity,
            self._plan.topics,
            PahoLine(self._plan.address),
            self.clock,
            tell,
            new_client_id=lambda: f"BOARD{chance.choice(mine)}",
            chance=chance,
            syncs_cards=self._plan.syncs_cards,
        )

    def _live(self, board: Board, people: People, cuts: list[float], chance: random.Random) -> None:
        try:
            self.stop.wait(chance.uniform(0, STARTS_WITHIN))
            while not self.stop.is_set():
                self._turn(board, people, cuts)
        except Exception as problem:  # a dead thread has to end the run, not to go unnoticed
            self.problem = self.problem or problem
            self.stop.set()
        finally:
            board.hang_up()

    def _turn(self, board: Board, people: People, cuts: list[float]) -> None:
        if cuts and self.clock.real() >= cuts[0]:
            cuts.pop(0)
            board.lose_power()
        try:
            board.attend(_turn_length(self.clock.speed))
            people.visit(board, self.clock.lab())
        except WatchdogBites:
            board.lose_power(Kind.WATCHDOG)


def _turn_length(speed: float) -> float:
    """Five seconds of the lab, as far as a processor with a hundred boards can follow."""
    return min(0.25, max(0.02, 5 / speed))


def _power_cuts(plan: Plan) -> list[list[float]]:
    """For each board, when it loses power: the real seconds, in order."""
    chance = random.Random(f"{plan.seed} power")  # noqa: S311
    span = plan.duration if plan.duration is not None else POWER_CUTS_WITHIN / plan.speed
    cuts: list[list[float]] = [[] for _machine in plan.machines]
    order = chance.sample(range(len(cuts)), len(cuts))
    for number in range(plan.power_cuts):
        cuts[order[number % len(order)]].append(chance.uniform(0.2, 0.8) * span)
    return [sorted(times) for times in cuts]


def random_seed() -> int:
    return time.time_ns() % 1_000_000
