"""A clock that is ahead would make the whole history too old: the purge believes it only where time went on."""

from datetime import timedelta

import pytest

from fabomatic.models import KEPT_PER_KIND, Run, note_run
from machines.models import Machine, Use
from telemetry.models import Board
from tests.conftest import NOW
from tests.purging import YEAR, named, purge_gdpr, refusal, tap, use_ended

pytestmark = pytest.mark.django_db


@pytest.fixture
def history(laser, ada):
    """Something each month, for two years and a half."""
    for month in range(30):
        use_ended(laser, NOW - timedelta(days=30 * month, hours=1), member=ada, card_uid=ada.uid)
    return laser


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
