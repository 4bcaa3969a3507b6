"""No way leads from the permissions of a front desk to more power: each is tried here, and fails."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from members.models import Card, Member, Role
from members.power import is_powerful, may_touch, ordinary_roles, untouchable
from tests.member_desk import act, as_stored, cards_of, told
from tests.staff import MEMBER_WORK, backend_role, client_of, errors_of, page, save

pytestmark = pytest.mark.django_db


@pytest.fixture
def ines(make_member) -> Member:
    """Front desk: all that permissions can give over members, cards, roles and rights."""
    return make_member("Ines", "1e500001", role=backend_role("Front desk", *MEMBER_WORK), email="ines@example.org")


@pytest.fixture
def desk(ines) -> Client:
    return client_of(ines)


# ---- who is powerful -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flag", ["authorize_all", "can_maintain", "is_backend_admin"])
def test_every_flag_of_a_role_is_power(make_member, flag):
    assert is_powerful(make_member("Paula", role=Role.objects.create(name="Power", **{flag: True})))


def test_a_permission_is_power_also_where_the_role_does_not_enter_the_administration(make_member):
    """Names on the live page are shown to whoever has the permission to see members."""
    role = Role.objects.create(name="Readers")
    role.permissions.add(Permission.objects.get(codename="view_member"))
    assert is_powerful(make_member("Paula", role=role))
    assert role not in ordinary_roles()


def test_who_is_disabled_stays_powerful(dora):
    dora.is_active = False
    assert is_powerful(dora)


def test_the_powerful_among_many_are_those_who_are_powerful_alone(everybody, ines):
    people = list(vars(everybody).values())
    assert untouchable(ines, people) == {member.pk for member in people if not may_touch(ines, member)}
    assert untouchable(ines, people) == {everybody.carla.pk, everybody.dora.pk}
    assert untouchable(everybody.dora, people) == set()


def test_a_superuser_whose_role_enters_nothing_touches_nobody_powerful(make_member, roles, dora):
    assert not may_touch(make_member("Sam", role=roles.members, is_superuser=True), dora)


# ---- oneself ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"is_superuser": "on"},
        {"role": "Administrators"},
        {"email": "other@example.org"},
        {"valid_until": "2099-01-01"},
        {"cards-TOTAL_FORMS": "1", "cards-0-uid": "aabbccdd"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_nobody_of_the_desk_changes_themselves(desk, ines, roles, fields):
    before, cards = as_stored(ines), cards_of(ines)
    if "role" in fields:
        fields = {"role": roles.administrators.pk}
    sent = {
        "first_name": "Ines", "is_active": "on", "cards-TOTAL_FORMS": 0, "cards-INITIAL_FORMS": 0,
        "authorizations-TOTAL_FORMS": 0, "authorizations-INITIAL_FORMS": 0, **fields,
    }  # fmt: skip
    assert desk.post(page(Member, "change", ines.pk), sent).status_code == 403
    assert (as_stored(ines), cards_of(ines)) == (before, cards)


def test_nobody_of_the_desk_gives_themselves_a_card_of_an_ordinary_member(desk, ines, ada):
    card = ada.cards.get()
    assert "member" in errors_of(save(desk, page(Card, "change", card.pk), member=ines.pk))
    assert Card.objects.get(pk=card.pk).member == ada


def test_nobody_of_the_desk_takes_their_own_card_off(desk, ines, ada):
    card = ines.cards.get()
    assert desk.post(page(Card, "change", card.pk), {"uid": ines.uid, "member": ada.pk}).status_code == 403
    assert Card.objects.get(pk=card.pk).member == ines


def test_the_password_page_is_closed(desk, ines, ada):
    for member in (ines, ada):
        assert desk.get(reverse("admin:auth_user_password_change", args=[member.pk])).status_code == 403


# ---- administrators --------------------------------------------------------------------------------------------------


def test_an_administrators_mail_is_not_led_elsewhere_to_ask_for_a_new_password(desk, dora, roles):
    sent = {"first_name": "Dora", "role": roles.administrators.pk, "is_active": "on", "email": "ines@example.com"}
    assert desk.post(page(Member, "change", dora.pk), sent).status_code == 403
    assert as_stored(dora)["email"] == "dora@example.org"


@pytest.mark.parametrize("action", ["disable", "enable", "report_lost", "invite"])
@pytest.mark.parametrize("is_active", [True, False])
def test_no_action_reaches_somebody_powerful_among_others(desk, dora, ada, enzo, action, is_active, mailoutbox):
    Member.objects.filter(pk=dora.pk).update(is_active=is_active, deactivated_at=None if is_active else dora.created_at)
    before, cards = as_stored(dora), cards_of(dora)
    taken = [str(card["id"]) for card in cards]
    assert act(desk, action, dora, ada, enzo, sure="yes", card=taken).status_code in (200, 302)
    assert (as_stored(dora), cards_of(dora)) == (before, cards)
    assert all("dora@example.org" not in letter.to for letter in mailoutbox)


def test_an_action_says_whom_it_left_out_and_why(desk, dora, ada):
    act(desk, "disable", dora, ada, sure="yes")
    assert "Left out: Dora Maar: only superusers change people who can do more than members." in told(desk)
    assert not as_stored(ada)["is_active"]


def test_a_disabled_administrator_is_not_revived(desk, make_member, roles):
    old = make_member("Old", role=roles.administrators, is_active=False, email="old@example.org")
    act(desk, "enable", old, sure="yes")
    sent = {"first_name": "Old", "role": roles.administrators.pk, "is_active": "on"}
    assert desk.post(page(Member, "change", old.pk), sent).status_code == 403
    assert not as_stored(old)["is_active"]


def test_an_administrators_card_is_not_reported_lost(desk, dora):
    card = dora.cards.get()
    act(desk, "report_lost", dora, sure="yes", card=card.pk)
    desk.post(page(Card, "change", card.pk), {"uid": dora.uid, "member": dora.pk, "is_lost": "on"})
    assert not Card.objects.get(pk=card.pk).is_lost


def test_a_card_of_somebody_powerful_is_not_reported_lost_under_another_name(desk, dora, ada):
    act(desk, "report_lost", ada, sure="yes", card=dora.cards.get().pk)
    assert not Card.objects.filter(is_lost=True).exists()


def test_a_card_added_in_another_notation_is_still_the_administrators(desk, dora, ada):
    response = desk.post(page(Card, "add"), {"uid": "D0:A0:D0:A0", "member": ada.pk})
    assert "Dora Maar" in errors_of(response)["uid"][0]
