"""The worker's process on PostgreSQL: a server that stops, stands still, locks rows or throws the worker out."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.broker import lab
from tests.broker.lab import ADA, BRUNO, CARLA, HOST, LASER, PRINTER, ROOT, Process, until, worker_environment
from tests.run_on_postgresql import USER, find_binaries, server_user

BINARIES = find_binaries()
pytestmark = [
    *lab.needs_broker,
    pytest.mark.skipif(BINARIES is None, reason="PostgreSQL is not installed"),
]

QUESTIONS = (
    ("checkuser", {"uid": ADA}),
    ("checkmachine", {}),
    ("synccache", {}),
    ("inuse", {"uid": ADA, "duration": 30}),
)


class Cluster(Process):
    """A server that listens on the loopback, can be stopped and started, and forgets all at the end."""

    def __init__(self, folder):
        super().__init__(folder / "log")
        self.who = server_user()
        self.folder, self.port = folder, lab.free_port()
        if self.who:
            os.chown(folder, self.who["user"], self.who["group"])
        self._run("initdb", "-D", folder / "data", "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        settings = ("listen_addresses=127.0.0.1", f"port={self.port}", "fsync=off")
        options = [word for setting in settings for word in ("-c", setting)]
        self.command = [BINARIES / "postgres", "-D", folder / "data", "-k", folder, *options]

    @property
    def url(self):
        return f"postgresql://{USER}@{HOST}:{self.port}/postgres"

    def start(self):
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(self.command, cwd=self.folder, stdout=log, stderr=log, **self.who)
        until(self._is_ready, seconds=15, what=self.log)
        return self

    def stop(self):
        """Fast: whoever is connected is thrown out."""
        self.signal(signal.SIGINT)
        self.wait(15)

    @contextmanager
    def standing_still(self):
        ids = [self._process.pid, *self._children()]
        for number in ids:
            os.kill(number, signal.SIGSTOP)
        try:
            yield
        finally:
            for number in ids:
                os.kill(number, signal.SIGCONT)

    def end(self):
        if self.is_running:
            self.stop()

    def _children(self):
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return [int(number) for number in children.read_text().split()]

    def _is_ready(self):
        assert self.is_running, self.log
        return (
            subprocess.run([BINARIES / "pg_isready", "-h", HOST, "-p", str(self.port), "-t", "1", "-q"]).returncode == 0
        )

    def _run(self, name, *arguments):
        subprocess.run(
            [BINARIES / name, *arguments], check=True, stdout=subprocess.DEVNULL, cwd=self.folder, **self.who
        )


class Database:
    """The lab's tables as another session sees and changes them."""

    def __init__(self, url):
        self.url = url

    def rows(self, sql, *parameters):
        with self.connection() as database:
            return database.execute(sql, parameters).fetchall()

    def value(self, sql, *parameters):
        return self.rows(sql, *parameters)[0][0]

    @contextmanager
    def connection(self):
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as database:
            yield database

    @contextmanager
    def locked(self, *statements):
        """As a form that is being saved, or a backup, holds rows."""
        with self.connection() as database:
            database.execute("BEGIN")
            for statement in statements:
                database.execute(statement)
            yield
            database.execute("ROLLBACK")

    def uses(self, machine=LASER):
        sql = "SELECT card_uid, duration, end_reason FROM machines_use WHERE machine_id = %s ORDER BY id"
        return self.rows(sql, machine)

    def hours_add_up(self):
        return not self.rows(
            "SELECT id FROM machines_machine m WHERE seconds_used != initial_seconds +"
            " (SELECT COALESCE(SUM(duration), 0) FROM machines_use u WHERE u.machine_id = m.id)"
        )


