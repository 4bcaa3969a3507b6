"""Two years of an invented lab, purged, exported, backed up, destroyed and restored as the README says.

Every step is a process of its own, as cron or a person starts it, on a database of its own.
"""

import json
import os
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OWN_SETTINGS = """
from pathlib import Path
from fabomatic.settings import *

BASE_DIR = Path({folder!r})
LOCK_FOLDER, CRON_FOLDER, IMPORT_FOLDER = BASE_DIR / "locks", BASE_DIR / "cron", BASE_DIR / "imports"
"""
COUNTED = ("machines_use", "machines_intervention", "machines_machine", "members_member", "members_card")
COUNTED += ("machines_authorization", "telemetry_tap", "telemetry_downtime", "members_change")
AGREE = "All odometers agree with their uses.\n"


class SQLite:
    def __init__(self, folder):
        self.path = folder / "lab.sqlite3"
        self.url = f"sqlite:///{self.path}"

    def ask(self, sql):
        import sqlite3

        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(sql).fetchall()

    def destroy(self):
        for path in self.path.parent.glob(f"{self.path.name}*"):
            path.unlink()

    def end(self):
        pass


class PostgreSQL:
    """Another database on the server that this run has."""

    def __init__(self, folder):
        self._given = os.environ["DATABASE_URL"]
        self._name = f"two_years_{os.getpid()}"
        self.url = f"{self._given.rpartition('/')[0]}/{self._name}"
        self._run(self._given, f"CREATE DATABASE {self._name}")

    def ask(self, sql):
        return self._run(self.url, sql)

    def destroy(self):
        self._run(self.url, "DROP SCHEMA public CASCADE")
        self._run(self.url, "CREATE SCHEMA public")

    def end(self):
        self._run(self._given, f"DROP DATABASE {self._name} WITH (FORCE)")

    @staticmethod
    def _run(url, sql):
        import environ
        import psycopg

        there = environ.Env.db_url_config(url)
        where = {"host": there["HOST"], "user": there["USER"], "dbname": there["NAME"]}
        with psycopg.connect(**where, autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture
def database(tmp_path):
    found = PostgreSQL(tmp_path) if os.environ.get("DATABASE_URL", "").startswith("postgresql") else SQLite(tmp_path)
    yield found
    found.end()


@pytest.fixture
def manage(tmp_path, database):
    """Runs a command to its end; what it said, which has to be the end it is expected to come to."""
    (tmp_path / "settings_of_two_years.py").write_text(OWN_SETTINGS.format(folder=str(tmp_path)))
    own = {
        "DJANGO_SETTINGS_MODULE": "settings_of_two_years",
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}",
        "DATABASE_URL": database.url,
        "BACKUP_FOLDER": str(tmp_path / "backups"),
        "BACKUP_SECOND_FOLDER": "",
        "MQTT_URL": "mqtt://tests:tests@127.0.0.1:9",
        "LANGUAGE_CODE": "en",
    }

    def run(*arguments, fails=False):
        command = [sys.executable, ROOT / "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env={**os.environ, **own}, capture_output=True, text=True, timeout=120, check=False
        )
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        return done.stderr if fails else done.stdout

    return run


def test_two_years_are_purged_exported_backed_up_destroyed_and_restored(manage, database, tmp_path):
    manage("migrate", "--verbosity", "0")
    assert "uses" in manage("load_sample_lab", "--days", "730", "--cards-file", "cards")
    assert manage("check_hours") == AGREE
    hours, uses, members = odometers(database), count(database, "machines_use"), count(database, "members_member")
    assert uses > 10_000

    manage("purge_gdpr")
    assert members - 10 < count(database, "members_member") < members - 3, "who left more than a year ago is gone"
    assert (odometers(database), count(database, "machines_use")) == (hours, uses), "hours and counts stay exact"
    assert named_uses(database) < uses * 0.7, "the older half names nobody"
    assert manage("check_hours") == AGREE

    manage("export_member", "grace.hopper@lab.invalid", "--output", "grace.zip")
    assert has_data_of(tmp_path / "grace.zip", "Hopper")

    manage("backup")
    before = {table: count(database, table) for table in COUNTED}
    database.destroy()
    assert "check DATABASE_URL" in manage("check_hours", fails=True)
    manage("restore", "latest", "--no-input")
    assert manage("check_hours") == AGREE
    assert {table: count(database, table) for table in COUNTED} == before
    assert odometers(database) == hours


def odometers(database):
    return database.ask("SELECT id, seconds_used FROM machines_machine ORDER BY id")


def count(database, table):
    return database.ask(f"SELECT count(*) FROM {table}")[0][0]


def named_uses(database):
    return database.ask("SELECT count(*) FROM machines_use WHERE member_id IS NOT NULL OR card_uid <> ''")[0][0]


def has_data_of(path, name):
    with zipfile.ZipFile(path) as package:
        files = [file for file in package.namelist() if file.endswith(".json")]
        return any(name in json.dumps(json.loads(package.read(file))) for file in files)
