"""What a line of the crontab starts, and by which clock."""

import zoneinfo
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command, load_command_class
from django_crontab.crontab import Crontab

from fabomatic.housekeeping import cron, crontab
from fabomatic.housekeeping.command import Job
from fabomatic.housekeeping.locks import alone
from fabomatic.housekeeping.schedule import SCHEDULE
from fabomatic.models import Run

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def nothing_ran_yet():
    cron.went_well.clear()
    yield
    cron.went_well.clear()


def hash_of(name):
    jobs = Crontab(verbosity=0)
    jobs.add_jobs()
    (line,) = [line for line in jobs.crontab_lines if f"/{name}.txt" in line]
    return line.split("crontab run ")[1].split()[0]


@pytest.mark.parametrize("name", SCHEDULE)
def test_what_is_scheduled_is_a_job(name):
    command = load_command_class("fabomatic", name)
    assert isinstance(command, Job)
    assert command.name == name


def test_a_job_that_went_well_is_noted_and_says_nothing(ada, capsys):
    call_command("crontab", "run", hash_of("close_lost_uses"))
    assert Run.objects.get().is_ok
    assert capsys.readouterr().out == ""


def test_a_job_that_failed_says_why_and_does_not_exit_with_0(ada, monkeypatch, capsys):
    monkeypatch.setattr("fabomatic.management.commands.close_lost_uses.close_lost", fail)
    with pytest.raises(SystemExit) as ended:
        call_command("crontab", "run", hash_of("close_lost_uses"))
    assert ended.value.code == 1
    assert not Run.objects.get().is_ok
    assert "close_lost_uses failed (RuntimeError)" in capsys.readouterr().err


def fail(now):
    raise RuntimeError("Ada's card 0a1b2c3d")


def test_a_job_that_is_running_is_left_alone(ada, capsys):
    with alone("close_lost_uses"), pytest.raises(SystemExit):
        call_command("crontab", "run", hash_of("close_lost_uses"))
    assert not Run.objects.exists()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "is running already" in captured.err


def test_by_hand_such_a_job_ends_with_what_timers_take_for_no_failure(ada):
    with alone("close_lost_uses"), pytest.raises(CommandError) as refusal:
        call_command("close_lost_uses", scheduled=True)
    assert refusal.value.returncode == 75


@pytest.mark.parametrize("job", ["0" * 32, None])
def test_a_job_that_the_settings_do_not_know_names_the_way_out(job, caplog):
    arguments = ["run", job] if job else ["run"]
    with pytest.raises(CommandError, match=r"manage\.py crontab add"):
        call_command("crontab", *arguments)
    assert "manage.py crontab add" in caplog.text


def zone_file(name):
    return next(file for folder in zoneinfo.TZPATH if (file := Path(folder, name)).is_file())


@pytest.mark.parametrize(
    ("systems", "is_another"),
    [("Europe/Rome", False), ("Europe/Berlin", False), ("Etc/UTC", True), ("Asia/Tokyo", True)],
)
def test_a_clock_that_differs_in_summer_or_winter_is_another_one(systems, is_another, monkeypatch):
    monkeypatch.setattr(crontab, "LOCALTIME", zone_file(systems))
    assert crontab.is_in_another_time_zone(NOW) is is_another


def test_a_system_without_a_time_zone_goes_by_utc(monkeypatch, tmp_path, settings):
    monkeypatch.setattr(crontab, "LOCALTIME", tmp_path / "localtime")
    assert crontab.is_in_another_time_zone(NOW)
    settings.TIME_ZONE = "UTC"
    assert not crontab.is_in_another_time_zone(NOW)
