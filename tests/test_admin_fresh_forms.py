"""Two at the same desk: a form that was open for a while undoes nothing that somebody else did meanwhile."""

from datetime import timedelta

import pytest

from machines.models import Authorization
from members.days import today_here
from members.models import Card, Member
from tests.staff import client_of, filled_in, page

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(dora):
    return client_of(dora)


def open_form(client, thing):
    """What the form will send; whoever has it open sees nothing of what happens then."""
    url = page(type(thing), "change", thing.pk)
    sent = filled_in(client, url)
    return lambda **changes: client.post(url, {**sent, **changes})


def card_of(member):
    return Card.objects.get(member=member)


def test_a_card_reported_lost_meanwhile_stays_lost_when_its_label_is_saved(boss, ada):
    save = open_form(boss, card_of(ada))
    Card.objects.filter(member=ada).update(is_lost=True)
    assert save(label="blue").status_code == 302
    assert card_of(ada).is_lost
    assert card_of(ada).label == "blue"


def test_a_card_reported_lost_meanwhile_stays_lost_when_its_member_is_saved(boss, ada):
    save = open_form(boss, ada)
    Card.objects.filter(member=ada).update(is_lost=True)
    assert save(notes="called").status_code == 302
    assert card_of(ada).is_lost


def test_a_lost_card_is_found_again_by_unticking_the_box(boss, flora):
    url = page(Card, "change", card_of(flora).pk)
    sent = filled_in(boss, url)
    del sent["is_lost"]
    assert boss.post(url, sent).status_code == 302
    assert not card_of(flora).is_lost


def test_a_member_disabled_meanwhile_stays_disabled(boss, ada):
    save = open_form(boss, ada)
    member = Member.objects.get(pk=ada.pk)
    member.is_active = False
    member.save()
    assert save(notes="called").status_code == 302
    member.refresh_from_db()
    assert (member.is_active, member.notes) == (False, "called")


def test_a_role_and_an_end_given_meanwhile_stay(boss, ada, roles):
    save = open_form(boss, ada)
    end = today_here() + timedelta(days=5)
    Member.objects.filter(pk=ada.pk).update(role=roles.staff, valid_until=end)
    assert save(notes="called").status_code == 302
    member = Member.objects.get(pk=ada.pk)
    assert (member.role, member.valid_until) == (roles.staff, end)


@pytest.mark.parametrize("opened", ["right", "member"])
def test_a_right_shortened_meanwhile_stays_short(boss, ada, opened):
    right = Authorization.objects.get(member=ada)
    save = open_form(boss, right if opened == "right" else ada)
    end = today_here() + timedelta(days=5)
    Authorization.objects.filter(pk=right.pk).update(valid_until=end)
    field = "note" if opened == "right" else "authorizations-0-note"
    assert save(**{field: "laser course"}).status_code == 302
    right.refresh_from_db()
    assert (right.valid_until, right.note) == (end, "laser course")
