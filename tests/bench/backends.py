"""What answers the boards: the echo that is the floor, and the worker with a database of its own."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import psutil

from tests.bench import queries
from tests.bench.boards import Script, Swarm
from tests.bench.broker import Broker
from tests.bench.child import ROOT, Child, python
from tests.bench.lab import Lab
from tests.bench.tally import Tally

READY_WITHIN = 30.0


class NotReady(Exception):
    pass


class Backend:
    """A process that answers on the broker, and the seconds it took to give its first answer."""

    def __init__(self, child: Child, broker: Broker, lab: Lab) -> None:
        self.child = child
        self.start_up = _until_answered(child, broker, lab.spare_id)

    @property
    def megabytes(self) -> float:
        return psutil.Process(self.child.pid).memory_info().rss / 1e6


class Database:
    """An SQLite file, written and read by processes that know Django; this one stays without."""

    def __init__(self, directory: Path, lab: Lab) -> None:
        self.lab = lab
        self.env = {
            **os.environ,
            "SECRET_KEY": secrets.token_urlsafe(48),
            "DATABASE_URL": f"sqlite:///{directory / 'lab.sqlite3'}",
            "DEBUG": "False",
        }

    def fill(self, uses: int) -> None:
        self._call("fill", self.lab.machines, self.lab.members, uses)

    def grow(self) -> None:
        self._call("grow", self.lab.machines, self.lab.members)

    def liven(self) -> None:
        self._call("liven", self.lab.machines, self.lab.members)

    def audit(self) -> dict[str, int]:
        report: dict[str, int] = json.loads(self._call("audit"))
        return report

    def _call(self, *arguments: object) -> str:
        command = python("-m", "tests.bench.seed", *map(str, arguments))
        done = subprocess.run(
            command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=1800, check=False
        )
        if done.returncode:
            raise SystemExit(f"The bench's database cannot be prepared.\n{done.stderr[-2000:]}")
        return done.stdout.splitlines()[-1]


@contextmanager
def echo(broker: Broker, lab: Lab, directory: Path) -> Iterator[Backend]:
    command = python("-m", "tests.bench.echo", *map(str, broker.address))
    with Child(command, directory / "echo.log") as child:
        yield Backend(child, broker, lab)


@contextmanager
def worker(broker: Broker, database: Database, directory: Path) -> Iterator[Backend]:
    env = {**database.env, "MQTT_URL": broker.url, "MQTT_CLIENT_ID": "bench", "MQTT_TOPIC": "machine"}
    with Child(python("manage.py", "mqtt_worker"), directory / "worker.log", env) as child:
        yield Backend(child, broker, database.lab)


def _until_answered(child: Child, broker: Broker, machine_id: int) -> float:
    tally = Tally()
    end = perf_counter() + READY_WITHIN
    with Swarm(broker.address, tally) as swarm:
        swarm.open([machine_id])
        (board,) = swarm.boards.values()
        board.begin(_asking(machine_id))
        while child.is_running and perf_counter() < end:
            swarm.step()
            if tally.answered:
                return perf_counter() - child.started
            # Nothing is kept for a backend that has not subscribed yet: ask until it has.
            board.proceed(False)
    raise NotReady(child.last_words() or "no answer")


def _asking(machine_id: int) -> Script:
    while True:
        yield queries.check_machine(machine_id)
