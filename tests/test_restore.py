"""`manage.py restore`: a backup takes the place of the database in use, and what was there is kept aside."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection

from fabomatic.backups import BackupFailed, RestoreFailed, making, restoring, sqlite
from fabomatic.backups.keeping import kept
from fabomatic.backups.restoring import restore
from fabomatic.models import Run
from fabomatic.privacy import erased
from machines.models import Use
from members.models import Member
from tests.staff import client_of

pytestmark = pytest.mark.django_db(transaction=True)
on_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="one file")


@pytest.fixture(autouse=True)
def lab(settings, tmp_path, dora, ada, laser, make_use, now):
    settings.BASE_DIR = tmp_path
    make_use(laser, member=ada)
    Member.objects.update(created_at=now - timedelta(days=30))


@pytest.fixture
def backup(now):
    return making.make(now).path


@pytest.fixture
def later(now):
    return now + timedelta(days=2)


def first_names():
    return sorted(Member.objects.values_list("first_name", flat=True))


def test_what_was_backed_up_is_back_and_what_came_later_is_kept_aside(backup, make_member, later):
    make_member("Zita")
    Use.objects.all().delete()
    restored = restore(backup, later)
    assert first_names() == ["Ada", "Dora"]
    assert Use.objects.count() == 1
    assert restored.kept_aside == kept()[0].path
    assert kept()[0].is_before_restore
    restore(restored.kept_aside, later + timedelta(days=1))
    assert first_names() == ["Ada", "Dora", "Zita"]


def test_it_says_what_it_did_and_what_is_left_to_do(backup, later):
    restored = restore(backup, later)
    assert restored.sentences == [
        f"Restored {backup.name} of 2026-03-10 13:00 (members: 2, machines: 1, uses: 1).",
        f"What was there before is kept in {restored.kept_aside}.",
        "Everybody has to log in again.",
        "Run `manage.py purge_gdpr`: what was purged since then is there again.",
        "Nothing has to be restarted: the worker answers by the restored database already.",
    ]
    noted = Run.objects.get(kind=Run.Kind.BACKUP)
    assert noted.text == "Restored the backup of 2026-03-10 13:00."
    assert noted.at == later


def test_nobody_is_logged_in_by_a_session_of_then(dora, now, later):
    client = client_of(dora)
    assert client.get("/admin/").status_code == 200
    restore(making.make(now).path, later)
    assert Session.objects.count() == 0
    assert client.get("/admin/").status_code == 302


def test_who_was_erased_since_then_is_erased_again(backup, ada, now, later):
    key = ada.pk
    ada.delete()
    erased.remember(key, now + timedelta(days=1))
    restored = restore(backup, later)
    assert first_names() == ["Dora"]
    assert Use.objects.get().member is None
    assert "1 person who had been erased since then was erased again." in restored.sentences


@pytest.fixture
def stick(backup, tmp_path, ada, now):
    """The second place, with Ada in its ledger."""
    stick = tmp_path / "stick"
    stick.mkdir()
    backup.rename(stick / backup.name)
    (stick / "erased.txt").write_text(f"{ada.pk} {(now + timedelta(days=1)).isoformat()}\n")
    return stick


def test_on_a_new_computer_the_ledger_beside_the_file_counts(backup, stick, later, settings):
    restore(stick / backup.name, later)
    assert first_names() == ["Dora"]
    assert (settings.BACKUP_FOLDER / "erased.txt").stat().st_mode & 0o777 == 0o600


def test_a_lab_that_has_a_ledger_believes_no_other(backup, stick, later, settings):
    (settings.BACKUP_FOLDER / "erased.txt").write_text("99 2026-01-01T00:00:00+00:00\n")
    restore(stick / backup.name, later)
    assert first_names() == ["Ada", "Dora"]
    assert (settings.BACKUP_FOLDER / "erased.txt").read_text().splitlines() == ["99 2026-01-01T00:00:00+00:00"]


def test_neither_runs_while_the_other_does(backup, later):
    with restoring.alone(restoring.LOCK), pytest.raises(RestoreFailed, match="is running"):
        restore(backup, later)


@pytest.mark.parametrize("step", ["call_command", "note_run"])
def test_whatever_fails_before_leaves_the_present_one(backup, make_member, later, monkeypatch, step):
    make_member("Zita")

    def fail(*arguments, **named):
        raise RuntimeError("ada@example.org")

    monkeypatch.setattr(restoring, step, fail)
    with pytest.raises(RestoreFailed) as failure:
        restore(backup, later)
    assert "ada@" not in str(failure.value)
    assert first_names() == ["Ada", "Dora", "Zita"]


def test_nothing_is_replaced_that_could_not_be_kept_aside(backup, make_member, later, monkeypatch):
    make_member("Zita")

    def fail(now):
        raise BackupFailed("The disk is full.")

    monkeypatch.setattr(making, "put_aside", fail)
    with pytest.raises(RestoreFailed, match="disk is full"):
        restore(backup, later)
    assert first_names() == ["Ada", "Dora", "Zita"]


@on_sqlite
def test_a_database_that_stays_locked_stays_as_it_is(backup, make_member, later, monkeypatch):
    make_member("Zita")
    monkeypatch.setattr(sqlite, "COPY_SECONDS", 0.2)
    with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(RestoreFailed, match="locked"):
            restore(backup, later)
        writer.execute("ROLLBACK")
    assert first_names() == ["Ada", "Dora", "Zita"]


@on_sqlite
def test_pages_of_another_size_fit(backup, make_member, later, tmp_path):
    from tests.restoring import repack

    def enlarge(plain):
        with closing(sqlite3.connect(plain, isolation_level=None)) as database:
            database.execute("PRAGMA page_size=16384")
            database.execute("VACUUM")

    repack(backup, enlarge)
    make_member("Zita")
    restore(backup, later)
    assert first_names() == ["Ada", "Dora"]


# ---- the command -----------------------------------------------------------------------------------------------------


def command(*arguments, **options):
    out = StringIO()
    call_command("restore", *arguments, stdout=out, **options)
    return out.getvalue()


def test_the_list_says_which_there_are(backup):
    assert command(list=True).split()[:2] == ["2026-03-10", "13:00"]
    assert backup.name in command(list=True)


def test_latest_is_the_latest_that_was_made_and_not_the_one_kept_aside(backup, make_member, later):
    making.put_aside(later)
    make_member("Zita")
    assert backup.name in command("latest", no_input=True)
    assert first_names() == ["Ada", "Dora"]


def test_it_shows_both_and_asks(backup, make_member, monkeypatch):
    make_member("Zita")
    for answer, expected in (("no", ["Ada", "Dora", "Zita"]), ("yes", ["Ada", "Dora"])):
        monkeypatch.setattr("builtins.input", lambda prompt, answer=answer: answer)
        if answer == "no":
            with pytest.raises(CommandError, match="Nothing was restored"):
                command(backup.name)
        else:
            said = command(backup.name)
            assert "In the backup: 2026-03-10 13:00: members: 2, machines: 1, uses: 1 (members 000" in said
            assert "There now: members: 3" in said
        assert first_names() == expected


@pytest.mark.parametrize(
    ("arguments", "words"), [([], "Which one"), (["latest"], "no backups"), (["x"], "No such file")]
)
def test_what_cannot_be_is_said(arguments, words):
    with pytest.raises(CommandError, match=words):
        command(*arguments, no_input=True)
