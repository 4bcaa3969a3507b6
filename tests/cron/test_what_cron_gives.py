"""Cron gives a job hardly any environment, and a folder that is not the lab's."""

import subprocess

import pytest

from tests.cron.lab import PATIENCE, SURROUNDINGS


@pytest.fixture
def command(lab):
    (lab.folder / "var" / "cron").mkdir(parents=True, exist_ok=True)
    return lab.lines()["backup"].split(maxsplit=5)[5]


def as_cron_does(command):
    shell = (SURROUNDINGS["SHELL"], "-c", command)
    return subprocess.run(shell, env=SURROUNDINGS, cwd="/", capture_output=True, text=True, timeout=PATIENCE)


@pytest.fixture
def dotenv(lab):
    path = lab.folder / ".env"
    before = path.read_text()
    yield path
    path.write_text(before)


def test_that_is_enough_for_a_job(lab, command):
    before = len(lab.runs("backup"))
    ended = as_cron_does(command)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert len(lab.runs("backup")) == before + 1


def test_settings_that_only_a_shell_knew_are_missed_in_words(lab, command, dotenv):
    dotenv.write_text("")
    assert as_cron_does(command).returncode != 0
    assert "SECRET_KEY" in lab.said("backup")
    assert "No job runs: " in lab.log


def test_another_database_than_the_labs_is_not_looked_after(lab, command, dotenv):
    dotenv.write_text(dotenv.read_text() + "DATABASE_URL=sqlite:///nowhere.sqlite3\n")
    assert as_cron_does(command).returncode != 0
    assert "There is no database nowhere.sqlite3" in lab.said("backup")
    assert not (lab.folder / "nowhere.sqlite3").exists()
    assert "nowhere.sqlite3" in lab.log
