"""The lab of tests/broker with its web server: what a browser talks to, all of it on the loopback."""

import itertools
import json
import shutil
import subprocess
import sys
from contextlib import ExitStack
from email import message_from_bytes, policy

import websocket

from tests.broker import lab as broker_lab
from tests.broker.lab import (
    ADA,
    HOST,
    ROOT,
    Boards,
    Broker,
    Client,
    Database,
    Process,
    Worker,
    until,
    worker_environment,
)
from tests.browser.people import Person

SETTINGS = "tests.browser.settings"
SOON = 1.5  # what is promised within a second, with half a second for a test machine that has other things to do

# Dora is administrator and has a card; Tina may repair machines; Ada and Bruno, ordinary members, can log in, too.
SEED = """
from django.contrib.auth.models import Permission
open_to_all.allow_remote_start = True
open_to_all.save()
administrators = Role.objects.get(name="Administrators")
dora = Member.objects.create_user("dora@example.org", "dora-knows-it", first_name="Dora", last_name="Maar",
                                  role=administrators, is_superuser=True)
Card.objects.create(uid="d0a0d0a0", member=dora)
technicians = Role.objects.create(name="Technicians", is_backend_admin=True)
technicians.permissions.set(Permission.objects.filter(content_type__app_label__in=("machines", "telemetry")).exclude(
    codename__endswith="authorization"))
Member.objects.create_user("tina@example.org", "tina-knows-it", first_name="Tina", role=technicians)
for first in ("Ada", "Bruno"):
    people[first].email = f"{first.lower()}@example.org"
    people[first].set_password(f"{first.lower()}-knows-it")
    people[first].save()
laser.location = "Room 2"
laser.save()
"""
DORA_CARD = "d0a0d0a0"
DORA, TINA, ADA_LOGIN, BRUNO_LOGIN = (
    (f"{name}@example.org", f"{name}-knows-it") for name in ("dora", "tina", "ada", "bruno")
)
SAWS = range(100, 140)


def seed(path):
    broker_lab.seed(path, SEED, DJANGO_SETTINGS_MODULE=SETTINGS, STATIC_ROOT="unused")


def collect_static(folder):
    """As a lab has them, with the hash of each file in its name."""
    environment = worker_environment(":memory:", "mqtt://127.0.0.1:1")
    environment |= {"DJANGO_SETTINGS_MODULE": SETTINGS, "STATIC_ROOT": str(folder)}
    command = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity=0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


class Web(Process):
    """Daphne; started again after its end it is found at the same address."""

    def __init__(self, folder, database, broker_url, static_files, name="web", **settings):
        super().__init__(folder / f"{name}.log")
        self.port = broker_lab.free_port()
        self.env = worker_environment(database, broker_url, SITE_URL=self.url, **settings)
        self.env |= {"DJANGO_SETTINGS_MODULE": SETTINGS, "STATIC_ROOT": str(static_files), "PYTHONUNBUFFERED": "1"}
        self.env["BACKUP_FOLDER"] = str(folder / "backups")
        self._mails = folder / f"{name}-mails"
        self.env["EMAIL_URL"] = f"filemail:///{self._mails}"
        application = "fabomatic.asgi:application"
        self.command = [sys.executable, "-m", "daphne", "-b", HOST, "-p", str(self.port), application]

    @property
    def url(self):
        return f"http://{HOST}:{self.port}"

    def start(self):
        super().start()
        until(self._answers, 20, what=f"daphne does not listen: {self.log}")
        return self

    def person(self, credentials=None):
        return Person(self.url, credentials)

    def socket(self, path="/ws/dashboard/", *, person=None, cookie=None, origin=None, timeout=5.0):
        """A plain client's; the browser's origin unless another is given."""
        return websocket.create_connection(
            self.url.replace("http", "ws", 1) + path,
            timeout=timeout,
            origin=origin or self.url,
            cookie=person.cookie_header if person else cookie,
            http_no_proxy=["*"],
        )

    @property
    def mails(self):
        """What was sent, in plain text; each connection to the mail server is a file."""
        files = self._mails.iterdir() if self._mails.is_dir() else ()
        sent = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
        return "".join(body.get_content() for mail in sent if (body := mail.get_body(("plain",))) is not None)

    def _answers(self):
        assert self.is_running, f"daphne ended: {self.log}"
        return broker_lab.listens(self.port)