@pytest.fixture(scope="module")
def cluster():
    folder = Path(tempfile.mkdtemp(prefix="fabomatic-postgresql-"))
    cluster = Cluster(folder).start()
    environment = worker_environment("", "mqtt://127.0.0.1:1", DATABASE_URL=cluster.url)
    subprocess.run([sys.executable, "-c", lab.SEED], cwd=ROOT, env=environment, check=True)
    yield cluster
    cluster.end()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(cluster):
    database = Database(cluster.url)
    with database.connection() as session:
        session.execute("TRUNCATE machines_use, machines_intervention, telemetry_tap, telemetry_board")
        session.execute("UPDATE machines_machine SET seconds_used = initial_seconds")
    return database


@pytest.fixture
def worker(tmp_path, database, broker, boards):
    worker = lab.Worker(tmp_path, "", broker.url, DATABASE_URL=database.url).start()
    boards.wait_for_worker()
    yield worker
    worker.end()


def ask_around(boards, seconds, machine=100):
    """What questions and signs of life of a board that has no part in it hear meanwhile, and the slowest answer."""
    heard, slowest, deadline = [], 0.0, time.monotonic() + seconds
    while time.monotonic() < deadline:
        for action, fields in QUESTIONS:
            began = time.monotonic()
            reply = boards.ask(machine, action, **fields)
            slowest = max(slowest, time.monotonic() - began)
            heard.append(reply and reply["request_ok"])
    return heard, slowest


def test_a_boards_life(worker, boards, database):
    assert boards.ask(LASER, "checkuser", uid=ADA)["is_valid"] is True
    for action, fields in (("startuse", {}), ("inuse", {"duration": 3590}), ("stopuse", {"duration": 3600})):
        assert boards.ask(LASER, action, uid=ADA, **fields)["request_ok"] is True
    assert boards.ask(LASER, "checkmachine")["description"] == "Clean lens"
    assert boards.ask(LASER, "maintenance", uid=CARLA)["request_ok"] is True
    assert boards.ask(LASER, "checkmachine")["maintenance"] is False
    boards.send(LASER, "alive", version="1,2", ip="10.0.0.1", serial="A1")
    assert boards.ask(LASER, "stopuse", uid=ADA, duration=3600, replay=True)["request_ok"] is True
    assert database.uses() == [(ADA, 3600, "stop")]
    assert database.hours_add_up()
    until(lambda: database.rows("SELECT serial FROM telemetry_board") == [("A1",)])
    until(lambda: database.rows("SELECT uid, outcome FROM telemetry_tap") == [(ADA, "granted")])


ROWS = {
    "machine": f"SELECT 1 FROM machines_machine WHERE id = {LASER} FOR UPDATE",
    "use": f"SELECT 1 FROM machines_use WHERE machine_id = {LASER} FOR UPDATE",
}


@pytest.mark.parametrize("row", ROWS)
def test_a_row_that_is_locked_for_a_second_is_noticed_by_nobody(worker, boards, database, row):
    boards.ask(LASER, "startuse", uid=ADA)
    boards.ask(LASER, "checkuser", uid=ADA)  # its tap is to be written, too
    with database.locked(ROWS[row]):
        boards.send(LASER, "inuse", uid=ADA, duration=30)
        heard, slowest = ask_around(boards, 1.0)
        assert boards.unread(LASER) == 0
    assert set(heard) == {True}
    assert slowest < 0.4
    assert boards.reply(LASER, 0.5)["request_ok"] is True


def test_a_row_that_stays_locked_holds_nobody_else_up(worker, boards, database):
    boards.ask(LASER, "startuse", uid=ADA)
    boards.ask(LASER, "checkuser", uid=ADA)
    with database.locked(ROWS["machine"]):
        boards.send(LASER, "inuse", uid=ADA, duration=30)
        heard, slowest = ask_around(boards, 2.0)
        assert boards.reply(LASER, 0)["request_ok"] is False
        boards.send(LASER, "stopuse", uid=ADA, duration=600)
        more, slower = ask_around(boards, 2.0)
        assert boards.unread(LASER) == 0
        assert boards.ask(LASER, "checkuser", uid=ADA)["is_valid"] is True
    assert set(heard + more) == {True}
    assert max(slowest, slower) < 0.4
    assert boards.ask(LASER, "stopuse", uid=ADA, duration=600, replay=True)["request_ok"] is True
    assert [duration for _uid, duration, _reason in database.uses()] == [600]
    assert database.hours_add_up()
    assert "Traceback" not in worker.log


