"""Jobs run once at a time, on the lab's own database only, and never fail in silence."""

import io
import os
import signal
import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.core.management.base import CommandParser
from django.db import OperationalError
from django.db.migrations.recorder import MigrationRecorder

from fabomatic.housekeeping import cron
from fabomatic.housekeeping.command import RUNS_ALREADY, Done, Job
from fabomatic.housekeeping.locks import AlreadyRunning, CannotLock, alone
from fabomatic.models import KEPT_PER_KIND, Run, note_run
from tests.conftest import NOW

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parent.parent
MANAGE = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "fabomatic.settings"
from django.conf import settings
settings.LOCK_FOLDER = sys.argv.pop(1)
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""
HOLD = """
import sys
from django.conf import settings
settings.configure(LOCK_FOLDER=sys.argv[1])
from fabomatic.housekeeping.locks import alone
with alone("send_notices"):
    print("held", flush=True)
    sys.stdin.read()
"""


class Trial(Job):
    """Does what its test says."""

    kind = Run.Kind.HOURS

    def __init__(self, work):
        super().__init__()
        self.do = work

    def add_arguments(self, parser: CommandParser):
        super().add_arguments(parser)
        parser.add_argument("--dry-run", action="store_true")

    def work(self, **options):
        return self.do() if callable(self.do) else self.do


def run(work, *arguments):
    out = io.StringIO()
    call_command(Trial(work), *arguments, stdout=out)
    return out.getvalue()


def fails(work, *arguments):
    with pytest.raises(CommandError) as failure:
        run(work, *arguments)
    return str(failure.value)


def stumble():
    raise ZeroDivisionError("ada@example.org divided by zero")


def lines():
    return list(Run.objects.order_by("pk").values_list("kind", "is_ok", "text"))


