"""`manage.py backup`: a copy that was read back, or a sentence and everything as it was."""

import gzip
import os
import shutil
from collections import namedtuple
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from fabomatic.backups import examining, files, making, sqlite
from fabomatic.backups.errors import BackupFailed
from fabomatic.backups.keeping import kept
from fabomatic.models import Run

pytestmark = pytest.mark.django_db(transaction=True)
on_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="one file")


@pytest.fixture(autouse=True)
def lab(settings, tmp_path, make_member):
    settings.BACKUP_SECOND_FOLDER = None
    settings.BASE_DIR = tmp_path
    return make_member("Ada", "0a1b2c3d")


@pytest.fixture
def folder(settings):
    return settings.BACKUP_FOLDER


@pytest.fixture
def second(settings, tmp_path):
    settings.BACKUP_SECOND_FOLDER = tmp_path / "stick"
    settings.BACKUP_SECOND_FOLDER.mkdir()
    return settings.BACKUP_SECOND_FOLDER


def run(**options):
    out = StringIO()
    call_command("backup", stdout=out, **options)
    return out.getvalue()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_job_makes_one_reads_it_back_and_notes_what_is_in_it(folder, laser, make_use):
    make_use(laser)
    said = run()
    (made,) = kept()
    assert f"{made.path.name} (" in said
    assert "read back (members: 1, machines: 1, uses: 1)" in said
    noted = Run.objects.get(kind=Run.Kind.BACKUP)
    assert noted.is_ok
    assert noted.text in said


def test_nobody_else_may_read_it_and_nothing_else_is_left(folder):
    run()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o600]


def test_it_knows_when_it_was_made_whatever_it_is_called(folder, now, tmp_path):
    made = making.make(now).path
    renamed = tmp_path / "holiday"
    shutil.copy(made, renamed)
    if connection.vendor == "sqlite":
        assert examining.examine(renamed).at == now
    assert examining.examine(made).at == now


def test_old_ones_go_when_the_new_one_is_there(folder, now):
    for n in range(20):
        making.make(now + timedelta(days=n))
    assert 7 <= len(kept()) <= 12


@on_sqlite
def test_none_goes_when_the_new_one_cannot_be_read_back(folder, now, monkeypatch):
    for n in range(12):
        making.make(now + timedelta(minutes=n))
    before = names(folder)

    def pack_badly(plain, packed, at):
        files.private(packed).write_bytes(gzip.compress(plain.read_bytes()[:-5000]))

    monkeypatch.setattr(sqlite.files, "pack", pack_badly)
    with pytest.raises(BackupFailed, match=r"cannot be used .*damaged"):
        making.make(now + timedelta(days=30))
    assert names(folder) == before


def test_what_a_killed_run_left_is_removed_and_what_another_is_at_stays(folder):
    folder.mkdir()
    (folder / f"{files.PART}killed").mkdir()
    (folder / f"{files.PART}killed" / "db.sqlite3").write_text("half")
    with files.workplace(folder) as place:
        run()
        assert place.is_dir()
        assert len(names(folder)) == 2
    assert names(folder) == [kept()[0].path.name]


def test_too_little_space_is_noticed_before_anything_is_written(folder, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(files.shutil, "disk_usage", lambda place: usage(10**9, 10**9, 1000))
    with pytest.raises(CommandError, match=r"No backup was made.*not enough space.*needed"):
        run()
    assert names(folder) == []
    assert not Run.objects.get().is_ok


def test_a_folder_whose_disk_is_not_mounted_is_not_made(settings, tmp_path):
    settings.BASE_DIR = tmp_path / "project"
    settings.BACKUP_FOLDER = tmp_path / "media" / "stick" / "backups"
    with pytest.raises(CommandError, match="is its disk mounted"):
        run()
    assert not (tmp_path / "media").exists()


# ---- the second place ------------------------------------------------------------------------------------------------


def test_the_second_place_gets_the_same_and_the_ledger_of_the_erased(folder, second):
    folder.mkdir()
    (folder / "erased.txt").write_text("7 2026-03-10T12:00:00+00:00\n")
    run()
    (made,) = kept()
    assert names(second) == ["erased.txt", made.path.name]
    assert (second / made.path.name).read_bytes() == made.path.read_bytes()
    assert (second / "erased.txt").read_bytes() == (folder / "erased.txt").read_bytes()
    assert (second / made.path.name).stat().st_mode & 0o077 == 0


def test_the_second_place_is_rotated_the_same_way(folder, second, now):
    for n in range(20):
        making.make(now + timedelta(days=n))
    assert names(second) == names(folder)


def test_a_second_place_that_is_not_mounted_is_said_and_not_made(folder, settings, tmp_path):
    settings.BACKUP_SECOND_FOLDER = tmp_path / "media" / "stick"
    with pytest.raises(CommandError, match=r"was made and read back.*is not there: is its disk mounted"):
        run()
    assert len(kept()) == 1
    assert not (tmp_path / "media").exists()
    assert not Run.objects.get().is_ok


def test_the_same_folder_twice_is_no_second_place(folder, settings):
    settings.BACKUP_SECOND_FOLDER = folder
    with pytest.raises(CommandError, match="same folder"):
        run()
    assert len(kept()) == 1


def test_a_second_place_that_gives_back_something_else_is_not_trusted(folder, second, monkeypatch):
    sums = iter("ab")
    monkeypatch.setattr(files, "sha256", lambda path: next(sums))
    with pytest.raises(CommandError, match="is its disk failing"):
        run()
    assert names(second) == []


def test_a_second_place_that_cannot_be_written_loses_nothing(folder, second, monkeypatch, now):
    making.make(now)

    def fail(*arguments):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(making.second_place, "_copy_whole", fail)
    before = names(second)
    made = making.make(now + timedelta(days=1))
    assert "stick, could not be written: the disk is full" in made.trouble
    assert names(second) == before
    assert len(kept()) == 2
