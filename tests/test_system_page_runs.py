"""What ran, how it went and what is late: on the system page, and on the home page where somebody has to look."""

from datetime import timedelta

import pytest
import time_machine

from fabomatic import runs_shown
from fabomatic.attention import boxes_for
from fabomatic.housekeeping.schedule import SCHEDULE
from fabomatic.models import Run, note_run
from members.models import Member
from tests.conftest import NOW
from tests.staff import backend_role, client_of

pytestmark = pytest.mark.django_db
ADDRESS = "/admin/system/"


@pytest.fixture
def text(dora):
    def read(**headers) -> str:
        with time_machine.travel(NOW, tick=False):
            response = client_of(dora).get(ADDRESS, headers=headers)
        assert response.status_code == 200
        return " ".join(response.content.decode().split())

    return read


def old_lab(days: float = 30) -> None:
    Member.objects.update(created_at=NOW - timedelta(days=days))


def ran(kind, *, ago: timedelta = timedelta(0), is_ok: bool = True, words: str = "done"):
    return note_run(kind, words, is_ok=is_ok, at=NOW - ago)


def all_ran(**but):
    for kind in Run.Kind:
        ran(kind, ago=but.get(kind.name, timedelta(0)))


def late() -> set[str]:
    return {shown.kind.name for shown in runs_shown.all_shown(NOW) if shown.is_late}


def in_trouble(user) -> list[tuple[str, str]]:
    return [(line.name, line.detail) for box in boxes_for(user, NOW) if box.kind == "jobs" for line in box.lines]


# ---- the system page -------------------------------------------------------------------------------------------------


def test_every_kind_has_a_line(text):
    shown = text()
    assert all(f"<dt>{kind.label}</dt>" in shown for kind in Run.Kind)


def test_every_job_of_the_schedule_has_a_kind():
    assert set(runs_shown.JOBS.values()) == set(SCHEDULE)


def test_each_says_what_it_did_last(text):
    ran(Run.Kind.HOURS, ago=timedelta(days=1), words="earlier")
    ran(Run.Kind.HOURS, words="All <odometers> agree.")
    shown = text()
    assert "All &lt;odometers&gt; agree." in shown
    assert "earlier" not in shown


def test_of_the_purge_the_last_ten_are_told(text):
    for day in range(12):
        ran(Run.Kind.PURGE, ago=timedelta(days=day), words=f"purge {day}.")
    shown = text()
    assert "purge 9." in shown
    assert "purge 10." not in shown
    assert "<details>" in shown


def test_a_failed_purge_is_marked_among_the_others(text):
    ran(Run.Kind.PURGE, ago=timedelta(days=1), is_ok=False, words="database is locked")
    ran(Run.Kind.PURGE)
    assert '<li class="failed">' in text()


# ---- what is late ----------------------------------------------------------------------------------------------------


def test_jobs_that_ran_in_time_are_not_late():
    all_ran(BACKUP=timedelta(hours=47), PURGE=timedelta(hours=47), HOURS=timedelta(days=13))
    assert late() == set()


@pytest.mark.parametrize(
    ("kind", "ago"),
    [
        ("BACKUP", timedelta(hours=49)),
        ("PURGE", timedelta(hours=49)),
        ("SUMMARY", timedelta(hours=49)),
        ("HOURS", timedelta(days=15)),
        ("NOTICES", timedelta(hours=3)),
        ("LOST_USES", timedelta(hours=3)),
    ],
)
def test_each_is_late_by_its_own_schedule(kind, ago):
    all_ran(**{kind: ago})
    assert late() == {kind}


def test_a_late_job_asks_for_the_crontab(text):
    all_ran(BACKUP=timedelta(days=5))
    assert "has not run since 5 Mar 2026, 13:00: is the crontab set up?" in text()


def test_what_never_ran_is_late_in_an_old_lab_only(dora, text):
    old_lab(days=1)
    assert late() == set()
    assert "crontab set up?" not in text()
    old_lab(days=3)
    assert late() == {"BACKUP", "PURGE", "SUMMARY", "NOTICES", "LOST_USES"}
    assert "has not run yet: is the crontab set up?" in text()


def test_mail_is_never_late():
    all_ran(MAIL=timedelta(days=300))
    assert late() == set()


def test_a_clock_that_was_set_back_makes_nothing_late():
    all_ran(BACKUP=timedelta(days=-300))
    assert late() == set()


def test_it_is_as_many_queries_however_much_ran(django_assert_max_num_queries):
    for _ in range(5):
        all_ran()
    with django_assert_max_num_queries(2):
        runs_shown.all_shown(NOW)


# ---- the home page ---------------------------------------------------------------------------------------------------


def test_a_failed_job_needs_attention_until_it_went_well(dora):
    all_ran()
    assert in_trouble(dora) == []
    ran(Run.Kind.PURGE, is_ok=False)
    assert in_trouble(dora) == [("Purge", "failed, 10 Mar 2026, 13:00")]
    ran(Run.Kind.PURGE)
    assert in_trouble(dora) == []


def test_an_old_backup_needs_attention(dora):
    all_ran(BACKUP=timedelta(days=3))
    assert in_trouble(dora) == [("Backup", "has not run since 7 Mar 2026, 13:00")]


def test_a_lab_that_never_made_a_backup_is_told_so(dora):
    old_lab()
    assert in_trouble(dora) == [("Backup", "has not run yet")]


def test_a_mail_that_failed_is_no_job(dora):
    all_ran()
    ran(Run.Kind.MAIL, is_ok=False)
    assert in_trouble(dora) == []


def test_only_who_may_see_runs_is_told(make_member):
    ran(Run.Kind.PURGE, is_ok=False)
    tina = make_member("Tina", role=backend_role("Technicians", "view_run"))
    fred = make_member("Fred", role=backend_role("Helpers", "view_machine"))
    assert len(in_trouble(tina)) == 1
    assert in_trouble(fred) == []


def test_the_home_page_leads_to_the_system_page(dora):
    ran(Run.Kind.PURGE, is_ok=False)
    assert 'href="/admin/system/#runs"' in client_of(dora).get("/admin/").content.decode()


def test_it_can_be_read_in_italian(text):
    old_lab()
    ran(Run.Kind.BACKUP, ago=timedelta(days=5), is_ok=False)
    assert text(**{"accept-language": "it"})
