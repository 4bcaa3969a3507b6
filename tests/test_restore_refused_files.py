"""What is no backup of ours is refused with a sentence, and the lab's database stays as it is."""

import gzip
import os
import shutil
import sqlite3
from collections import namedtuple
from contextlib import closing

import pytest
from django.db import connection
from django.utils import translation

from fabomatic.backups import NoBackup, files, making, sqlite
from fabomatic.backups.examining import examine
from fabomatic.backups.restoring import restore
from members.models import Member
from tests.broker.lab import ROOT
from tests.restoring import repack

LEGACY = ROOT.parent / "shared" / "legacy-databases"
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'sqlite'", reason="files of SQLite"),
]


@pytest.fixture(autouse=True)
def lab(make_member):
    return make_member("Ada", "0a1b2c3d")


@pytest.fixture
def backup(now, tmp_path):
    return shutil.copy(making.make(now).path, tmp_path / "backup.sqlite3.gz")


def refused(path, now):
    """The sentence, the same from both."""
    with pytest.raises(NoBackup) as looked:
        examine(path)
    with pytest.raises(NoBackup) as restored:
        restore(path, now)
    assert str(looked.value) == str(restored.value)
    assert Member.objects.get().first_name == "Ada"
    return str(looked.value)


def changed(path, *statements):
    def change(plain):
        with closing(sqlite3.connect(plain, isolation_level=None)) as database:
            for statement in statements:
                database.execute(statement)

    repack(path, change)
    return path


@pytest.mark.parametrize("content", [b"", b"name,card\nada,0a1b2c3d\n", b"\0" * 5000, b"PK\x03\x04" + b"x" * 5000])
def test_any_other_file(tmp_path, now, content):
    path = tmp_path / "fabomatic-2026-03-10T1200Z.sqlite3.gz"
    path.write_bytes(content)
    assert refused(path, now) == "This is no backup of Fabomatic."


def test_a_text_that_was_packed(tmp_path, now):
    path = tmp_path / "notes.gz"
    path.write_bytes(gzip.compress(b"not a database at all"))
    assert refused(path, now) == "This is no backup of Fabomatic."


def test_a_folder_and_what_is_not_there(tmp_path, now):
    assert refused(tmp_path, now) == "This is no backup of Fabomatic."
    assert "No such file" in refused(tmp_path / "none", now)


@pytest.mark.parametrize("part", [0.2, 0.9, 0.9999])
def test_a_file_that_ends_too_early(backup, now, part):
    os.truncate(backup, int(backup.stat().st_size * part))
    assert "damaged" in refused(backup, now)


def test_a_file_with_a_flipped_bit(backup, now):
    content = bytearray(backup.read_bytes())
    content[len(content) // 2] ^= 4
    backup.write_bytes(content)
    assert "damaged" in refused(backup, now)


def test_a_database_that_does_not_hold_together(backup, now):
    def break_it(plain):
        content = bytearray(plain.read_bytes())
        for page in range(2, len(content) // 4096):
            content[page * 4096 : page * 4096 + 60] = b"\xaa" * 60
        plain.write_bytes(content)

    repack(backup, break_it)
    assert "damaged" in refused(backup, now)


def test_a_file_that_unpacks_to_more_than_the_disk_holds(tmp_path, now, monkeypatch):
    bomb = tmp_path / "bomb.gz"
    with gzip.open(bomb, "wb") as file:
        file.write(b"SQLite format 3\0")
        for _megabyte in range(64):
            file.write(b"\0" * 2**20)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(files.shutil, "disk_usage", lambda place: usage(10**9, 0, files.SPARE + 2**24))
    assert "more than the disk has room for" in refused(bomb, now)


@pytest.mark.skipif(not LEGACY.is_dir(), reason="the former backend's databases are not here")
@pytest.mark.parametrize("version", ["0.0.18", "0.1.8"])
def test_a_database_of_the_former_backend_says_what_is_for_it(now, version):
    assert "import_fabomatic" in refused(LEGACY / f"database-{version}.db", now)


def test_a_database_of_somebody_else(tmp_path, now):
    with closing(sqlite3.connect(tmp_path / "places.sqlite")) as database:
        database.execute("CREATE TABLE moz_places (url)")
    assert "none of Fabomatic" in refused(tmp_path / "places.sqlite", now)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER evil AFTER INSERT ON machines_use BEGIN UPDATE members_member SET is_superuser = 1; END",
        "CREATE VIEW evil AS SELECT * FROM members_member",
        "CREATE VIRTUAL TABLE evil USING fts5(words)",
    ],
)
def test_one_that_would_do_something_by_itself(backup, now, statement):
    assert "evil: Fabomatic makes none" in refused(changed(backup, statement), now)


def test_one_without_members(backup, now):
    assert refused(changed(backup, "DELETE FROM members_member"), now) == "There are no members in it."


def test_one_of_a_newer_version(backup, now):
    newer = "INSERT INTO django_migrations (app, name, applied) VALUES ('members', '9999_later', '2030-01-01')"
    said = refused(changed(backup, newer), now)
    assert "members.9999_later" in said
    assert "update first" in said


def test_one_of_postgresql(tmp_path, now):
    (tmp_path / "lab.pgdump").write_bytes(b"PGDMP\x01\x0e" + b"\0" * 500)
    assert "PostgreSQL" in refused(tmp_path / "lab.pgdump", now)


def test_the_present_database_itself(now):
    with pytest.raises(NoBackup, match="present database itself"):
        restore(sqlite.Path(connection.settings_dict["NAME"]), now)


def test_an_unpacked_copy_of_ours_is_fine(backup, tmp_path):
    plain = tmp_path / "plain.sqlite3"
    plain.write_bytes(gzip.decompress(backup.read_bytes()))
    assert examine(plain).members == 1
    assert examine(plain).at is None


def test_nothing_is_left_behind_of_what_was_looked_into(backup, settings, now):
    before = sorted(settings.BACKUP_FOLDER.iterdir())
    examine(backup)
    with pytest.raises(NoBackup):
        examine(changed(backup, "DELETE FROM members_member"))
    assert sorted(settings.BACKUP_FOLDER.iterdir()) == before


def test_it_is_said_in_italian(tmp_path):
    with translation.override("it"), pytest.raises(NoBackup):
        examine(tmp_path / "none")