def frames(socket):
    """What it brings as text, until it is closed."""
    while (frame := socket.recv_frame()).opcode != websocket.ABNF.OPCODE_CLOSE:
        if frame.opcode == websocket.ABNF.OPCODE_TEXT:
            yield json.loads(frame.data)


def closing(socket):
    """The code with which it is closed; what comes before is read and forgotten."""
    while (frame := socket.recv_frame()).opcode != websocket.ABNF.OPCODE_CLOSE:
        pass
    return int.from_bytes(frame.data[:2], "big")


class Lab:
    """Broker, worker, database and web servers of one test module."""

    def __init__(self, folder, seeded_file, static_files, settings=None):
        self.folder, self._static_files, self._settings = folder, static_files, settings or {}
        self.database = Database(folder / "lab.sqlite3")
        shutil.copy(seeded_file, self.database.path)
        self._ending = ExitStack()
        self._saws = iter(SAWS)
        self._names = (f"web-{number}" for number in itertools.count())

    def __enter__(self):
        with ExitStack() as ending:
            self.broker = Broker(self.folder)
            ending.callback(self.broker.end)
            self.broker.start()
            self.worker = Worker(self.folder, self.database.path, self.broker.url)
            ending.callback(self.worker.end)
            self.worker.start()
            self.boards = Boards(self.broker)
            ending.callback(self.boards.close)
            self._ending = ending.pop_all()
            self.web = self.serve()
            self.boards.wait_for_worker()
        return self

    def __exit__(self, *exception):
        self._ending.close()

    def serve(self, **settings):
        """One more web server on the same lab, with settings of its own."""
        settings = {"DASHBOARD_ACCESS": "public", **self._settings, **settings}
        web = Web(self.folder, self.database.path, self.broker.url, self._static_files, next(self._names), **settings)
        self._ending.callback(web.end)
        return web.start()

    def manage(self, *arguments):
        """A command of the lab's, as cron would start it."""
        command = [sys.executable, "manage.py", *arguments]
        subprocess.run(command, cwd=ROOT, env=self.web.env, check=True, capture_output=True, timeout=120)

    def tracebacks(self):
        """Mistakes of ours in any log."""
        return sum(log.read_text(errors="replace").count("Traceback") for log in self.folder.glob("w*.log"))

    def last_words(self):
        for log in sorted(self.folder.glob("w*.log")):
            yield log.name, "\n".join(log.read_text(errors="replace").splitlines()[-12:])

    def listen(self, *topics):
        client = Client(self.broker, *topics)
        self._ending.callback(client.close)
        return client

    # ---- what boards do ----------------------------------------------------------------------------------------------

    def fresh_saw(self):
        """The number of a machine that no other test of this module touches; its board has just come on."""
        machine = next(self._saws)
        self.tell(machine, "checkmachine")
        return machine

    def wait_for_boards(self):
        """Boards and worker are on the line again after the broker was away."""
        self.boards.wait_for_new_subscription()
        self.boards.wait_for_worker()

    def start_use(self, machine, uid=ADA):
        self.boards.ask(machine, "checkuser", uid=uid)
        self.tell(machine, "startuse", uid=uid)

    def stop_use(self, machine, uid=ADA, duration=0):
        self.tell(machine, "stopuse", uid=uid, duration=duration)

    def tell(self, machine, action, **fields):
        """What is not answered is brought again, as boards do: on a busy computer the worker may keep silent."""
        for is_again in (False, True, True):
            again = {"replay": True} if is_again and action != "checkmachine" else {}
            if reply := self.boards.ask(machine, action, **fields, **again):
                assert reply["request_ok"]
                return
        raise AssertionError(f"{action} was not answered")
