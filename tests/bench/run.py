"""One run: the floor first, then the worker with each history, every scenario in the same order."""

from __future__ import annotations

import argparse
import gc
import os
import platform
import sys
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from time import perf_counter

from tests.bench.backends import Backend, Database, NotReady, echo, worker
from tests.bench.bench import Bench, Numbers, Scenario
from tests.bench.broker import Broker
from tests.bench.cpu import Others, seconds_of
from tests.bench.lab import Lab
from tests.bench.scenarios import SCENARIOS
from tests.bench.table import FLOOR
from tests.bench.tally import Tally, percentile
from tests.bench.web import Webs


class Run:
    def __init__(self, options: argparse.Namespace, directory: Path) -> None:
        self.options = options
        self.directory = directory
        self.lab = Lab(options.machines, options.members)
        self.scenarios = [scenario for scenario in SCENARIOS if not options.only or scenario.name in options.only]
        self.remarks: list[str] = []
        self.circumstances = (
            f"{os.cpu_count()} cores ({platform.machine()}), load {os.getloadavg()[0]:.1f}, Python "
            f"{platform.python_version()}, fsync {_fsync_ms(directory):.2f} ms; {options.machines} machines, "
            f"{options.members} members"
        )

    def columns(self) -> dict[str, Numbers]:
        gc.disable()  # a pause of the load would look like one of the worker
        columns: dict[str, Numbers] = {}
        with Broker(self._room("broker")) as broker:
            directory = self._room("echo")
            columns[FLOOR], _tally = self._measure(FLOOR, broker, echo(broker, self.lab, directory))
        for uses in self.options.history:
            name = f"history {uses:,}"
            try:
                columns[name] = self._worker(name, uses)
            except NotReady as error:
                self.remarks.append(f"{name}: the worker does not answer.\n{error}")
        return columns

    def _worker(self, name: str, uses: int) -> Numbers:
        directory = self._room(f"worker-{uses}")
        database = Database(directory, self.lab)
        _say(f"{name}: filling the database")
        database.fill(uses)
        before = database.audit()
        with Broker(directory) as broker:
            floor = self._floor_now(name, broker, directory)
            webs = Webs(database, broker, directory, self.directory / "static")
            numbers, tally = self._measure(name, broker, worker(broker, database, directory), webs)
        numbers |= floor
        after = database.audit()
        numbers["wrong_odometers"] = after["wrong_odometers"]
        self.remarks.append(_hours(name, before, after, tally))
        return numbers

    def _floor_now(self, name: str, broker: Broker, directory: Path) -> Numbers:
        """Minutes later a shared machine is another one: what is compared with the floor needs one of its moment."""
        beside = [scenario for scenario in self.scenarios if scenario.name == "checkuser"]
        numbers: Numbers = {}
        for scenario in beside:
            with echo(broker, self.lab, directory) as backend:
                numbers = self._scenario(f"{name}, floor", scenario, broker, backend, Tally())
        return {f"floor_{key}": value for key, value in numbers.items()}

    def _measure(
        self, name: str, broker: Broker, process: AbstractContextManager[Backend], webs: Webs | None = None
    ) -> tuple[Numbers, Tally]:
        """Without webs there is no database either."""
        total = Tally()
        has_grown = False
        with process as backend:
            others = Others(broker.pid, backend.child.pid)
            numbers: Numbers = {"start_up": backend.start_up}
            for scenario in self.scenarios:
                if scenario.needs_web and webs is None:
                    continue
                if scenario.needs_crowd and not has_grown and webs is not None:
                    webs.database.grow()
                    has_grown = True
                numbers |= self._scenario(name, scenario, broker, backend, total, webs)
                if not backend.child.is_running:
                    raise NotReady(backend.child.last_words())
            numbers |= {"megabytes": backend.megabytes, "others": others.percent()}
        numbers["troubles"] = sum(total.troubles.values()) - total.late  # late ones are unanswered already
        if backend.child.exit_code and webs is not None:
            self.remarks.append(f"{name}: exit code {backend.child.exit_code}: {backend.child.last_words()}")
        return numbers, total

    def _scenario(
        self,
        name: str,
        scenario: Scenario,
        broker: Broker,
        backend: Backend,
        total: Tally,
        webs: Webs | None = None,
    ) -> Numbers:
        _say(f"{name}: {scenario.name}")
        tally = Tally()
        cpu = partial(seconds_of, backend.child.pid)

        def remark(text: str) -> None:
            self.remarks.append(f"{name}, {scenario.name}: {text}")

        numbers = scenario.measure(Bench(broker.address, self.lab, self.options.quick, tally, cpu, remark, webs))
        total.add_troubles(tally)
        if tally.troubles:
            remark(f"{tally.troubles} {tally.details}".rstrip())
        gc.collect()
        return numbers

    def _room(self, name: str) -> Path:
        room = self.directory / name
        room.mkdir()
        return room


def _fsync_ms(directory: Path) -> float:
    """What durability costs on this disk, the floor of a start or stop."""
    times = []
    with (directory / "fsync").open("wb", buffering=0) as file:
        for _ in range(30):
            file.write(b"x" * 4096)
            begun = perf_counter()
            os.fsync(file.fileno())
            times.append(perf_counter() - begun)
    return percentile(times, 50) * 1e3


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _hours(name: str, before: dict[str, int], after: dict[str, int], tally: Tally) -> str:
    exact = after["machines"] - after["wrong_odometers"]
    uses, seconds = (after[key] - before[key] for key in ("uses", "seconds"))
    return (
        f"{name}: {exact:,} of {after['machines']:,} odometers equal the sum of their uses; recorded {uses:,} uses of "
        f"{seconds:,} s, acknowledged {tally.acknowledged_uses:,} of {tally.acknowledged_seconds:,} s"
    )
