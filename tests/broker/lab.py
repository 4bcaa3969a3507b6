"""A lab of real processes on the loopback: Mosquitto, the worker, its database file, and clients that are boards."""

import json
import os
import queue
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
PASSWORDS = shutil.which("mosquitto_passwd") or shutil.which("mosquitto_passwd", path="/usr/sbin:/usr/local/bin")
needs_broker = [
    pytest.mark.broker,
    pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed"),
]

ADA, BRUNO, CARLA = "0a1b2c3d", "b1b1b1b1", "ca51a000"  # a member for the laser, one without rights, staff
LASER, PRINTER = 7, 12
SEED = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from machines.models import Authorization, Machine, MachineType, MaintenancePlan
from members.models import Card, Member, Role
minutes = {"auto_logoff_minutes": 60, "grace_minutes": 2}
guarded = MachineType.objects.create(name="Laser cutter", **minutes)
open_to_all = MachineType.objects.create(name="3D printer", needs_authorization=False, **minutes)
laser = Machine.objects.create(id=7, name="Laser", type=guarded)
Machine.objects.create(id=12, name="Printer", type=open_to_all)
Machine.objects.bulk_create([Machine(id=100 + n, name=f"Saw {n}", type=open_to_all) for n in range(40)])
people = {}
for first, last, uid, role in (("Ada", "Lovelace", "0a1b2c3d", "Members"), ("Bruno", "Munari", "b1b1b1b1", "Members"),
                               ("Carla", "Scarpa", "ca51a000", "Staff")):
    people[first] = Member.objects.create_user(first_name=first, last_name=last, role=Role.objects.get(name=role))
    Card.objects.create(uid=uid, member=people[first])
Authorization.objects.create(member=people["Ada"], machine=laser)
MaintenancePlan.objects.create(
    machine=laser, description="Clean the lens", lcd_message="Clean lens", hours_between=1
)
"""


def until(condition, seconds=5.0, every=0.01, what="it did not happen in time"):
    """The first true value; polls instead of sleeping."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(every)
    return value


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


# ---- processes -------------------------------------------------------------------------------------------------------


class Process:
    """Ends with its test, by its own id; what it says goes to a file."""

    command: list
    env = None

    def __init__(self, log):
        self.log_file = log
        self._process = None

    def start(self):
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(self.command, cwd=ROOT, env=self.env, stdout=log, stderr=log)
        return self

    @property
    def is_running(self):
        return self._process is not None and self._process.poll() is None

    @property
    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def signal(self, number):
        self._process.send_signal(number)

    def wait(self, seconds=10.0):
        return self._process.wait(seconds)

    def kill(self):
        """As a power cut would."""
        self._process.kill()
        return self._process.wait(5)

    def terminate(self):
        """The exit code, and the seconds it took."""
        began = time.monotonic()
        self._process.terminate()
        return self._process.wait(10), time.monotonic() - began

    def end(self):
        if self.is_running:
            self._process.send_signal(signal.SIGCONT)
            self.kill()


class Broker(Process):
    def __init__(self, folder, passwords=None):
        super().__init__(folder / "mosquitto.log")
        self.port = free_port()
        lines = [f"listener {self.port} {HOST}", "persistence false", "set_tcp_nodelay true"]
        lines += ["user root"] if os.geteuid() == 0 else []
        if passwords:
            lines += ["allow_anonymous false", f"password_file {_password_file(folder, passwords)}"]
        else:
            lines += ["allow_anonymous true"]
        configuration = folder / "mosquitto.conf"
        configuration.write_text("\n".join(lines) + "\n")
        self.command = [MOSQUITTO, "-c", str(configuration)]

    @property
    def url(self):
        return f"mqtt://{HOST}:{self.port}"

    def start(self):
        super().start()
        until(lambda: listens(self.port), what=f"mosquitto does not listen: {self.log}")
        return self

    def stop(self):
        self.terminate()


def _password_file(folder, passwords):
    path = folder / "passwords"
    path.touch(mode=0o600)
    for user, password in passwords.items():
        subprocess.run([PASSWORDS, "-b", str(path), user, password], check=True, capture_output=True)
    return path


def worker_environment(database, url, **more):
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV") if name in os.environ}
    return {
        **plain,
        "DJANGO_SETTINGS_MODULE": "fabomatic.settings",
        "SECRET_KEY": "only-for-the-tests-0123456789-abcdefghijklmnopqrstuvwxyz",
        "DATABASE_URL": f"sqlite:///{database}",
        "MQTT_URL": url,
        "MQTT_CLIENT_ID": "backend",
        "MQTT_TOPIC": "machine",
        "LANGUAGE_CODE": "en",
        "WORKER_LOG": "",
        **more,
    }


class Worker(Process):
    def __init__(self, folder, database, url, *arguments, name="worker", script=None, **environment):
        super().__init__(folder / f"{name}.log")
        self.env = worker_environment(database, url, **environment)
        self.command = [sys.executable, *(script or ["manage.py", "mqtt_worker"]), *arguments]


