"""The timers in deploy/systemd start the same jobs as cron, at the same times."""

import os
import re
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from fabomatic.housekeeping.command import RUNS_ALREADY
from fabomatic.housekeeping.schedule import SCHEDULE

FOLDER = Path(__file__).resolve().parent.parent / "deploy" / "systemd"
DAYS = {"0": "Sun ", "1": "Mon ", "2": "Tue ", "3": "Wed ", "4": "Thu ", "5": "Fri ", "6": "Sat ", "*": ""}
ANALYZE = shutil.which("systemd-analyze") or ""
needs_systemd = pytest.mark.skipif(not ANALYZE, reason="systemd-analyze is not installed")


def unit(name):
    parser = ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str
    parser.read_string((FOLDER / name).read_text())
    return parser


def on_calendar(times):
    """What systemd calls a time of the crontab, of the kinds that SCHEDULE has."""
    minute, hour, day, month, weekday = times.split()
    assert (day, month) == ("*", "*")
    every = re.fullmatch(r"\*/(\d+)", minute)
    minutes = f"00/{int(every[1]):02}" if every else f"{int(minute):02}"
    hours = "*" if hour == "*" else f"{int(hour):02}"
    return f"{DAYS[weekday]}*-*-* {hours}:{minutes}:00"


@pytest.mark.parametrize("name", SCHEDULE)
def test_a_timer_goes_by_the_schedule(name):
    assert unit(f"fabomatic-job@{name}.timer")["Timer"]["OnCalendar"] == on_calendar(SCHEDULE[name])


def test_there_is_a_timer_for_each_job_and_no_other():
    assert {file.name for file in FOLDER.glob("*.timer")} == {f"fabomatic-job@{name}.timer" for name in SCHEDULE}


@pytest.mark.parametrize("name", SCHEDULE)
def test_what_a_computer_slept_through_is_made_up_for(name):
    assert unit(f"fabomatic-job@{name}.timer")["Timer"]["Persistent"] == "yes"


def test_purge_and_backup_that_are_made_up_for_keep_their_order():
    dropped_in = unit("fabomatic-job@backup.service.d/after-purge.conf")
    assert dropped_in["Unit"]["After"] == "fabomatic-job@purge_gdpr.service"


def test_a_job_that_runs_already_is_no_failed_unit():
    assert int(unit("fabomatic-job@.service")["Service"]["SuccessExitStatus"]) == RUNS_ALREADY


def test_a_job_may_write_where_the_checkout_is():
    service = unit("fabomatic-job@.service")["Service"]
    assert service["ProtectSystem"] == "strict"
    assert service["ReadWritePaths"] == service["WorkingDirectory"]


@needs_systemd
@pytest.mark.parametrize("name", SCHEDULE)
def test_systemd_understands_the_times(name):
    times = unit(f"fabomatic-job@{name}.timer")["Timer"]["OnCalendar"]
    assert analyze("calendar", times).returncode == 0


@needs_systemd
def test_systemd_understands_the_units(tmp_path):
    """As somebody installs them who has the checkout elsewhere."""
    python = tmp_path / "checkout" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to("/bin/true")
    shutil.copytree(FOLDER, tmp_path / "units")
    template = tmp_path / "units" / "fabomatic-job@.service"
    here = (
        template.read_text()
        .replace("/opt/fabomatic", str(tmp_path / "checkout"))
        .replace("User=fabomatic", "User=root")
    )
    template.write_text(here)
    answer = analyze("verify", *map(str, (tmp_path / "units").glob("*.timer")), path=tmp_path / "units")
    assert (answer.returncode, mentioning_ours(answer.stderr)) == (0, [])


def analyze(*arguments, path=FOLDER):
    environment = {**os.environ, "SYSTEMD_UNIT_PATH": f"{path}:"}
    return subprocess.run([ANALYZE, *arguments], capture_output=True, text=True, timeout=60, env=environment)


def mentioning_ours(text):
    return [line for line in text.splitlines() if "fabomatic" in line]
