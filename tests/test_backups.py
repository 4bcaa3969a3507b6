"""A copy of the database that is whole, while somebody writes to it."""

import gzip
import sqlite3
import subprocess
from contextlib import closing

import pytest
from django.db import connection

from fabomatic.backups import BackupFailed, compressed_copy, postgresql, sqlite

on_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="one file")
on_postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="pg_dump")


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.BASE_DIR = tmp_path
    return tmp_path


@on_sqlite
@pytest.mark.django_db(transaction=True)
def test_the_copy_opens_and_holds_what_was_stored(make_member, tmp_path):
    make_member("Ada", "0a1b2c3d")
    with compressed_copy() as path:
        (tmp_path / "copy").write_bytes(gzip.decompress(path.read_bytes()))
    with sqlite3.connect(tmp_path / "copy") as copy:
        assert copy.execute("SELECT uid FROM members_card").fetchall() == [("0a1b2c3d",)]


@on_sqlite
@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_not_committed_is_not_in_it(roles, make_member, tmp_path):
    make_member("Ada")
    with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE members_role SET name = name || ' half done'")
        with compressed_copy() as path:
            assert b"half done" not in gzip.decompress(path.read_bytes())


@pytest.mark.django_db(transaction=True)
def test_nothing_stays_behind_and_nobody_else_may_read_it(own_folder, make_member):
    make_member("Ada")
    with compressed_copy() as path:
        assert path.stat().st_mode & 0o077 == 0
    assert list((own_folder / "var").iterdir()) == []


@on_sqlite
@pytest.mark.django_db
def test_a_disk_that_cannot_be_written_is_said(own_folder):
    (own_folder / "var").write_text("in the way")
    with pytest.raises(BackupFailed, match="could not be written"), compressed_copy():
        pass


@on_sqlite
@pytest.mark.django_db
def test_a_database_that_stays_locked_is_not_waited_for_for_ever(roles, monkeypatch):
    monkeypatch.setattr(sqlite, "COPY_SECONDS", 0.0)  # the test's own transaction has just written the roles
    with pytest.raises(BackupFailed, match="locked"), compressed_copy():
        pass


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_postgresqls_own_tool_makes_the_copy(make_member):
    make_member("Ada")
    with compressed_copy() as path:
        assert path.read_bytes().startswith(b"PGDMP")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FileNotFoundError(), "pg_dump is missing"),
        (subprocess.TimeoutExpired("pg_dump", 1), "took too long"),
        (subprocess.CalledProcessError(1, "pg_dump", stderr="password=secret"), "could not read the database"),
    ],
)
def test_what_pg_dump_cannot_do_is_said_without_its_secrets(monkeypatch, tmp_path, error, words):
    def fail(*arguments, **named):
        raise error

    monkeypatch.setattr(postgresql.subprocess, "run", fail)
    with pytest.raises(BackupFailed, match=words) as failure:
        postgresql.dump(tmp_path)
    assert "secret" not in str(failure.value)
