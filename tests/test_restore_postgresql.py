"""PostgreSQL: a dump takes the place of the tables in one transaction, or nothing happens."""

import subprocess
from contextlib import closing
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from fabomatic.backups import NoBackup, RestoreFailed, making, postgresql, restoring
from fabomatic.backups.examining import examine
from fabomatic.backups.restoring import restore
from machines.models import Machine, Use
from members.models import Member

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL"),
]


@pytest.fixture(autouse=True)
def lab(settings, tmp_path, ada, laser, make_use):
    settings.BASE_DIR = tmp_path
    for hours_ago in range(2, 5):
        make_use(laser, member=ada, hours_ago=hours_ago, note="a\ttab, a line\nand \\.\n")


@pytest.fixture
def backup(now):
    return making.make(now).path


@pytest.fixture
def later(now):
    return now + timedelta(days=2)


@pytest.fixture
def other():
    """Somebody else at the same database."""
    with closing(connection.copy()) as another:
        another.ensure_connection()
        yield another


def run(sql, on=connection):
    with on.cursor() as cursor:
        cursor.execute(sql)


def first_names():
    return sorted(Member.objects.values_list("first_name", flat=True))


def test_the_dump_is_read_whole_and_counted(backup, now):
    found = examine(backup)
    assert (found.at, found.members, found.machines, found.uses) == (now, 1, 1, 3)
    assert found.version.startswith("members 0")


def test_a_renamed_dump_still_knows_when_it_was_made(backup, tmp_path):
    backup.rename(tmp_path / "holiday")
    assert abs(examine(tmp_path / "holiday").at - timezone.now()) < timedelta(minutes=5)


def test_what_was_backed_up_is_back_and_new_rows_get_new_numbers(backup, make_member, later, now):
    make_member("Zita")
    Use.objects.all().delete()
    restored = restore(backup, later)
    assert first_names() == ["Ada"]
    assert Use.objects.filter(note="a\ttab, a line\nand \\.\n").count() == 3
    last = Use.objects.latest("pk").pk
    assert Use.objects.create(machine_id=7, started_at=now, ended_at=now).pk == last + 1
    assert restored.kept_aside.name.endswith("-before-restore.pgdump")
    restore(restored.kept_aside, later + timedelta(days=1))
    assert first_names() == ["Ada", "Zita"]


def test_the_connection_is_as_before(backup, later):
    restore(backup, later)
    with connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        assert "public" in cursor.fetchone()[0]


def test_tables_that_came_later_go_and_what_is_not_ours_stays(backup, later):
    run("CREATE TABLE members_later (id integer)")
    run("CREATE TABLE somebody_elses (id integer)")
    try:
        restore(backup, later)
        assert "members_later" not in connection.introspection.table_names()
        assert "somebody_elses" in connection.introspection.table_names()
    finally:
        run("DROP TABLE somebody_elses")


def test_a_view_on_our_tables_is_said_and_nothing_happens(backup, make_member, later):
    make_member("Zita")
    run("CREATE VIEW chart AS SELECT * FROM machines_use")
    try:
        with pytest.raises(RestoreFailed, match="built on our tables"):
            restore(backup, later)
    finally:
        run("DROP VIEW chart")
    assert first_names() == ["Ada", "Zita"]


def test_a_lock_of_somebody_else_is_not_waited_for_for_ever(backup, make_member, later, other, monkeypatch):
    make_member("Zita")
    monkeypatch.setattr(postgresql, "LOCK_SECONDS", 1)
    other.set_autocommit(False)
    run("LOCK TABLE machines_use IN ACCESS SHARE MODE", on=other)
    with pytest.raises(RestoreFailed, match="stop the worker and the web server"):
        restore(backup, later)
    other.rollback()
    assert first_names() == ["Ada", "Zita"]


def test_who_is_connected_goes_on_with_the_restored_one(backup, make_member, later, other):
    make_member("Zita")
    for _time in range(10):  # by then the driver has prepared it
        run("SELECT first_name FROM members_member", on=other)
    restore(backup, later)
    with other.cursor() as cursor:
        cursor.execute("SELECT first_name FROM members_member")
        assert cursor.fetchall() == [("Ada",)]


@pytest.mark.parametrize("step", ["call_command", "note_run"])
def test_whatever_fails_later_leaves_the_present_one(backup, make_member, later, monkeypatch, step):
    make_member("Zita")

    def fail(*arguments, **named):
        Machine.objects.all().delete()
        raise RuntimeError("ada@example.org")

    monkeypatch.setattr(restoring, step, fail)
    with pytest.raises(RestoreFailed) as failure:
        restore(backup, later)
    assert "ada@" not in str(failure.value)
    assert first_names() == ["Ada", "Zita"]
    assert Machine.objects.exists()


@pytest.mark.parametrize("part", [0.02, 0.5, 0.98])
def test_a_dump_that_ends_too_early_is_refused(backup, later, part):
    content = backup.read_bytes()
    backup.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(NoBackup, match="damaged"):
        restore(backup, later)
    assert first_names() == ["Ada"]


def test_a_dump_with_functions_in_it_is_refused(later, tmp_path):
    run("CREATE FUNCTION evil() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
    try:
        path = tmp_path / "all.pgdump"
        command = ["pg_dump", "--format=custom", f"--file={path}"]
        subprocess.run(command, env=postgresql._environment(), check=True)
    finally:
        run("DROP FUNCTION evil()")
    with pytest.raises(NoBackup, match="evil"):
        restore(path, later)


def test_a_dump_of_somebody_else_is_refused(later, tmp_path):
    run("CREATE TABLE somebody_elses (id integer)")
    try:
        path = tmp_path / "theirs.pgdump"
        command = ["pg_dump", "--format=custom", "--table=somebody_elses", f"--file={path}"]
        subprocess.run(command, env=postgresql._environment(), check=True)
    finally:
        run("DROP TABLE somebody_elses")
    with pytest.raises(NoBackup, match="none of Fabomatic"):
        restore(path, later)


def test_a_copy_of_an_sqlite_database_is_refused(later, tmp_path):
    import sqlite3

    with closing(sqlite3.connect(tmp_path / "lab.sqlite3")) as database:
        database.execute("CREATE TABLE members_member (id)")
    with pytest.raises(NoBackup, match="copy of an SQLite database"):
        restore(tmp_path / "lab.sqlite3", later)


def test_missing_tools_are_said(backup, later, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NoBackup, match="pg_restore is missing"):
        restore(backup, later)
