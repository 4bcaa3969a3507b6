"""What the front desk may do with ordinary members, and may not with whoever can do more than they."""

from datetime import date

import pytest
from django.test import Client

from members.models import Card, Member, Role
from tests.staff import MEMBER_WORK, backend_role, client_of, errors_of, page, save

pytestmark = pytest.mark.django_db

NO_CARDS = {"cards-TOTAL_FORMS": 0, "cards-INITIAL_FORMS": 0}
NO_RIGHTS = {"authorizations-TOTAL_FORMS": 0, "authorizations-INITIAL_FORMS": 0}


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


@pytest.fixture
def ines(make_member) -> Member:
    """Front desk: may do everything with members and cards that permissions can give."""
    return make_member("Ines", "1e500001", role=backend_role("Front desk", *MEMBER_WORK), email="ines@example.org")


@pytest.fixture
def desk(ines) -> Client:
    return client_of(ines)


def new_member(role: Role, **fields) -> dict:
    return {"first_name": "Nora", "role": role.pk, "is_active": "on", **NO_CARDS, **NO_RIGHTS, **fields}


def change(client: Client, member: Member, **fields):
    return save(client, page(Member, "change", member.pk), **fields)


# ---- what the front desk may do --------------------------------------------------------------------------------------


def test_the_desk_adds_an_ordinary_member_with_a_card(desk, roles):
    fields = new_member(roles.members, **{"cards-TOTAL_FORMS": 1, "cards-0-uid": "aabbccdd"})
    assert desk.post(page(Member, "add"), fields).status_code == 302
    assert Card.objects.get(uid="aabbccdd").member.first_name == "Nora"


def test_the_desk_changes_an_ordinary_member(desk, ada):
    assert change(desk, ada, email="a.lovelace@example.org", valid_until="2027-01-01").status_code == 302
    ada.refresh_from_db()
    assert (ada.email, ada.valid_until) == ("a.lovelace@example.org", date(2027, 1, 1))


def test_the_desk_moves_a_card_between_ordinary_members(desk, ada, bruno):
    card = Card.objects.get(uid=ada.uid)
    assert save(desk, page(Card, "change", card.pk), member=bruno.pk).status_code == 302
    card.refresh_from_db()
    assert card.member == bruno


def test_the_desk_deletes_an_ordinary_member(desk, ada):
    assert desk.post(page(Member, "delete", ada.pk), {"post": "yes"}).status_code == 302
    assert not Member.objects.filter(pk=ada.pk).exists()


# ---- and what it may not ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("power", ["authorize_all", "can_maintain", "is_backend_admin"])
def test_no_new_member_gets_a_role_with_power(desk, power):
    role = Role.objects.create(name="Power", **{power: True})
    response = desk.post(page(Member, "add"), new_member(role))
    assert "role" in errors_of(response)


def test_no_new_member_gets_a_role_with_permissions(desk):
    role = Role.objects.create(name="Quiet")
    role.permissions.set(backend_role("Loud", "change_member").permissions.all())
    assert "role" in errors_of(desk.post(page(Member, "add"), new_member(role)))


def test_no_new_member_becomes_superuser(desk, roles):
    desk.post(page(Member, "add"), new_member(roles.members, is_superuser="on"))
    assert not Member.objects.get(first_name="Nora").is_superuser


def test_no_ordinary_member_gets_another_role(desk, ada, roles):
    change(desk, ada, role=roles.administrators.pk, is_superuser="on")
    ada.refresh_from_db()
    assert (ada.role, ada.is_superuser) == (roles.members, False)


def test_the_desk_does_not_promote_itself(desk, ines, roles):
    url = page(Member, "change", ines.pk)
    response = desk.post(url, new_member(roles.administrators, is_superuser="on"))
    assert response.status_code == 403
    ines.refresh_from_db()
    assert (ines.role.name, ines.is_superuser) == ("Front desk", False)