def manage(folder, database, *arguments):
    """As a person starts it, in a process of its own."""
    environment = {**os.environ, "DATABASE_URL": f"sqlite:///{database}"}
    command = [sys.executable, "-c", MANAGE, str(folder), *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


@pytest.fixture
def holder(settings):
    """Another process that does the notices and does not come to an end."""
    command = [sys.executable, "-c", HOLD, str(settings.LOCK_FOLDER)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


# ---- once at a time --------------------------------------------------------------------------------------------------


def test_second_process_is_refused_with_a_sentence(holder, settings, tmp_path):
    second = manage(settings.LOCK_FOLDER, tmp_path / "none.sqlite3", "send_notices")
    assert second.returncode == RUNS_ALREADY != 0
    assert "send_notices is running already; it is not started twice." in second.stderr
    assert "Traceback" not in second.stderr


def test_killed_process_leaves_no_lock(holder):
    with pytest.raises(AlreadyRunning), alone("send_notices"):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.wait(timeout=10)
    with alone("send_notices"):
        pass


def test_other_jobs_do_not_wait_for_it(holder):
    with alone("backup"):
        pass


def test_refused_start_is_no_run_but_cron_leaves_it_in_the_log(ada, caplog):
    with alone("test_housekeeping_jobs"):
        assert "running already" in fails(Done("x"), "--scheduled")
    assert lines() == []
    assert "running already" in caplog.text


def test_lock_goes_with_a_failure(ada):
    fails(stumble)
    assert run(Done("again")) == "again\n"


def test_lock_that_cannot_be_opened_is_a_sentence(ada, settings, tmp_path):
    (tmp_path / "file").write_text("")
    settings.LOCK_FOLDER = tmp_path / "file"
    assert fails(Done("x")) == (
        "file/test_housekeeping_jobs.lock cannot be opened (FileExistsError): all jobs have to run as the same user."
    )
    with pytest.raises(CannotLock), alone("backup"):
        pass


def test_locks_are_nobody_elses(settings):
    with alone("backup"):
        assert (settings.LOCK_FOLDER / "backup.lock").stat().st_mode & 0o777 == 0o600
        assert settings.LOCK_FOLDER.stat().st_mode & 0o777 == 0o700


# ---- on the lab's own database ---------------------------------------------------------------------------------------


def test_missing_database_is_refused_and_none_is_made(tmp_path):
    result = manage(tmp_path / "locks", tmp_path / "none.sqlite3", "send_notices")
    assert (result.returncode, result.stdout) == (1, "")
    assert "There is no database none.sqlite3: check DATABASE_URL." in result.stderr
    assert not list(tmp_path.glob("none*"))


@pytest.mark.parametrize("is_other", [False, True])
def test_empty_or_foreign_database_is_refused_and_stays_as_it_is(tmp_path, is_other):
    file = tmp_path / "other.sqlite3"
    file.touch()
    if is_other:
        with sqlite3.connect(file) as connection:
            connection.execute("CREATE TABLE shopping (item)")
    result = manage(tmp_path / "locks", file, "send_notices")
    assert result.returncode == 1
    assert "other.sqlite3 cannot be used (no such table: members_member)" in result.stderr
    assert "Traceback" not in result.stderr
    with sqlite3.connect(file) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert tables == (["shopping"] if is_other else [])


def test_file_that_is_no_database_is_refused(tmp_path):
    file = tmp_path / "letter.txt"
    file.write_text("Dear lab, " * 100)
    result = manage(tmp_path / "locks", file, "send_notices")
    assert result.returncode == 1
    assert "file is not a database" in result.stderr
    assert "Traceback" not in result.stderr


def test_database_without_members_is_refused_and_noted(roles):
    done = []
    sentence = fails(lambda: done.append("work"))
    assert "has no members: nothing was done." in sentence
    assert done == []
    assert lines() == [("hours", False, sentence)]


def test_job_that_needs_no_database_runs_without_members(roles, monkeypatch):
    monkeypatch.setattr(Trial, "needs_database", False)
    assert run(Done("done")) == "done\n"


def test_failure_on_an_older_database_says_what_to_do(ada):
    def work():
        raise OperationalError("no such column")

    assert "log says where" in fails(work)
    MigrationRecorder.Migration.objects.filter(app="fabomatic", name="0002_housekeeping").delete()
    assert fails(work).endswith("(OperationalError): the database is older than this version, run `manage.py migrate`.")


# ---- what is noted and said ------------------------------------------------------------------------------------------


def test_run_is_noted_and_said(ada):
    assert run(Done("3 of 3 done.")) == "3 of 3 done.\n"
    assert lines() == [("hours", True, "3 of 3 done.")]


def test_for_cron_it_is_said_in_the_log_only(ada, caplog):
    caplog.set_level("INFO")
    assert run(Done("3 of 3 done."), "--scheduled") == ""
    assert "test_housekeeping_jobs: 3 of 3 done." in caplog.text


def test_part_that_failed_is_noted_and_exits_with_an_error(ada):
    assert fails(Done("2 of 3 done.", is_ok=False)) == "2 of 3 done."
    assert lines() == [("hours", False, "2 of 3 done.")]


def test_dry_run_notes_nothing_whether_it_goes_well_or_not(ada):
    run(Done("would do"), "--dry-run")
    fails(stumble, "--dry-run")
    assert lines() == []


def test_unexpected_error_is_noted_by_its_kind_and_the_log_says_where_but_not_its_words(ada, caplog):
    sentence = fails(stumble)
    assert sentence == "test_housekeeping_jobs failed (ZeroDivisionError); the log says where."
    assert lines() == [("hours", False, sentence)]
    assert f"{__file__}:" in caplog.text
    assert "in stumble" in caplog.text
    assert "ada" not in caplog.text + sentence


def test_database_that_is_gone_while_noting_hides_nothing(ada, monkeypatch, caplog):
    def locked(*args, **kwargs):
        raise OperationalError("database is locked: ada")

    monkeypatch.setattr("fabomatic.housekeeping.command.note_run", locked)
    assert run(Done("done")) == "done\n"
    assert fails(Done("half", is_ok=False)) == "half"
    assert "could not be noted: OperationalError" in caplog.text
    assert "ada" not in caplog.text


def test_job_with_nothing_to_tell_leaves_one_line_a_day(ada):
    with time_machine.travel(NOW, tick=False) as clock:
        for _ in range(3):
            run(Done("nothing", is_news=False))
        assert len(lines()) == 1
        clock.shift(timedelta(hours=25))
        run(Done("nothing", is_news=False))
        assert len(lines()) == 2


def test_failure_is_noted_also_where_there_is_nothing_to_tell(ada):
    run(Done("fine"))
    fails(Done("nothing, but it failed", is_ok=False, is_news=False))
    assert [is_ok for _kind, is_ok, _text in lines()] == [True, False]


def test_latest_lines_are_kept_also_after_the_clock_was_set_back(ada):
    for number in range(KEPT_PER_KIND + 5):
        note_run(Run.Kind.HOURS, f"{number}", at=NOW)
    note_run(Run.Kind.HOURS, "after", at=NOW - timedelta(days=365))
    kept = [text for _kind, _is_ok, text in lines()]
    assert (len(kept), kept[0], kept[-1]) == (KEPT_PER_KIND, "6", "after")


def test_long_line_is_cut_not_refused(ada):
    run(Done("x" * 600))
    assert len(lines()[0][2]) == 500


def test_cron_hears_of_a_failure_and_goes_on(ada, monkeypatch, capsys):
    def fail(name, **options):
        assert options == {"scheduled": True}
        raise CommandError(f"{name} failed")

    monkeypatch.setattr(cron, "call_command", fail)
    cron.run("backup")
    assert "backup failed" in capsys.readouterr().err
