"""`manage.py purge_gdpr`: what it says and notes, what it refuses, and when it does not believe its clock."""

import os
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import translation

from fabomatic.environment import Problem
from fabomatic.models import KEPT_PER_KIND, Run, note_run
from machines.models import Machine, Use
from telemetry.models import Board, Tap
from tests.conftest import NOW
from tests.purging import YEAR, tap, use_ended

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def folders(settings, tmp_path):
    settings.LOCK_FOLDER = tmp_path / "locks"
    settings.IMPORT_FOLDER = tmp_path / "imports"


@pytest.fixture
def history(laser, ada):
    """Something each month, for two years and a half."""
    for month in range(30):
        use_ended(laser, NOW - timedelta(days=30 * month, hours=1), member=ada, card_uid=ada.uid)
    return laser


def purge_gdpr(*arguments, at=NOW, **options):
    said = StringIO()
    with time_machine.travel(at, tick=False):
        call_command("purge_gdpr", *arguments, stdout=said, stderr=said, **options)
    return said.getvalue()


def refusal(*arguments, at=NOW, **options):
    before = named()
    with pytest.raises(CommandError) as refused:
        purge_gdpr(*arguments, at=at, **options)
    assert named() == before
    return str(refused.value)


def named():
    return Use.objects.filter(member__isnull=False).count()


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

    monkeypatch.setattr("fabomatic.privacy.purge_history.LONGEST_USE", None)
    from fabomatic.privacy import purging

    monkeypatch.setattr(purging, "KINDS", [purging.Kind("uses", broken), *purging.KINDS[1:2]])
    assert refusal().startswith("Not done: uses.")
    assert not Run.objects.get().is_ok


# ---- the clock -------------------------------------------------------------------------------------------------------


def test_a_clock_set_back_a_year_is_not_believed(history):
    assert "was recorded at 2026-03-10" in refusal(at=NOW - YEAR)


@pytest.mark.parametrize("ahead", [timedelta(days=91), YEAR, 10 * YEAR, 200 * YEAR])
def test_a_clock_ahead_does_not_wipe_the_history(history, ahead):
    assert "nothing was recorded for 90 days" in refusal(at=NOW + ahead)
    assert not Run.objects.get().is_ok


def test_a_clock_ahead_is_found_out_though_boards_and_jobs_have_lived_by_it(history, ada):
    ahead = NOW + YEAR
    Board.objects.create(serial="a", machine=history, last_seen_at=ahead)
    Machine.objects.update(last_seen_at=ahead)
    tap(history, ahead - timedelta(hours=3), ada)
    note_run(Run.Kind.BACKUP, "", at=ahead)
    note_run(Run.Kind.PURGE, "", is_ok=False, at=ahead)
    assert "nothing was recorded for 90 days" in refusal(at=ahead)


def test_refusing_again_and_again_does_not_make_it_believe(history):
    ahead = NOW + YEAR
    for night in range(KEPT_PER_KIND + 2):
        note_run(Run.Kind.PURGE, "", is_ok=False, at=ahead + timedelta(days=night))
    refusal(at=ahead + timedelta(days=KEPT_PER_KIND + 3))


@pytest.mark.parametrize("off", [timedelta(days=89), timedelta(days=0), -timedelta(hours=23)])
def test_a_quiet_season_or_a_slow_clock_is_believed(history, off):
    purge_gdpr(at=NOW + off)


@pytest.mark.parametrize("off", [-YEAR, YEAR])
def test_somebody_may_vouch_for_the_clock(history, off):
    purge_gdpr("--trust-clock", at=NOW + off)
    assert Run.objects.get().is_ok
    assert named() == (25 if off < timedelta(0) else 0)


def test_once_vouched_for_it_needs_nobody_the_next_night(history):
    late = NOW + timedelta(days=120)
    purge_gdpr("--trust-clock", at=late)
    purge_gdpr(at=late + timedelta(days=1))


def test_after_a_purge_the_clock_may_not_go_back(history):
    purge_gdpr()
    Use.objects.all().delete()
    assert "was recorded at 2026-03-10" in refusal(at=NOW - timedelta(days=2))


def test_after_a_purge_it_may_not_jump_ahead(history, ada):
    purge_gdpr()
    tap(history, NOW + YEAR, ada)
    assert "nothing was recorded for 90 days" in refusal(at=NOW + YEAR)


def test_a_new_lab_has_nothing_to_compare_with(ada):
    purge_gdpr()


def test_a_young_lab_that_was_closed_is_asked_once(laser, ada):
    use_ended(laser, NOW - timedelta(days=200), member=ada, card_uid=ada.uid)
    use_ended(laser, NOW - timedelta(days=2), member=ada, card_uid=ada.uid)
    assert "--trust-clock" in refusal()
    purge_gdpr("--trust-clock")
    purge_gdpr(at=NOW + timedelta(days=1))


def test_a_dry_run_does_not_vouch(history):
    purge_gdpr("--trust-clock", "--dry-run", at=NOW + YEAR)
    refusal(at=NOW + YEAR)


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
