"""In real processes: a lab whose database is missing, broken or in use, and a restore that is killed."""

import os
import resource
import shutil
import sqlite3
import subprocess
import threading
import time

import pytest

from tests.broker import lab
from tests.broker.lab import PRINTER
from tests.restoring import LabInAFolder

HISTORY = """
from datetime import timedelta
from django.utils import timezone
from machines.models import Use
end = timezone.now()
Use.objects.bulk_create(
    Use(machine=laser, member=people["Ada"], card_uid="0a1b2c3d", started_at=end - timedelta(hours=n + 1),
        ended_at=end - timedelta(hours=n), last_seen_at=end, duration=3600, end_reason="stop",
        note=f"use number {n} " * 9)
    for n in range(40000)
)
Machine.objects.filter(pk=7).update(seconds_used=3600 * 40000)
"""


@pytest.fixture(scope="module")
def seeded(tmp_path_factory):
    path = tmp_path_factory.mktemp("seed") / "seed.sqlite3"
    lab.seed(path, HISTORY)
    return path


@pytest.fixture
def place(seeded, tmp_path):
    shutil.copy(seeded, tmp_path / "lab.sqlite3")
    return LabInAFolder(tmp_path)


def restored(place, *arguments):
    code, said = place.run("restore", "latest", "--no-input", *arguments)
    assert code == 0, said
    return said


# ---- missing or broken -----------------------------------------------------------------------------------------------


def test_on_a_new_computer_a_backup_is_all_it_takes(place):
    place.backup()
    place.database.path.unlink()
    said = restored(place)
    assert "There was no database before." in said
    assert "Restart the web server and the worker." in said
    assert place.members() == ["Ada", "Bruno", "Carla"]
    assert place.database.hours_add_up()


