"""What was deleted is not to be read from the files of the database either."""

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from fabomatic.privacy.erasing import erase
from fabomatic.privacy.traces import remove_traces

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'sqlite'", reason="SQLite keeps them in a file of its own"),
]
WHO = "Xanthippe-of-the-Traces"


def database():
    return Path(str(connection.settings_dict["NAME"]))


def where_it_stands():
    files = [database(), Path(f"{database()}-wal")]
    return [file.name for file in files if file.exists() and WHO.encode() in file.read_bytes()]


@pytest.fixture
def worker():
    """Has the database open, as it has day and night: the journal stays."""
    with closing(sqlite3.connect(database(), isolation_level=None)) as other:
        other.execute("SELECT count(*) FROM members_member").fetchone()
        yield other


def leave(make_member):
    member = make_member(WHO)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    member.notes = "Moved away"
    member.save()
    return member


def test_a_deleted_name_is_in_no_file_any_more(worker, make_member):
    leave(make_member).delete()
    assert where_it_stands(), "nobody has looked after it yet"
    remove_traces()
    assert where_it_stands() == []


def test_a_purge_leaves_no_trace(worker, make_member, ada):
    leave(make_member).delete()
    call_command("purge_gdpr")
    assert where_it_stands() == []


def test_a_dry_run_of_the_purge_touches_no_file(worker, make_member, ada):
    leave(make_member).delete()
    call_command("purge_gdpr", dry_run=True)
    assert where_it_stands()


def test_who_reads_for_a_moment_is_waited_for(worker, make_member):
    leave(make_member).delete()
    reads = threading.Event()

    def read():
        with closing(sqlite3.connect(database(), isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM members_member").fetchone()
            reads.set()
            time.sleep(0.4)

    thread = threading.Thread(target=read)
    thread.start()
    reads.wait(5)
    remove_traces()
    thread.join()
    assert where_it_stands() == []


def test_who_reads_for_ever_holds_nobody_up(worker, make_member):
    member = leave(make_member)
    worker.execute("BEGIN")
    worker.execute("SELECT count(*) FROM members_member").fetchone()
    member.delete()
    started = time.monotonic()
    remove_traces()
    assert time.monotonic() - started < 5
    worker.execute("ROLLBACK")
    assert connection.cursor().execute("PRAGMA busy_timeout").fetchone()[0] >= 1000, "as patient as before"


def test_every_connection_overwrites_what_it_deletes(settings):
    """Debian's SQLite does so by itself; others only when they are told."""
    assert "PRAGMA secure_delete=ON" in settings.DATABASES["default"]["OPTIONS"]["init_command"]
    assert connection.cursor().execute("PRAGMA secure_delete").fetchone()[0] == 1


def test_an_erasure_leaves_no_trace(worker, make_member, ada, now):
    erase(leave(make_member), None, now)
    assert where_it_stands() == []
