"""The web process as a lab runs it, daphne, on the database and the broker of this run."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import psutil

from tests.bench.backends import Database
from tests.bench.broker import HOST, Broker, free_port
from tests.bench.child import ROOT, Child, python
from tests.bench.lab import Lab

_ANSWER_WITHIN = 30.0


class Web(Child):
    def __init__(self, env: Mapping[str, str], log: Path) -> None:
        self.address = (HOST, free_port())
        port = str(self.address[1])
        super().__init__(python("-m", "daphne", "-b", HOST, "-p", port, "fabomatic.asgi:application"), log, env)

    def __enter__(self) -> Web:
        super().__enter__()
        end = perf_counter() + _ANSWER_WITHIN
        while self.is_running and perf_counter() < end:
            with socket.socket() as probe:
                if probe.connect_ex(self.address) == 0:
                    return self
            time.sleep(0.02)
        self.stop()
        raise SystemExit(f"The web server does not answer.\n{self.last_words()}")

    @property
    def host(self) -> str:
        return f"{self.address[0]}:{self.address[1]}"

    @property
    def megabytes(self) -> float:
        return psutil.Process(self.pid).memory_info().rss / 1e6

    def visitor(self) -> Visitor:
        return Visitor(self.address)


class Visitor:
    """Asks for pages over one connection, and takes them compressed, as browsers do."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._connection = http.client.HTTPConnection(*address, timeout=60)

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    def get(self, path: str) -> tuple[bytes, bool]:
        """What travels, and whether it is compressed."""
        self._connection.request("GET", path, headers={"Accept-Encoding": "gzip", "Accept-Language": "en"})
        response = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise SystemExit(f"The web server answers {response.status} to {path}.")
        return body, response.headers.get("Content-Encoding") == "gzip"

    def text(self, path: str) -> str:
        body, is_compressed = self.get(path)
        return (gzip.decompress(body) if is_compressed else body).decode()


class Webs:
    """Web servers of one column of the table, with static files that are collected once in a run."""

    def __init__(self, database: Database, broker: Broker, directory: Path, static: Path) -> None:
        self.database = database
        self._broker = broker
        self._directory = directory
        self._static = static

    def on(self, database: Database) -> Web:
        return Web(self._environment(database), self._directory / "web.log")

    def cut_off(self, database: Database) -> Web:
        """One that no broker tells of changes: it reads everything whenever it is asked."""
        env = {**self._environment(database), "MQTT_URL": f"mqtt://{HOST}:{free_port()}"}
        return Web(env, self._directory / "web-cut-off.log")

    def queries(self, database: Database) -> dict[str, int]:
        """What the page of all its machines takes, and how many these are."""
        found: dict[str, int] = self.run(database, "-m", "tests.bench.page_queries")
        return found

    def run(self, database: Database, *arguments: str) -> Any:
        """What a program of the bench prints in the end, told in JSON."""
        return json.loads(_run(self._environment(database), *arguments))

    def small_lab(self, machines: int) -> Database:
        """Another lab, with these machines and no history, as on some afternoon."""
        directory = self._directory / f"lab-of-{machines}"
        directory.mkdir()
        database = Database(directory, Lab(machines - 1, self.database.lab.members))  # and the spare one
        database.fill(0)
        database.liven()
        return database

    def _environment(self, database: Database) -> dict[str, str]:
        env = {
            **database.env,
            "DJANGO_SETTINGS_MODULE": "tests.bench.settings",
            "STATIC_ROOT": str(self._static),
            "MQTT_URL": self._broker.url,
            "MQTT_CLIENT_ID": "bench",
            "DASHBOARD_ACCESS": "public",
            "DASHBOARD_NAMES": "full",
        }
        if not self._static.exists():
            _run(env, "manage.py", "collectstatic", "--no-input")
        return env


def _run(env: Mapping[str, str], *arguments: str) -> str:
    done = subprocess.run(
        python(*arguments), cwd=ROOT, env=env, capture_output=True, text=True, timeout=900, check=False
    )
    if done.returncode:
        raise SystemExit(f"{arguments} failed.\n{done.stderr[-2000:]}")
    return done.stdout.splitlines()[-1]