def test_many_locked_machines_hold_nobody_else_up(worker, boards, database):
    with database.locked("SELECT 1 FROM machines_machine WHERE id < 120 FOR UPDATE"):
        for machine in range(100, 120):
            boards.send(machine, "stopuse", uid=ADA, duration=60)
        heard, _slowest = ask_around(boards, 2.5, machine=130)
    assert set(heard) == {True}
    for machine in range(100, 120):
        if not boards.unread(machine):
            boards.send(machine, "stopuse", uid=ADA, duration=60, replay=True)
    for machine in range(100, 120):
        assert boards.reply(machine)["request_ok"] is True
        assert database.uses(machine) == [(ADA, 60, "stop")]


def test_a_server_that_is_stopped_and_started_is_found_again(worker, boards, database, cluster):
    cluster.stop()
    boards.send(LASER, "stopuse", uid=ADA, duration=60)
    heard, slowest = ask_around(boards, 1.0)
    assert set(heard) == {False}
    assert slowest < 1.0
    assert boards.unread(LASER) == 0
    cluster.start()
    until(lambda: boards.ask(PRINTER, "checkuser", uid=BRUNO)["is_valid"])
    assert boards.ask(LASER, "stopuse", uid=ADA, duration=60, replay=True)["request_ok"] is True
    assert database.uses() == [(ADA, 60, "stop")]
    assert "Traceback" not in worker.log
    assert len(worker.log.splitlines()) < 15


def test_a_worker_whose_session_is_ended_opens_another(worker, boards, database):
    for duration in (60, 61, 62):
        database.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid != pg_backend_pid()"
        )
        if boards.ask(LASER, "stopuse", uid=ADA, duration=duration) is None:
            assert boards.ask(LASER, "stopuse", uid=ADA, duration=duration, replay=True)["request_ok"] is True
        assert boards.ask(LASER, "checkuser", uid=ADA)["is_valid"] is True
    assert [duration for _uid, duration, _reason in database.uses()] == [60, 61, 62]
    assert database.hours_add_up()


def test_a_server_that_stands_still_is_said_within_the_boards_patience(worker, boards, database, cluster):
    with cluster.standing_still():
        boards.send(LASER, "stopuse", uid=ADA, duration=60)
        boards.send(PRINTER, "checkmachine")
        heard, slowest = ask_around(boards, 3.0)
        assert boards.reply(PRINTER, 0)["request_ok"] is False
        assert boards.unread(LASER) == 0
    assert set(heard) == {False}
    assert slowest < 1.5
    until(lambda: boards.ask(PRINTER, "checkuser", uid=BRUNO)["is_valid"])
    assert boards.ask(LASER, "stopuse", uid=ADA, duration=60, replay=True)["request_ok"] is True
    assert database.uses() == [(ADA, 60, "stop")]
    assert "Traceback" not in worker.log


def test_it_ends_in_time_also_when_the_server_stands_still(worker, boards, cluster):
    with cluster.standing_still():
        boards.send(LASER, "checkuser", uid=ADA)
        time.sleep(0.2)
        code, seconds = worker.terminate()
    assert (code, seconds < 2.0) == (0, True)


def test_the_check_says_that_the_server_is_gone(tmp_path, broker, database, cluster):
    cluster.stop()
    try:
        check = lab.Worker(tmp_path, "", broker.url, "--check", name="check", DATABASE_URL=database.url).start()
        assert check.wait(15) != 0
    finally:
        cluster.start()
    assert "The database cannot be used" in check.log
    assert "Traceback" not in check.log
