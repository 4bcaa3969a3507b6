"""A copy of the sources with its own `.env` and database, in a folder whose name a shell would take apart."""

import fcntl
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = ("fabomatic", "members", "machines", "telemetry", "templates", "manage.py")
NEVER = shutil.ignore_patterns("__pycache__", "var", "*.sqlite3*")
# Of cron's own making; nothing else reaches a job.
SURROUNDINGS = {"HOME": "/", "LOGNAME": "root", "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}
# Nobody listens there: a broker of somebody's must not hear of it.
SETTINGS = """SECRET_KEY=only-for-the-tests-0123456789-abcdefghijklmnopqrstuvwxyz
MQTT_URL=mqtt://tests:tests@127.0.0.1:9
"""
PATIENCE = 120  # seconds for one command: the machine may be busy


@dataclass(frozen=True)
class LabCopy:
    folder: Path

    @classmethod
    def make(cls, folder):
        folder.mkdir()
        for name in SOURCES:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=NEVER)
            else:
                shutil.copy(source, folder)
        lab = cls(folder)
        (folder / ".env").write_text(SETTINGS)
        for command in ("migrate", "load_sample_lab"):
            lab.manage(command).check_returncode()
        return lab

    def schedule(self, **jobs):
        path = self.folder / "fabomatic" / "housekeeping" / "schedule.py"
        text = path.read_text()
        for name, times in jobs.items():
            text, count = re.subn(rf'"{name}": "[^"]+"', f'"{name}": "{times}"', text)
            assert count == 1
        path.write_text(text)

    def manage(self, *arguments, through=()):
        command = (*through, sys.executable, self.folder / "manage.py", *arguments)
        return subprocess.run(command, env=SURROUNDINGS, cwd="/", capture_output=True, text=True, timeout=PATIENCE)

    def lines(self):
        """The crontab's, by job."""
        code = "from fabomatic.housekeeping.crontab import LabCrontab as C; print(*C().wanted(), sep='', end='')"
        said = self.manage("shell", "-v", "0", "-c", code).stdout
        return {re.search(r"(\w+)'?\.txt", line)[1]: line for line in said.splitlines()}

    def runs(self, kind):
        with closing(
            sqlite3.connect(f"file:{self.folder / 'db.sqlite3'}?mode=ro".replace("#", "%23"), uri=True)
        ) as file:
            return file.execute("SELECT is_ok, text FROM fabomatic_run WHERE kind = ?", (kind,)).fetchall()

    def said(self, job):
        return _text(self.folder / "var" / "cron" / f"{job}.txt")

    @property
    def log(self):
        return _text(self.folder / "var" / "housekeeping.log")

    @contextmanager
    def as_if_running(self, job):
        folder = self.folder / "var" / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{job}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _text(path):
    return path.read_text() if path.exists() else ""
