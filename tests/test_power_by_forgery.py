"""What browsers never send, and what pages tell by the way: no forged form and no address gives or shows more."""

import pytest
from django.test import Client
from django.urls import reverse

from machines.models import Authorization
from members.models import Card, Member, Role
from tests.member_desk import LIST, act, as_stored, cards_of
from tests.staff import MEMBER_WORK, backend_role, client_of, filled_in, page, save

pytestmark = pytest.mark.django_db


@pytest.fixture
def ines(make_member) -> Member:
    """Front desk: all that permissions can give over members, cards, roles and rights."""
    return make_member("Ines", "1e500001", role=backend_role("Front desk", *MEMBER_WORK), email="ines@example.org")


@pytest.fixture
def desk(ines) -> Client:
    return client_of(ines)


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


# ---- forged forms ----------------------------------------------------------------------------------------------------


def test_a_forged_field_makes_nobody_more(desk, ada, roles, laser):
    before = as_stored(ada)
    forged = {
        "is_superuser": "on", "is_staff": "on", "role": roles.administrators.pk, "password": "plain", "id": "1",
        "permissions": [1, 2], "_saveasnew": "1",
    }  # fmt: skip
    desk.post(page(Member, "change", ada.pk), {**filled_in(desk, page(Member, "change", ada.pk)), **forged})
    assert as_stored(ada) == before
    assert Member.objects.filter(role=roles.administrators).count() == 0


def test_a_card_of_another_member_is_not_reached_by_its_number_in_a_forged_row(desk, dora, ada):
    before = cards_of(dora)
    forged = {
        "cards-0-id": dora.cards.get().pk,
        "cards-0-member": ada.pk,
        "cards-0-is_lost": "on",
        "cards-0-DELETE": "on",
    }
    save(desk, page(Member, "change", ada.pk), **forged)
    assert cards_of(dora) == before


def test_a_right_of_another_member_is_not_reached_by_its_number_in_a_forged_row(desk, ada, bruno, laser):
    other = bruno.authorizations.get()
    save(desk, page(Member, "change", ada.pk), **{"authorizations-0-id": other.pk, "authorizations-0-DELETE": "on"})
    assert Authorization.objects.filter(pk=other.pk, member=bruno).exists()


@pytest.mark.parametrize("without", ["card", "authorization"])
def test_what_somebody_may_not_change_alone_they_do_not_change_along_with_a_member(make_member, ada, laser, without):
    allowed = [name for name in MEMBER_WORK if not name.endswith(f"_{without}")]
    client = client_of(make_member("Nico", role=backend_role("Less", *allowed)))
    prefix = {"card": "cards", "authorization": "authorizations"}[without]
    before = (cards_of(ada), list(ada.authorizations.values()))
    row = ada.cards.get() if without == "card" else ada.authorizations.get()
    forged = {
        f"{prefix}-TOTAL_FORMS": 2, f"{prefix}-INITIAL_FORMS": 1, f"{prefix}-0-id": row.pk, f"{prefix}-0-DELETE": "on",
        f"{prefix}-1-uid": "aabbccdd", f"{prefix}-1-machine": laser.pk,
    }  # fmt: skip
    save(client, page(Member, "change", ada.pk), **forged)
    assert (cards_of(ada), list(ada.authorizations.values())) == before


def test_who_may_not_change_cards_reports_none_lost(make_member, ada):
    client = client_of(make_member("Nico", role=backend_role("Less", "view_member", "change_member")))
    act(client, "report_lost", ada, sure="yes", card=ada.cards.get().pk)
    assert not Card.objects.filter(is_lost=True).exists()


def test_who_only_looks_at_members_acts_on_none(make_member, ada, mailoutbox):
    client = client_of(make_member("Nico", role=backend_role("Lookers", "view_member", "view_card")))
    before = as_stored(ada)
    for action in ("disable", "enable", "report_lost", "invite", "delete_selected"):
        act(client, action, ada, sure="yes", post="yes", card=ada.cards.get().pk)
    assert as_stored(ada) == before
    assert not Card.objects.filter(is_lost=True).exists()
    assert not mailoutbox


def test_no_list_is_edited_in_place(desk, ada):
    from django.contrib import admin

    for model in (Member, Card, Role):
        assert not admin.site.get_model_admin(model).list_editable
    before = as_stored(ada)
    forged = {
        "_save": "Save",
        "form-TOTAL_FORMS": 1,
        "form-INITIAL_FORMS": 1,
        "form-0-id": ada.pk,
        "form-0-is_superuser": "on",
    }
    desk.post(reverse(LIST), forged)
    assert as_stored(ada) == before


@pytest.mark.parametrize("action", ["disable", "enable", "report_lost", "invite", "delete_selected"])
def test_nothing_happens_by_following_a_link(boss, ada, mailoutbox, action):
    before = (as_stored(ada), cards_of(ada))
    asked = {"action": action, "_selected_action": ada.pk, "sure": "yes", "post": "yes", "card": ada.cards.get().pk}
    boss.get(reverse(LIST), asked)
    assert (as_stored(ada), cards_of(ada)) == before
    assert not mailoutbox


# ---- roles -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["add", "change", "delete"])
def test_roles_are_nobodys_but_superusers(desk, ines, kind):
    args = () if kind == "add" else (ines.role.pk,)
    sent = {"name": "Kings", "authorize_all": "on", "is_backend_admin": "on", "post": "yes", "permissions": [1]}
    assert desk.post(page(Role, kind, *args), sent).status_code == 403
    assert not Role.objects.filter(name="Kings").exists()


def test_no_role_slips_in_through_the_window_of_a_form(desk):
    sent = {"name": "Kings", "is_backend_admin": "on", "_popup": "1"}
    assert desk.post(page(Role, "add") + "?_popup=1", sent).status_code == 403


# ---- looking ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def fixer(make_member) -> Client:
    """Changes members, cards and rights as Django would have it, and may not see a single member."""
    allowed = [name for name in MEMBER_WORK if name != "view_member"]
    return client_of(make_member("Fred", role=backend_role("Repairs", *allowed)))


@pytest.mark.parametrize("kind", ["changelist", "change", "history", "delete"])
def test_who_may_not_see_members_sees_none_whatever_else_they_may(fixer, ada, kind):
    args = () if kind == "changelist" else (ada.pk,)
    assert fixer.get(page(Member, kind, *args)).status_code == 403


@pytest.mark.parametrize("of", [("authorization", "member"), ("use", "member")])
def test_names_are_not_completed_for_who_may_not_see_members(fixer, ada, of):
    asked = {"app_label": "machines", "model_name": of[0], "field_name": of[1], "term": "a"}
    assert fixer.get(reverse("admin:autocomplete"), asked).status_code == 403


def test_a_taken_card_is_not_traced_by_who_may_not_see_members(fixer, ada):
    for url in (page(Card, "add"), page(Card, "changelist"), page(Card, "change", ada.cards.get().pk)):
        assert fixer.get(url).status_code == 403


@pytest.mark.parametrize("asked", ["_to_field=password", "_popup=1&_to_field=email", "password__startswith=m", "o=-99"])
def test_a_list_tells_no_more_by_its_address(desk, ada, asked):
    answer = desk.get(f"{reverse(LIST)}?{asked}")
    assert answer.status_code in (200, 302, 400)
    assert "md5$" not in answer.content.decode()
