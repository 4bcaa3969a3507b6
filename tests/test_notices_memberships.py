"""A member is told once that the membership is about to end."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from members.models import Member
from tests.conftest import NOW
from tests.noticing import lab_with_mail, languages, last_mail, later, refused, told

__all__ = ["lab_with_mail", "languages", "refused"]

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 10)
SOON = TODAY + timedelta(days=14)


@pytest.fixture
def ends(ada):
    """Moves the end of ada's membership."""

    def move(day):
        Member.objects.filter(pk=ada.pk).update(valid_until=day)

    return move


def subject(day):
    return [("ada@example.org", f"Your membership ends on {day}")]


def test_it_is_told_once_when_its_end_comes_near(ends):
    ends(SOON + timedelta(days=1))
    assert told() == []
    assert told(later(days=1)) == subject("25 Mar 2026")
    assert told(later(days=2)) == []


def test_prolonged_membership_is_told_again_when_it_ends(ends):
    ends(SOON)
    told()
    ends(SOON + timedelta(days=365))
    assert told(later(days=1)) == []
    assert told(later(days=365)) == subject("24 Mar 2027")


def test_last_day_is_told_and_the_day_after_no_more(ends):
    ends(TODAY)
    assert told(later(days=1)) == []
    assert told() == subject("10 Mar 2026")
    assert "today is the last day of your membership." in last_mail()[0]


def test_day_is_the_labs(ends, settings):
    settings.QUIET_HOURS = None
    ends(TODAY)
    assert told(later(hours=11, minutes=30)) == []  # half past midnight in Rome, not yet in Greenwich


def test_lab_chooses_how_many_days_before(ends, settings):
    settings.MEMBERSHIP_NOTICE_DAYS = 3
    ends(TODAY + timedelta(days=4))
    assert told() == []
    assert told(later(days=1)) == subject("14 Mar 2026")


def test_mail_says_until_when_what_then_and_whom_to_ask(ends):
    ends(SOON)
    told()
    text, page = last_mail()
    assert "its last day is 24 Mar 2026." in text
    assert "your card switches on no machine any more" in text
    assert "write to desk@lab.example.org." in text
    assert 'href="mailto:desk@lab.example.org"' in page


def test_mail_is_in_the_members_language(ends, languages):
    ends(SOON)
    Member.objects.update(language="it")
    assert told() == [("ada@example.org", "[it] Your membership ends on 24 Mar 2026")]
    assert last_mail()[0].startswith("Ciao Ada,")
    assert '<html lang="it">' in last_mail()[1]


def test_unlimited_membership_ends_never(ends):
    ends(None)
    assert told() == []


@pytest.mark.parametrize("change", [{"email": None}, {"is_active": False, "deactivated_at": NOW}])
def test_who_cannot_be_told_or_is_gone_is_not_told(ends, ada, change):
    ends(SOON)
    Member.objects.filter(pk=ada.pk).update(**change)
    assert told() == []


def test_quiet_hours_put_it_off(ends):
    ends(SOON)
    assert told(later(hours=10)) == []
    assert told(later(hours=20)) == subject("24 Mar 2026")


def test_lab_can_switch_these_mails_off(ends, settings):
    settings.MAIL_MEMBERSHIP_ENDS = False
    ends(SOON)
    assert told() == []


def test_membership_prolonged_before_the_mail_could_be_sent_is_not_told(ends, refused):
    refused.add("ada@example.org")
    ends(SOON)
    assert told() == []
    refused.clear()
    ends(SOON + timedelta(days=365))
    assert told(later(minutes=15)) == []


def test_who_ends_first_is_told_first(ends, make_member):
    make_member("Lina", email="lina@example.org", valid_until=TODAY + timedelta(days=2))
    ends(SOON)
    assert [to for to, _subject in told()] == ["lina@example.org", "ada@example.org"]


def test_number_of_queries_does_not_depend_on_how_many_end(make_member):
    for number in range(3):
        make_member("X", email=f"x{number}@example.org", valid_until=SOON)
    told()
    few = queries()
    for number in range(3, 30):
        make_member("X", email=f"x{number}@example.org", valid_until=SOON - timedelta(days=number % 10))
    told()
    assert queries() == few <= 4


def queries():
    with CaptureQueriesContext(connection) as asked:
        assert told(later(minutes=15)) == []
    return len(asked)