# ---- the database ----------------------------------------------------------------------------------------------------


class Database:
    """The worker's file, read and changed from outside, as staff and backups do."""

    def __init__(self, path):
        self.path = path

    def rows(self, sql, *parameters):
        with self.connection() as database:
            return database.execute(sql, parameters).fetchall()

    def value(self, sql, *parameters):
        return self.rows(sql, *parameters)[0][0]

    def change(self, sql, *parameters):
        with self.connection() as database:
            database.execute(sql, parameters)

    @contextmanager
    def connection(self):
        database = sqlite3.connect(self.path, timeout=5, isolation_level=None)
        try:
            yield database
        finally:
            database.close()

    @contextmanager
    def locked(self, how="IMMEDIATE"):
        with self.connection() as database:
            database.execute(f"BEGIN {how}")
            yield
            database.execute("ROLLBACK")

    def uses(self, machine=LASER):
        """Card, duration and how it ended, in the order in which they were recorded."""
        return self.rows(
            "SELECT card_uid, duration, end_reason FROM machines_use WHERE machine_id = ? ORDER BY id", machine
        )

    def odometer(self, machine=LASER):
        return self.value("SELECT seconds_used FROM machines_machine WHERE id = ?", machine)

    def hours_add_up(self):
        return not self.rows(
            "SELECT id FROM machines_machine m WHERE seconds_used != initial_seconds +"
            " (SELECT COALESCE(SUM(duration), 0) FROM machines_use u WHERE u.machine_id = m.id)"
        )

    def taps(self):
        return self.rows("SELECT machine_id, uid, outcome FROM telemetry_tap ORDER BY id")


def seed(path, more="", **environment):
    """With what `more` adds to it."""
    environment = worker_environment(path, "mqtt://127.0.0.1:1", **environment)
    subprocess.run([sys.executable, "-c", SEED + more], cwd=ROOT, env=environment, check=True)
    with Database(path).connection() as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


# ---- clients ---------------------------------------------------------------------------------------------------------


class Client:
    """Hears `topics`, and keeps what came, retained or not."""

    def __init__(self, broker, *topics, user=None, password=None):
        self.heard = []
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        if user:
            self._client.username_pw_set(user, password)
        self._topics, self._ready = topics, queue.SimpleQueue()
        self._client.reconnect_delay_set(1, 1)
        self._client.on_socket_open = lambda client, data, sock: sock.setsockopt(socket.IPPROTO_TCP, 1, 1)
        self._client.on_connect = lambda client, *_: [client.subscribe(topic) for topic in self._topics]
        self._client.on_subscribe = lambda *_: self._ready.put(True)
        self._client.on_message = self._on_message
        self._client.connect(HOST, broker.port)
        self._client.loop_start()
        for _topic in topics:
            self._ready.get(timeout=5)

    def _on_message(self, client, data, message):
        self.heard.append((message.topic, bytes(message.payload), message.retain))

    def publish(self, topic, payload, retain=False):
        self._client.publish(topic, payload, retain=retain)

    def latest(self, topic):
        """What was last said there, or None."""
        return next((payload for heard, payload, _retain in reversed(self.heard) if heard == topic), None)

    def status(self, machine):
        payload = self.latest(f"fabomatic/status/{machine}")
        return json.loads(payload) if payload else None

    def wait_for_new_subscription(self, seconds=10):
        self._ready.get(timeout=seconds)

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


class Boards(Client):
    """All boards of the lab on one line; each machine's replies are kept apart."""

    def __init__(self, broker, **credentials):
        self._replies = {}
        super().__init__(broker, "machine/+/reply", **credentials)

    def _on_message(self, client, data, message):
        self._queue(message.topic.removesuffix("/reply")).put((time.monotonic(), bytes(message.payload)))

    def _queue(self, topic):
        return self._replies.setdefault(topic, queue.SimpleQueue())

    def send(self, machine, action, **fields):
        """Publishes and does not wait."""
        topic = f"machine/{machine}"
        self._queue(topic)
        self.publish(topic, json.dumps({"action": action, **fields}))

    def reply(self, machine, seconds=2.0):
        """The next reply within a board's patience, or None."""
        try:
            return json.loads(self._queue(f"machine/{machine}").get(timeout=seconds)[1])
        except queue.Empty:
            return None

    def ask(self, machine, action, *, patience=2.0, **fields):
        """The one reply, or None after a board's patience; what came before was one too many."""
        assert self.unread(machine) == 0, "a reply nobody waits for"
        self.send(machine, action, **fields)
        return self.reply(machine, patience)

    def unread(self, machine):
        return self._queue(f"machine/{machine}").qsize()

    def wait_for_worker(self, machine=PRINTER, seconds=10.0):
        """Until it answers; what it still answers then to our asking is read and forgotten."""
        until(lambda: self.ask_once(machine), seconds, every=0, what="the worker does not answer")
        while self.reply(machine, 0.1):
            pass

    def ask_once(self, machine):
        self.send(machine, "checkmachine")
        return self.reply(machine, 0.1)