BROKEN = {"text": b"this is no database" * 999, "corrupt": b"SQLite format 3\0" + b"\xff" * 9000, "empty": b""}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_database_is_moved_aside_with_its_journal(place, content):
    place.backup()
    place.database.path.write_bytes(content)
    os.chmod(place.database.path, 0o640)
    wal = place.folder / "lab.sqlite3-wal"
    wal.write_bytes(b"an old journal")
    said = restored(place)
    (aside,) = place.folder.glob("lab.sqlite3.broken-*Z")
    assert str(aside) in said
    assert aside.read_bytes() == content
    assert aside.with_name(f"{aside.name}-wal").read_bytes() == b"an old journal"
    assert place.database.path.stat().st_mode & 0o777 == 0o640
    assert place.is_whole()
    assert place.members() == ["Ada", "Bruno", "Carla"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_restores_belongs_to_who_owned_it(place):
    place.backup()
    os.chown(place.database.path, 65534, 65534)
    place.database.path.write_bytes(b"broken" * 999)
    restored(place)
    assert place.database.path.stat().st_uid == 65534
    os.chown(place.folder, 65534, 65534)
    place.database.path.unlink()
    restored(place)
    assert place.database.path.stat().st_uid == 65534


def test_a_backup_of_an_older_version_is_brought_up_to_date_before_it_is_put_in_place(place):
    """`migrate` runs on it as on the database of then."""
    back, _said = place.run("migrate", "fabomatic", "0001", "-v0")
    assert back == 0
    place.backup()
    assert place.run("migrate", "-v0")[0] == 0
    said = restored(place)
    assert "Restart the web server and the worker." in said
    assert place.database.rows("SELECT name FROM django_migrations WHERE app = 'fabomatic' AND name LIKE '0002%'")


# ---- while it is used ------------------------------------------------------------------------------------------------


class Writer(threading.Thread):
    """Ends uses of the printer without a pause, as the worker would; each in one transaction with its odometer."""

    def __init__(self, path):
        super().__init__()
        self.path, self.is_stopping, self.written, self.errors = path, False, 0, []

    def run(self):
        database = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        while not self.is_stopping:
            try:
                database.execute("BEGIN IMMEDIATE")
                copied = database.execute("SELECT max(id) FROM machines_use").fetchone()
                names = [row[1] for row in database.execute("PRAGMA table_info(machines_use)") if row[1] != "id"]
                rest = ", ".join("12" if name == "machine_id" else name for name in names)
                database.execute(
                    f"INSERT INTO machines_use ({', '.join(names)}) SELECT {rest} FROM machines_use WHERE id = ?",
                    copied,
                )
                database.execute("UPDATE machines_machine SET seconds_used = seconds_used + 3600 WHERE id = 12")
                database.execute("COMMIT")
                self.written += 1
            except sqlite3.Error as error:
                self.errors.append(error)
                if database.in_transaction:
                    database.execute("ROLLBACK")
            time.sleep(0.001)
        database.close()


@pytest.fixture
def writer(place):
    thread = Writer(place.database.path)
    thread.start()
    yield thread
    thread.is_stopping = True
    thread.join(30)


def test_a_backup_made_while_others_write_is_one_moment(place, writer):
    lab.until(lambda: writer.written > 20)
    place.backup()
    writer.is_stopping = True
    writer.join(30)
    assert not writer.errors
    restored(place)
    assert place.database.hours_add_up()


def test_who_writes_during_a_restore_sees_the_old_or_the_new_one_and_breaks_neither(place, writer):
    backup = place.backup()
    place.rename("Bruno", "Zita")
    lab.until(lambda: writer.written > 20)
    restored(place)
    written = writer.written
    lab.until(lambda: writer.written > written + 20, seconds=20)
    writer.is_stopping = True
    writer.join(30)
    assert not writer.errors
    assert place.members() == ["Ada", "Bruno", "Carla"]
    assert place.is_whole()
    assert place.database.hours_add_up()
    (aside,) = (name for name in place.names() if "before-restore" in name)
    before, since = place.uses_in(aside, PRINTER), len(place.database.uses(PRINTER)) - place.uses_in(backup, PRINTER)
    assert before + since == writer.written, "a use is in neither, or in both"


def journal_size(place):
    try:
        return os.path.getsize(f"{place.database.path}-wal")
    except FileNotFoundError:
        return 0


def is_being_put_in_place(place):
    """Half of it is in the journal."""
    return journal_size(place) > 4 * 2**20


def has_been_unpacked(place):
    return any(place.folder.glob(".fabomatic-part-*/new.sqlite3"))


def is_being_kept_aside(place):
    return any(place.backups.glob(".fabomatic-part-*/db.sqlite3*"))


@pytest.mark.parametrize("moment", [has_been_unpacked, is_being_kept_aside, is_being_put_in_place])
def test_killed_in_the_middle_either_is_there_whole(place, moment):
    name = place.backup()
    place.rename("Bruno", "Zita")
    with place.database.connection() as reader:  # somebody has it open: nobody tidies the journal away
        reader.execute("SELECT count(*) FROM members_member").fetchone()
        process = place.start("restore", name, "--no-input")
        lab.until(lambda: moment(place) or process.poll() is not None, seconds=60, every=0.0005)
        assert process.poll() is None, process.stdout.read()
        process.kill()
        process.wait(10)
    assert place.members() in (["Ada", "Bruno", "Carla"], ["Ada", "Carla", "Zita"])
    assert place.is_whole()
    assert place.database.hours_add_up()
    restored(place)
    assert place.members() == ["Ada", "Bruno", "Carla"]
    assert not list(place.folder.glob(".fabomatic-part-*")) + list(place.backups.glob(".fabomatic-part-*"))


# ---- a full disk -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("megabytes", [1, 5])
def test_a_file_that_cannot_grow_any_further_leaves_no_half_backup(place, megabytes):
    before = place.backup()

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (megabytes * 2**20, megabytes * 2**20))

    code, said = place.run("backup", preexec_fn=limit)
    assert code == 1
    assert "No backup was made" in said
    assert place.names() == [before]


@pytest.fixture
def small_disk(place):
    place.backups.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", place.backups], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("no tmpfs can be mounted here")
    disk = place.backups
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_leaves_the_old_ones_and_says_so(place, small_disk):
    code, said = place.run("backup")
    assert code == 1
    assert "not enough space" in said
    assert place.names() == []


def test_a_second_place_that_is_full_leaves_the_first(place, small_disk, monkeypatch):
    (small_disk / "films").write_bytes(b"\0" * 23 * 2**20)
    place.backups = place.folder / "first"
    environment = {**place.environment, "BACKUP_SECOND_FOLDER": str(small_disk)}
    monkeypatch.setattr(LabInAFolder, "environment", environment)
    code, said = place.run("backup")
    assert code == 1
    assert "was made and read back" in said
    assert "not enough space" in said
    assert len(place.names()) == 1
    assert [path.name for path in small_disk.iterdir()] == ["films"]
