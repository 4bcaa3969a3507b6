"""Which backups go: 7 daily, 4 weekly and 12 monthly stay."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from fabomatic.backups.keeping import Backup, free_path, kept, rotate, to_remove

NOW = datetime(2026, 11, 20, 3, 10, tzinfo=UTC)
DAY = timedelta(days=1)


def backup(at, *, is_before_restore=False):
    return Backup(Path(f"{at.isoformat()}{is_before_restore}"), at, is_before_restore, 1)


def daily(days, now=NOW):
    return [backup(now - DAY * n) for n in range(days)]


def remaining(backups, now=NOW):
    return sorted({each.at for each in backups} - {each.at for each in to_remove(backups, now)}, reverse=True)


def test_of_two_years_of_daily_backups_a_week_a_month_and_a_year_stay():
    stay = remaining(daily(730))
    assert stay[:7] == [NOW - DAY * n for n in range(7)]
    sundays = [datetime(2026, 11, 15, 3, 10, tzinfo=UTC) - 7 * DAY * n for n in range(3)]
    assert set(sundays) < set(stay)
    ends_of_months = [each for each in stay if (each + DAY).day == 1]
    assert [each.month for each in ends_of_months] == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 12]
    assert len(stay) == 7 + 2 + 11  # the last Sunday is among the days, the last day of the month is this one


def test_a_lab_that_makes_one_every_day_never_has_more_than_it_needs():
    backups = []
    for n in range(800):
        now = NOW + DAY * n
        backups = [*backups, backup(now)]
        gone = to_remove(backups, now)
        backups = [each for each in backups if each not in gone]
        assert len(backups) <= 7 + 4 + 12
    months = {(each.at.year, each.at.month) for each in backups}
    assert len(months) == 12


def test_after_a_summer_of_nothing_the_old_ones_stay():
    old = daily(7, now=NOW - 90 * DAY)
    assert to_remove([*old, backup(NOW)], NOW) == []


def test_of_many_on_one_day_the_latest_of_days_before_stay():
    today = [backup(NOW - timedelta(minutes=n)) for n in range(30)]
    before = [backup(NOW - DAY * n) for n in range(1, 5)]
    assert set(before) | set(today[:7]) == {*today, *before} - set(to_remove([*today, *before], NOW))


def test_a_day_is_the_labs_and_not_that_of_greenwich():
    """23:30 UTC is half past midnight in Rome, in November."""
    evening, later = datetime(2026, 11, 10, 22, 30, tzinfo=UTC), datetime(2026, 11, 10, 23, 30, tzinfo=UTC)
    stay = remaining([*daily(5), backup(evening), backup(later)])
    assert evening in stay
    assert later in stay


def test_what_a_clock_set_back_calls_the_future_stays_and_takes_nobodys_place():
    future = [backup(NOW + DAY * n) for n in range(1, 400)]
    assert to_remove([*future, *daily(7)], NOW) == []


def test_copies_from_before_a_restore_stay_for_a_month_and_the_last_two_for_good():
    old = [backup(NOW - DAY * n, is_before_restore=True) for n in (29, 31, 32)]
    assert to_remove(old, NOW) == [old[2]]
    ancient = [backup(NOW - DAY * n, is_before_restore=True) for n in (500, 600, 700)]
    assert to_remove(ancient, NOW) == [ancient[2]]


def test_copies_from_before_a_restore_take_no_backups_place():
    aside = [backup(NOW - timedelta(minutes=n), is_before_restore=True) for n in range(50)]
    assert to_remove([*aside, *daily(7)], NOW) == []


moments = st.datetimes(datetime(2024, 1, 1), datetime(2027, 6, 1), timezones=st.just(UTC))
some_backups = st.lists(st.builds(backup, moments), max_size=60, unique_by=lambda each: each.at)


@given(some_backups, moments)
def test_the_newest_seven_and_all_of_the_future_always_stay(backups, now):
    gone = to_remove(backups, now)
    past = sorted((each.at for each in backups if each.at <= now), reverse=True)
    assert not {each.at for each in gone} & set(past[:7])
    assert all(each.at <= now for each in gone)
    assert len(past) - len(gone) <= 7 + 7 + 4 + 12


@given(some_backups, moments)
def test_whoever_rotates_twice_removes_nothing_more(backups, now):
    gone = to_remove(backups, now)
    left = [each for each in backups if each not in gone]
    assert to_remove(left, now) == []


# ---- files -----------------------------------------------------------------------------------------------------------


def test_two_of_one_minute_do_not_overwrite_each_other(tmp_path):
    for expected in ("", "-2", "-3"):
        path = free_path(tmp_path, NOW, ".sqlite3.gz")
        assert path.name == f"fabomatic-2026-11-20T0310Z{expected}.sqlite3.gz"
        path.touch()
    assert [each.path.name[26:] for each in kept(tmp_path)] == ["-3.sqlite3.gz", "-2.sqlite3.gz", ".sqlite3.gz"]
    aside = free_path(tmp_path, NOW, ".pgdump", is_before_restore=True)
    aside.touch()
    assert aside.name == "fabomatic-2026-11-20T0310Z-before-restore.pgdump"
    assert [each.path for each in kept(tmp_path) if each.is_before_restore] == [aside]


FOREIGN = (
    "erased.txt",
    "fabomatic-2020-13-01T0310Z.sqlite3.gz",
    "fabomatic-2020-01-01T0310Z.sqlite3.gz.part",
    "my-fabomatic-2020-01-01T0310Z.sqlite3.gz",
    "fabomatic-2020-01-01T0310Z-holidays.sqlite3.gz",
    "fabomatic-२०२०-01-01T0310Z.sqlite3.gz",
)


def test_files_that_are_not_ours_stay_however_old(tmp_path):
    for name in FOREIGN:
        (tmp_path / name).touch()
    (tmp_path / "fabomatic-2020-01-01T0310Z.sqlite3.gz").mkdir()
    (tmp_path / "fabomatic-2020-01-02T0310Z.sqlite3.gz").symlink_to(tmp_path / "erased.txt")
    for n in range(10, 40):
        free_path(tmp_path, NOW - DAY * n, ".sqlite3.gz").touch()
    assert rotate(tmp_path, NOW) > 10
    assert set(FOREIGN) < {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "fabomatic-2020-01-02T0310Z.sqlite3.gz").is_symlink()


def test_where_there_is_no_folder_there_are_no_backups(settings, tmp_path):
    settings.BACKUP_FOLDER = tmp_path / "none"
    assert kept() == []
