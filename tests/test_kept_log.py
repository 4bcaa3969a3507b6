"""The worker's last lines, kept for the system page."""

import logging

import pytest

from fabomatic import logs
from fabomatic.logs import KeptLog, last_lines


@pytest.fixture
def kept(tmp_path):
    return tmp_path / "var" / "worker.log"


def say(path, *sentences):
    handler = KeptLog(str(path))
    for sentence in sentences:
        handler.handle(logging.makeLogRecord({"msg": sentence}))
    handler.close()


def test_the_latest_lines_come_last(kept):
    say(kept, *(f"line {number}" for number in range(5)))
    assert last_lines(kept, 2) == ["line 3", "line 4"]


def test_it_is_nobody_elses_to_read(kept):
    say(kept, "hello")
    assert kept.stat().st_mode & 0o007 == 0


def test_it_never_grows_beyond_two_files(kept, monkeypatch):
    monkeypatch.setattr(logs, "LARGEST", 1000)
    say(kept, *("x" * 90 for _line in range(100)))
    files = list(kept.parent.iterdir())
    assert len(files) == 2
    assert sum(file.stat().st_size for file in files) <= 2000


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path):
    (tmp_path / "file").write_text("in the way")
    say(tmp_path / "file" / "worker.log", "hello")


def test_a_long_file_is_read_from_near_its_end(kept, monkeypatch):
    monkeypatch.setattr(logs, "AT_MOST", 100)
    say(kept, *(f"line {number}" for number in range(1000)))
    assert last_lines(kept, 1000)[-1] == "line 999"
    assert len(last_lines(kept, 1000)) < 15


def test_without_a_file_nothing_is_known(tmp_path):
    assert last_lines(tmp_path / "none", 10) is None
