"""Who could not be mailed is told on the home page: to whom that is their business, with the reason."""

from datetime import timedelta

import pytest

from fabomatic.attention import boxes_for
from fabomatic.models import Notice
from tests.conftest import NOW
from tests.staff import backend_role, client_of

pytestmark = pytest.mark.django_db
REFUSED = "The mail server refuses the recipient."


@pytest.fixture
def refused(ada):
    """Two mails to Ada."""
    for kind in ("summary", "membership"):
        Notice.objects.create(kind=kind, member=ada, about="x", trouble=REFUSED, attempts=1, created_at=NOW)


def box_for(user):
    return next((box for box in boxes_for(user, NOW) if box.kind == "mails"), None)


def test_each_person_is_named_once_with_the_reason(dora, ada, refused):
    box = box_for(dora)
    assert box.title == "1 person could not be mailed"
    (line,) = box.lines
    assert (line.name, line.detail) == ("Ada Lovelace", f"Membership ends: {REFUSED}")
    boss = client_of(dora)
    assert "Ada Lovelace" in boss.get(box.url).content.decode()
    assert boss.get(line.url).status_code == 200


def test_what_was_sent_at_last_or_is_long_ago_is_told_no_more(dora, refused):
    Notice.objects.filter(kind="summary").update(sent_at=NOW, trouble="")
    Notice.objects.filter(kind="membership").update(created_at=NOW - timedelta(days=15))
    assert box_for(dora) is None


def test_what_waits_for_its_first_attempt_is_no_trouble(dora, ada):
    Notice.objects.create(kind="summary", member=ada, about="x", created_at=NOW)
    assert box_for(dora) is None


@pytest.mark.parametrize("codenames", [["view_run"], ["view_member"]])
def test_it_is_for_those_who_see_jobs_and_members(make_member, refused, codenames):
    assert box_for(make_member("Cleo", role=backend_role("Others", *codenames))) is None
