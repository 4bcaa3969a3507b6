"""`make test`: what fails beside all others is asked again alone, and nothing that fails is passed over."""

import sys

import pytest

from tests import run_all

PASSES = "def test_it():\n    pass\n"
FAILS = "def test_it():\n    assert False\n"
FAILS_ONCE = """from pathlib import Path

SEEN = Path(__file__).with_name("seen")


def test_it():
    was_seen = SEEN.exists()
    SEEN.touch()
    assert was_seen
"""


@pytest.fixture
def outcome_of(tmp_path, monkeypatch, capfd):
    def run(*, live=PASSES, beside=PASSES, others=PASSES):
        files = {}
        for name, text in (("live", live), ("beside", beside), ("others", others)):
            (tmp_path / name).mkdir()
            files[name] = tmp_path / name / "test_one.py"
            files[name].write_text(text)
        command = (sys.executable, "-m", "pytest", "-p", "no:django", "-c", "/dev/null", f"--rootdir={tmp_path}")
        cache = ("-o", f"cache_dir={tmp_path / 'cache'}")
        lanes = {
            run_all.LIVE_LANE: (*command, *cache, str(files["live"])),
            "Beside": (*command, "-p", "no:cacheprovider", str(files["beside"])),
        }
        monkeypatch.setattr(run_all, "LANES", lanes)
        monkeypatch.setattr(run_all, "OTHERS", (*command, "-p", "no:cacheprovider", str(files["others"])))
        alone = (*command, *cache, "--last-failed", "--last-failed-no-failures=none", str(files["live"]))
        monkeypatch.setattr(run_all, "ALONE", alone)
        return run_all.main(), capfd.readouterr().out

    return run


def test_all_is_well(outcome_of):
    code, said = outcome_of()
    assert code == 0
    assert "once more" not in said


@pytest.mark.parametrize("lane", ["beside", "others"])
def test_what_needs_no_processor_of_its_own_is_asked_once(outcome_of, lane):
    code, said = outcome_of(**{lane: FAILS_ONCE})
    assert code == 1
    assert "once more" not in said


def test_what_came_too_late_beside_the_others_may_be_in_time_alone(outcome_of):
    code, said = outcome_of(live=FAILS_ONCE)
    assert code == 0
    assert "1 failed" in said
    assert said.rindex("1 passed") > said.index("once more and alone")


def test_what_fails_alone_too_has_failed(outcome_of):
    code, said = outcome_of(live=FAILS)
    assert code == 1
    assert said.count("1 failed") == 2


def test_a_lane_that_could_not_be_run_is_no_bad_luck(outcome_of):
    code, said = outcome_of(live="this is no Python")
    assert code == 2
    assert "once more" not in said
