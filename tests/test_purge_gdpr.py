"""`manage.py purge_gdpr`: what it says and notes, and what it refuses."""

import os
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from django.core.management import call_command
from django.utils import translation

from fabomatic.environment import Problem
from fabomatic.models import Run
from telemetry.models import Tap
from tests.conftest import NOW
from tests.purging import named, purge_gdpr, refusal, tap, use_ended

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def history(laser, ada):
    """Something each month, for two years and a half."""
    for month in range(30):
        use_ended(laser, NOW - timedelta(days=30 * month, hours=1), member=ada, card_uid=ada.uid)
    return laser


# ---- what it says ----------------------------------------------------------------------------------------------------


def test_it_says_each_kind_in_a_line_and_notes_one(history):
    said = purge_gdpr().splitlines()
    assert said[0] == "uses made anonymous: 17"
    assert len(said) == 13
    run = Run.objects.get()
    assert (run.kind, run.is_ok, run.text) == (Run.Kind.PURGE, True, said[-1])
    assert run.text.startswith("Older than 2025-03-10: uses made anonymous 17, interventions made anonymous 0,")
    assert named() == 13


def test_days_are_taken_from_the_settings_or_from_the_command(history, settings):
    settings.RETENTION_DAYS = 800
    assert "uses made anonymous: 3\n" in purge_gdpr()
    assert "uses made anonymous: 17\n" in purge_gdpr("--days", "290")


def test_days_of_unknown_cards_likewise(history, settings):
    for days in (5, 15, 40):
        tap(history, NOW - timedelta(days=days), uid="deadbeef", outcome="unknown_card")
    assert "taps of unknown cards deleted: 1\n" in purge_gdpr()
    assert "taps of unknown cards deleted: 1\n" in purge_gdpr("--unknown-days", "10")
    settings.UNKNOWN_CARD_RETENTION_DAYS = 2
    assert "taps of unknown cards deleted: 1\n" in purge_gdpr()


def test_a_dry_run_would_and_notes_nothing(history):
    said = purge_gdpr("--dry-run").splitlines()
    assert said[0] == "uses made anonymous: would be 17"
    assert all("would be" in line for line in said)
    assert named() == 30
    assert not Run.objects.exists()


def test_from_cron_it_says_nothing_but_to_the_log(history, caplog):
    with caplog.at_level("INFO", logger="fabomatic.housekeeping"):
        assert purge_gdpr("--scheduled") == ""
    assert "uses made anonymous 17" in caplog.text
    assert "Ada" not in caplog.text


def test_on_a_terminal_it_shows_how_far_it_is(history, monkeypatch):
    monkeypatch.setattr("fabomatic.privacy.purge_rows.WINDOW", 5)
    said = StringIO()
    said.isatty = lambda: True
    with time_machine.travel(NOW, tick=False):
        call_command("purge_gdpr", stdout=said, no_color=True)
    assert "uses made anonymous … 17 %" in said.getvalue()


def test_it_goes_on_when_nobody_listens_any_more(history):
    class Closed(StringIO):
        def write(self, text):
            if "anonymous:" in text:
                raise BrokenPipeError
            return super().write(text)

    with time_machine.travel(NOW, tick=False):
        call_command("purge_gdpr", stdout=Closed())
    assert named() == 13


def test_it_says_what_it_takes(tmp_path):
    done = started_with(tmp_path / "lab.sqlite3", "--help")
    assert done.returncode == 0
    assert all(option in done.stdout for option in ("--dry-run", "--days N", "--unknown-days N", "--trust-clock"))


def test_a_million_of_each_fits_into_the_noted_line(history, monkeypatch):
    from fabomatic.privacy import purging

    monkeypatch.setattr(purging, "_purge_one", lambda *_: 1_000_000)
    for language in ("en", "it"):
        with translation.override(language):
            purge_gdpr("--trust-clock")
        text = Run.objects.latest("pk").text
        assert text.count("1000000") == len(purging.KINDS)
        assert len(text) < 500


def test_it_speaks_italian(history):
    with translation.override("it"):
        assert "17" in purge_gdpr("--dry-run")


# ---- what it refuses -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["--days", "--unknown-days"])
@pytest.mark.parametrize(
    "given", ["0", "-1", "-365", "a year", "", "1.5", "1e3", "36501", "9" * 400, "٣", "30 days", "+5", "0x10"]
)
def test_what_is_no_number_of_days_is_refused_with_a_sentence(history, option, given):
    assert "is no number of days: give a whole one from 1 to 36500" in refusal(f"{option}={given}")
    assert not Run.objects.exists()


@pytest.mark.parametrize("given", [0, -1, "x", 36501, 1.5, True])
def test_also_when_a_program_asks(history, given):
    assert "is no number of days" in refusal(days=given)


@pytest.mark.parametrize("given", ["1", "36500", " 400 ", "0400"])
def test_what_is_one_is_taken(history, given):
    purge_gdpr("--dry-run", f"--days={given}")


@pytest.mark.parametrize("setting", ["RETENTION_DAYS", "UNKNOWN_CARD_RETENTION_DAYS"])
def test_a_slip_in_the_settings_deletes_nothing(history, settings, setting):
    settings.SETTINGS_PROBLEMS = [Problem(setting, "…", "…")]
    assert setting in refusal()
    assert not Run.objects.get().is_ok


def test_what_is_asked_for_needs_no_setting(history, settings):
    settings.SETTINGS_PROBLEMS = [Problem("RETENTION_DAYS", "…", "…"), Problem("DEBUG", "…", "…")]
    purge_gdpr("--days", "400")


def test_with_one_kind_not_done_it_fails(history, monkeypatch):
    def broken(span):
        raise ValueError

    from fabomatic.privacy import purging

    monkeypatch.setattr(purging, "KINDS", [purging.Kind("uses", broken), *purging.KINDS[1:2]])
    assert refusal().startswith("Not done: uses.")
    assert not Run.objects.get().is_ok


# ---- the wrong database ----------------------------------------------------------------------------------------------


def started_with(database, *arguments):
    env = {**os.environ, "DATABASE_URL": f"sqlite:///{database}"}
    command = [sys.executable, "manage.py", "purge_gdpr", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_a_database_that_is_not_there_is_not_made(tmp_path):
    done = started_with(tmp_path / "lab.sqlite3")
    assert done.returncode != 0
    assert "There is no database lab.sqlite3" in done.stderr
    assert not (tmp_path / "lab.sqlite3").exists()
    assert "anonymous" not in done.stdout


def test_an_empty_file_is_no_database(tmp_path):
    (tmp_path / "lab.sqlite3").touch()
    done = started_with(tmp_path / "lab.sqlite3")
    assert done.returncode != 0
    assert "lab.sqlite3 cannot be used" in done.stderr


def test_wrong_days_end_with_a_sentence_and_no_traceback(tmp_path):
    done = started_with(tmp_path / "lab.sqlite3", "--days", "0")
    assert done.returncode != 0
    assert "“0” is no number of days" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_members_it_says_so(db):
    assert "no members" in refusal()
    assert Tap.objects.count() == 0
