"""From a board's message until twenty screens show it: over plain sockets, and in pages where there is a Chromium."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator
from itertools import count
from time import perf_counter

from tests.bench import pixels, queries
from tests.bench.bench import Bench, Numbers
from tests.bench.boards import Swarm
from tests.bench.sockets import Change, Screens, Tap, just
from tests.bench.tally import percentile
from tests.bench.web import Web

SCREENS = 20
SOCKET = "/ws/dashboard/?language=en&group=type"
_CHANGING = 20  # machines
_A_SECOND = 20  # changes, when many come
_PAUSE = (0.02, 0.08)  # seconds, so that each change is alone and none keeps in step with what ticks


def tap_to_screens(bench: Bench) -> Numbers:
    assert bench.webs is not None
    taps = Taps(bench)
    with bench.webs.on(bench.webs.database) as web:
        numbers = _over_sockets(bench, web, taps) | pixels.in_chromium(bench, web, taps)
        return numbers | {"screens_megabytes": web.megabytes}


class Taps:
    """Some machines start, one after the other, then they stop, and so on."""

    def __init__(self, bench: Bench) -> None:
        self._lab = bench.lab
        self._machines = bench.lab.machine_ids[:_CHANGING]
        self._number = count()

    def rounds(self, swarm: Swarm, at_least: int) -> Iterator[Tap]:
        """Whole ones, so that everything has stopped at the end."""
        boards = {board.machine_id: board for board in swarm.boards.values()}
        for _ in range(math.ceil(at_least / 2 / len(self._machines))):
            number = next(self._number)
            for machine_id in self._machines:
                yield Tap(boards[machine_id], queries.start_use(machine_id, self._card(machine_id, number)), "in_use")
            for machine_id in self._machines:
                stop = queries.stop_use(machine_id, self._card(machine_id, number), 60 + number)
                yield Tap(boards[machine_id], stop, "free")

    def _card(self, machine_id: int, number: int) -> str:
        cards = self._lab.cards(machine_id)
        return cards[number % len(cards)]


def _over_sockets(bench: Bench, web: Web, taps: Taps) -> Numbers:
    samples = 40 if bench.is_quick else 400
    with bench.swarm() as swarm, Screens(swarm, web.address, SOCKET) as screens:
        swarm.open(bench.lab.machine_ids, lambda machine_id: just(queries.check_machine(machine_id)))
        screens.open(SCREENS)
        _many(swarm, screens, taps.rounds(swarm, 1))
        bench.tally.forget_latencies()
        alone = _alone(swarm, screens, taps.rounds(swarm, samples))
        answers = bench.tally.all_latencies()
        many = _many(swarm, screens, taps.rounds(swarm, samples))
        lost = screens.lost
    return {
        "screens_p50": percentile([change.last for change in alone], 50) * 1e3,
        "screens_p99": percentile([change.last for change in alone], 99) * 1e3,
        "screens_first_p50": percentile([change.first for change in alone], 50) * 1e3,
        "screens_answer_p50": percentile(answers, 50) * 1e3,
        "screens_many_p50": percentile([change.last for change in many], 50) * 1e3,
        "screens_many_p99": percentile([change.last for change in many], 99) * 1e3,
        "screens_missed": sum(change.missing > 0 for change in [*alone, *many]) + lost,
    }


def _alone(swarm: Swarm, screens: Screens, taps: Iterable[Tap]) -> list[Change]:
    told = []
    for tap in taps:
        change = screens.expect(tap)
        while not change.is_over:
            swarm.step()
        told.append(change)
        swarm.rest(random.uniform(*_PAUSE))
    return told


def _many(swarm: Swarm, screens: Screens, taps: Iterable[Tap]) -> list[Change]:
    """Whether the ones before are shown already or not."""
    told = []
    at = perf_counter()
    for tap in taps:
        told.append(screens.expect(tap))
        at += 1 / _A_SECOND
        swarm.rest(at - perf_counter())
    while not all(change.is_over for change in told):
        swarm.step()
    return told
