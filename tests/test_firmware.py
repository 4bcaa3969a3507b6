"""Which firmware is older than which, as far as anybody can tell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.firmware import behind, parse


def older(*texts: str) -> set[str]:
    """Of boards that say this of their firmware, and nothing of their build."""
    return behind((text, text, "") for text in texts)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("1.0.7", "1.0.8"),
        ("1.0.9", "1.0.10"),
        ("v0.9.2", "1.0.7"),
        ("V0.9.2", "v0.10"),
        ("1.0", "1.0.1"),
        ("v9", "v10"),
        ("1.0.7-rc1", "1.0.7"),
        ("1.0.7-beta", "1.0.7"),
        ("1.0.7a2", "1.0.7"),
        ("1.0.7.dev3", "1.0.7"),
        ("1.0.7", "1.0.7-5-gab12cd3"),
        ("1.0.7-5-gab12cd3", "1.0.7-12-g00ffab"),
        ("1.0.7-12-g00ffab", "1.0.8"),
        ("2024-05-01", "2024-11-30"),
        ("20240501", "20241130"),
        ("2024.05.01", "2024-05-02"),
        ("2024-05-01 09:00", "2024-05-01 10:00:30"),
        ("1700000000", "1800000000"),
        ("2020-01-01", "1700000000"),
    ],
)
def test_the_older_one_is_behind(before, after):
    assert older(before, after) == {before}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.0.7", "v1.0.7"),
        ("1.0", "1.0.0"),
        ("1.0.7", "1.0.7+esp32"),
        ("1.0.7-local", "1.0.7"),
        ("1.0.7-rc1", "1.0.7-rc2"),  # nobody else runs it yet
        ("1.0.7", "2.0.0-beta"),
        ("1.0.7", "2024-05-01"),
        ("1.0.7", "ab12cd3"),
        ("1.0.7", "1234567"),
        ("1.0.7", ""),
        ("", ""),
        ("2024-13-45", "2024-05-01"),
        ("main", "trunk"),
    ],
)
def test_what_cannot_be_told_apart_is_not_behind(one, other):
    assert older(one, other) == set()


def test_a_hash_is_told_by_its_build():
    boards = [("old", "ab12cd3", "0.7.2"), ("new", "ffff", "0.8.0"), ("newest", "1.0.7", "1700000000")]
    assert behind(boards) == {"old", "new"}


def test_nothing_is_behind_where_there_is_nothing():
    assert behind([]) == set()


@given(st.lists(st.tuples(st.text(max_size=40), st.text(max_size=40)), max_size=5))
def test_whatever_boards_say_somebody_is_up_to_date(said):
    boards = [(number, *texts) for number, texts in enumerate(said)]
    assert len(behind(boards)) < max(len(boards), 1)


@given(st.from_regex(r"[vV]?[0-9]{1,12}([.-][0-9a-z]{1,12}){0,6}", fullmatch=True))
def test_no_format_is_too_odd(text):
    parse(text)
