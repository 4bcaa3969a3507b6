"""A lab's jobs, from `crontab add` to `crontab remove`, started by a real cron as the minute turns."""

import time
from types import SimpleNamespace

import pytest

from fabomatic.housekeeping.schedule import SCHEDULE

OTHERS = """# not the lab's
OTHER=1
@weekly true
* * * * * touch "{control}"; echo somebody else is here
0 0 1 1 * nice /srv/lab2/manage.py crontab run 0a1b # fabomatic in /srv/lab2
"""
LONGEST = 200  # seconds until a minute has turned that cron knows the lines in, and a busy machine has run the jobs


@pytest.fixture(scope="module")
def seen(cron, lab, tmp_path_factory):
    """One story, told once: it waits for a minute to turn."""
    seen, control = SimpleNamespace(), tmp_path_factory.mktemp("control") / "ran"
    others = OTHERS.format(control=control)
    cron.write(others if cron.mails else others.replace("echo", "true"))
    seen.before = cron.read()
    lab.schedule(backup="* * * * *", check_hours="* * * * *")
    try:
        with lab.as_if_running("check_hours"):
            seen.adding = lab.manage("crontab", "add", through=cron.through)
            seen.added = cron.read()
            require_life(control)
            wait_until(lambda: lab.said("backup").endswith("\n"), lab, cron)
            wait_until(lambda: lab.said("check_hours").endswith(".\n"), lab, cron)
            wait_until(lambda: not cron.mails or cron.subjects(), lab, cron)
            lab.schedule(backup="59 23 31 12 *", check_hours="58 23 31 12 *")
            seen.adding_again = lab.manage("crontab", "add", through=cron.through)
            seen.changed = cron.read()
    finally:
        seen.removing = lab.manage("crontab", "remove", through=cron.through)
    seen.removed = cron.read()
    return seen


def require_life(control):
    """Some containers' cron starts and then runs nobody's jobs: that says nothing about ours."""
    deadline = time.monotonic() + LONGEST
    while not control.exists():
        if time.monotonic() > deadline:
            pytest.skip("cron runs here, but starts no job of anybody's")
        time.sleep(0.5)


def wait_until(is_so, lab, cron):
    deadline = time.monotonic() + LONGEST
    while not is_so():
        said = [lab.said(job) for job in SCHEDULE]
        assert time.monotonic() < deadline, f"cron did not do it: {cron.read()}\n{said}\n{lab.log}"
        time.sleep(0.5)


def test_all_jobs_are_added_below_what_was_there(seen):
    assert seen.adding.returncode == 0, seen.adding.stderr
    assert seen.added.startswith(seen.before)
    assert len(seen.added.splitlines()) == len(seen.before.splitlines()) + len(SCHEDULE)


def test_cron_runs_a_job_and_it_is_noted(seen, lab):
    assert {is_ok for is_ok, _text in lab.runs("backup")} == {1}


def test_what_it_did_is_in_the_log(seen, lab):
    _is_ok, text = lab.runs("backup")[0]
    assert f"fabomatic.housekeeping: backup: {text}" in lab.log


def test_its_last_output_is_kept_alone(seen, lab):
    assert lab.said("backup").count("backup:") == 1


def test_a_job_that_is_still_running_is_not_started_twice(seen, lab):
    assert lab.said("check_hours").endswith("\ncheck_hours is running already; it is not started twice.\n")
    assert lab.runs("hours") == []


def test_cron_mails_nothing_of_the_lab(seen, cron):
    if not cron.mails:
        pytest.skip("mails cannot be caught where mounts are not allowed")
    assert {subject.rpartition("; ")[2] for subject in cron.subjects()} == {"echo somebody else is here"}


def test_changed_times_are_taken_at_the_first_try(seen):
    assert seen.adding_again.returncode == 0, seen.adding_again.stderr
    ours = seen.changed.removeprefix(seen.before).splitlines()
    assert len(ours) == len(SCHEDULE)
    assert {line[:13] for line in ours} >= {"59 23 31 12 *", "58 23 31 12 *"}


def test_removing_leaves_what_was_there(seen):
    assert seen.removing.returncode == 0, seen.removing.stderr
    assert seen.removed == seen.before