@pytest.fixture(params=["administrator", "staff", "maintainer", "superuser", "administrator without other power"])
def powerful(request, make_member, roles) -> Member:
    quiet = Role.objects.create(name="Quiet admins", is_backend_admin=True)
    fixers = Role.objects.create(name="Fixers", can_maintain=True)
    fields = {
        "administrator": {"role": roles.administrators},
        "staff": {"role": roles.staff},
        "maintainer": {"role": fixers},
        "superuser": {"role": roles.members, "is_superuser": True},
        "administrator without other power": {"role": quiet},
    }[request.param]
    return make_member("Paula", "9a01a000", email="paula@example.org", **fields)


def test_a_powerful_members_page_is_only_to_read(desk, powerful, roles):
    url = page(Member, "change", powerful.pk)
    assert not desk.get(url).context["adminform"].form.fields
    assert desk.post(url, new_member(roles.members, email="ines@example.com")).status_code == 403
    powerful.refresh_from_db()
    assert powerful.email == "paula@example.org"


def test_a_powerful_members_page_takes_no_card(desk, powerful, roles):
    fields = new_member(roles.members, **{"cards-TOTAL_FORMS": 1, "cards-0-uid": "aabbccdd"})
    assert desk.post(page(Member, "change", powerful.pk), fields).status_code == 403
    assert not Card.objects.filter(uid="aabbccdd").exists()


def test_a_powerful_member_is_not_deleted(desk, powerful):
    assert desk.post(page(Member, "delete", powerful.pk), {"post": "yes"}).status_code == 403
    assert Member.objects.filter(pk=powerful.pk).exists()


def test_a_powerful_member_is_not_deleted_among_others(desk, powerful, ada):
    selected = {"action": "delete_selected", "_selected_action": [ada.pk, powerful.pk], "post": "yes"}
    assert desk.post(page(Member, "changelist"), selected).status_code == 403
    assert Member.objects.filter(pk__in=[ada.pk, powerful.pk]).count() == 2


def test_a_powerful_member_gets_no_card(desk, powerful):
    response = desk.post(page(Card, "add"), {"uid": "aabbccdd", "member": powerful.pk})
    assert "superusers" in errors_of(response)["member"][0]


def test_no_card_moves_to_a_powerful_member(desk, powerful, ada):
    card = Card.objects.get(uid=ada.uid)
    response = save(desk, page(Card, "change", card.pk), member=powerful.pk)
    assert "superusers" in errors_of(response)["member"][0]


def test_no_card_moves_away_from_a_powerful_member(desk, powerful, ada):
    card = powerful.cards.get()
    url = page(Card, "change", card.pk)
    assert desk.post(url, {"uid": "aabbccdd", "member": ada.pk}).status_code == 403
    card.refresh_from_db()
    assert (card.uid, card.member) == (powerful.uid, powerful)


def test_a_powerful_members_card_is_not_deleted(desk, powerful, ada):
    card = powerful.cards.get()
    assert desk.post(page(Card, "delete", card.pk), {"post": "yes"}).status_code == 403
    selected = {"action": "delete_selected", "_selected_action": [card.pk, ada.cards.get().pk], "post": "yes"}
    assert desk.post(page(Card, "changelist"), selected).status_code == 403
    assert Card.objects.count() >= 2


def test_a_card_of_somebody_else_does_not_slip_in_through_a_members_page(desk, powerful, ada):
    card, taken = ada.cards.get(), powerful.cards.get()
    change(desk, ada, **{"cards-0-id": taken.pk, "cards-0-uid": "aabbccdd"})
    taken.refresh_from_db()
    card.refresh_from_db()
    assert (taken.member, taken.uid, card.member) == (powerful, powerful.uid, ada)


def test_roles_are_only_to_read(desk, ines, roles):
    role = ines.role
    assert desk.post(page(Role, "add"), {"name": "Kings", "authorize_all": "on"}).status_code == 403
    assert desk.post(page(Role, "change", role.pk), {"name": "Kings", "authorize_all": "on"}).status_code == 403
    assert desk.post(page(Role, "delete", role.pk), {"post": "yes"}).status_code == 403
    assert desk.get(page(Role, "change", role.pk)).status_code == 200
