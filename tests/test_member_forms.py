"""What the forms of members and cards say next to the field, and what they warn of."""

from datetime import date

import pytest
import time_machine
from django.test import Client

from members.admin.forms import CardForm
from members.models import Card, Change, Member, Role
from tests.conftest import NOW, YESTERDAY
from tests.member_desk import told
from tests.staff import backend_role, client_of, errors_of, page, save

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


def change(client: Client, member: Member, **fields):
    return save(client, page(Member, "change", member.pk), **fields)


# ---- cards -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("notation", ["0a1b2c3d", "0A:1B:2C:3D", "0a 1b 2c 3d"])
def test_a_doubled_card_says_whose_it_is_with_a_way_there(boss, ada, bruno, notation):
    response = boss.post(page(Card, "add"), {"uid": notation, "member": bruno.pk})
    error = errors_of(response)["uid"][0]
    assert error == f'This is a card of <a href="{page(Member, "change", ada.pk)}">Ada Lovelace</a>.'
    assert error in response.content.decode()


def test_a_doubled_card_that_was_lost_is_said_to_be(boss, flora, bruno):
    assert "reported lost" in errors_of(boss.post(page(Card, "add"), {"uid": flora.uid, "member": bruno.pk}))["uid"][0]


def test_a_name_in_an_error_is_only_text(boss, make_member, bruno):
    make_member("<script>alert(1)</script>", "aabbccdd")
    response = boss.post(page(Card, "add"), {"uid": "aabbccdd", "member": bruno.pk})
    assert "<script>alert(1)" not in response.content.decode()


def test_who_may_not_see_members_is_told_only_that_a_card_is_taken(ada, make_member):
    clerk = make_member("Nico", role=backend_role("Clerks", "add_card", "change_card"))

    class ClerksForm(CardForm):
        actor = clerk

    assert ClerksForm({"uid": "0A1B2C3D"}).errors["uid"] == ["This card is taken."]


def test_a_doubled_card_in_a_members_page_is_said_at_its_row(boss, ada, bruno):
    response = change(boss, bruno, **{"cards-TOTAL_FORMS": 2, "cards-1-uid": "0A:1B:2C:3D"})
    assert "Ada Lovelace" in str(response.context["inline_admin_formsets"][0].formset.errors)
    assert bruno.cards.count() == 1


def test_a_number_that_is_no_hex_is_said_at_its_row(boss, ada):
    response = change(boss, ada, **{"cards-TOTAL_FORMS": 2, "cards-1-uid": "the blue one"})
    assert "8 hexadecimal digits" in str(response.context["inline_admin_formsets"][0].formset.errors)


def test_the_same_number_in_another_notation_is_no_change(boss, ada):
    assert change(boss, ada, **{"cards-0-uid": "0A:1B:2C:3D"}).status_code == 302
    assert not Change.objects.filter(details__icontains="0a1b2c3d").exists()


@pytest.mark.parametrize("is_inline", [True, False])
def test_a_number_that_a_phone_makes_up_is_taken_with_a_warning(boss, ada, is_inline):
    if is_inline:
        change(boss, ada, **{"cards-TOTAL_FORMS": 2, "cards-1-uid": "08AABBCC"})
    else:
        boss.post(page(Card, "add"), {"uid": "08AABBCC", "member": ada.pk})
    assert "08aabbcc looks like a number that a phone makes up" in told(boss)[0]
    assert ada.cards.filter(uid="08aabbcc").exists()


def test_an_ordinary_number_is_not_warned_of(boss, ada):
    boss.post(page(Card, "add"), {"uid": "18AABBCC", "member": ada.pk})
    assert len(told(boss)) == 1


# ---- members ---------------------------------------------------------------------------------------------------------


def test_a_doubled_mail_says_whose_it_is_in_any_case(boss, ada, bruno):
    assert "Ada Lovelace" in errors_of(change(boss, bruno, email="ADA@Example.org"))["email"][0]


def test_ones_own_mail_is_no_double(boss, ada):
    assert change(boss, ada, email="ADA@example.org").status_code == 302


def test_many_have_no_mail(boss, bruno, hugo):
    assert change(boss, bruno, email="").status_code == 302
    assert change(boss, hugo, email=" ").status_code == 302


def test_a_membership_that_would_have_ended_is_said_next_to_the_field(boss, ada):
    assert "This day is over" in errors_of(change(boss, ada, valid_until="2026-03-09"))["valid_until"][0]


def test_a_membership_may_end_today(boss, ada):
    assert change(boss, ada, valid_until="2026-03-10").status_code == 302
    ada.refresh_from_db()
    assert ada.valid_until == date(2026, 3, 10)


def test_a_membership_that_ended_long_ago_does_not_keep_the_form_shut(boss, gino):
    assert change(boss, gino, notes="Asked him.").status_code == 302
    gino.refresh_from_db()
    assert (gino.valid_until, gino.notes) == (YESTERDAY, "Asked him.")


def test_staff_without_mail_is_said_to_be_shut_out(boss, hugo):
    role = Role.objects.create(name="Desk", is_backend_admin=True)
    assert change(boss, hugo, role=role.pk).status_code == 302
    assert "Without an e-mail address Hugo cannot log in." in told(boss)


def test_members_without_mail_need_no_warning(boss, hugo):
    change(boss, hugo, notes="Nice.")
    assert len(told(boss)) == 1


def test_errors_are_said_in_italian(boss, ada, bruno):
    boss.cookies["django_language"] = "it"
    response = boss.post(page(Card, "add"), {"uid": "0a1b2c3d", "member": bruno.pk})
    assert "Ada Lovelace" in errors_of(response)["uid"][0]


@pytest.mark.parametrize("nonsense", ["x", "\0", "9" * 40])
def test_nonsense_instead_of_a_member_is_nobody(boss, nonsense):
    assert boss.get(page(Card, "add"), {"member": nonsense}).status_code == 200
    assert "member" in errors_of(boss.post(page(Card, "add"), {"uid": "aabbccdd", "member": nonsense}))
