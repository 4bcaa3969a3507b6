"""Roles, members and cards in the admin; above all, that no way leads from `change_member` to more power."""

import pytest
from django.test import Client
from django.urls import reverse

from machines.models import Authorization
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


# ---- pages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [Role, Member, Card])
def test_every_page_opens(boss, everybody, model):
    row = model.objects.first()
    for url in (
        page(model, "changelist"),
        page(model, "add"),
        page(model, "change", row.pk),
        page(model, "history", row.pk),
    ):
        assert boss.get(url).status_code == 200, url


@pytest.mark.parametrize("model", [Role, Member, Card])
def test_a_list_asks_the_database_as_often_for_many_rows(
    boss, everybody, make_member, roles, model, django_assert_max_num_queries, django_assert_num_queries
):
    with django_assert_max_num_queries(20) as few:
        boss.get(page(model, "changelist"))
    for number in range(20):
        role = Role.objects.create(name=f"Role {number}")
        make_member(f"Member {number}", f"aaaa{number:04x}", role=role)
    with django_assert_num_queries(len(few)):
        boss.get(page(model, "changelist"))


def test_a_members_page_asks_as_often_for_many_rights(
    boss, ada, authorize, laser_type, django_assert_max_num_queries, django_assert_num_queries
):
    from machines.models import Machine

    url = page(Member, "change", ada.pk)
    with django_assert_max_num_queries(25) as few:
        boss.get(url)
    for number in range(100, 110):
        authorize(ada, Machine.objects.create(id=number, name="More", type=laser_type))
        Card.objects.create(uid=f"bbbb{number:04x}", member=ada)
    with django_assert_num_queries(len(few)):
        boss.get(url)


@pytest.mark.parametrize("term", ["0a1b2c3d", "0A:1B:2C:3D", "0a 1b 2c 3d", "0A-1B", "lovelace"])
@pytest.mark.parametrize("model", [Member, Card])
def test_a_card_is_found_in_any_notation(boss, everybody, model, term):
    response = boss.get(page(model, "changelist"), {"q": term})
    found = [getattr(row, "member", row) for row in response.context["cl"].result_list]
    assert found == [everybody.ada]


def test_members_whose_membership_ended_can_be_listed(boss, everybody):
    response = boss.get(page(Member, "changelist"), {"membership": "ended"})
    assert list(response.context["cl"].result_list) == [everybody.gino]


def test_a_list_cannot_be_searched_by_password_hash(boss, ada):
    response = boss.get(page(Member, "changelist"), {"password__startswith": "m"})
    assert response.status_code == 400


# ---- a lab set up by hand --------------------------------------------------------------------------------------------


def test_a_member_is_added_with_a_card_and_a_right_and_without_a_password(boss, dora, roles, laser):
    fields = new_member(roles.members, **{
        "email": "Nora@Example.org",
        "cards-TOTAL_FORMS": 1, "cards-0-uid": "AA:BB:CC:DD",
        "authorizations-TOTAL_FORMS": 1, "authorizations-0-machine": laser.pk,
    })  # fmt: skip
    assert boss.post(page(Member, "add"), fields).status_code == 302
    nora = Member.objects.get(email="nora@example.org")
    assert not nora.has_usable_password()
    assert [card.uid for card in nora.cards.all()] == ["aabbccdd"]
    assert [(right.machine, right.granted_by) for right in nora.authorizations.all()] == [(laser, dora)]


def test_a_new_member_is_an_ordinary_one_unless_told_otherwise(boss, roles):
    assert boss.get(page(Member, "add")).context["adminform"].form["role"].value() == roles.members.pk


def test_two_members_without_mail_are_no_clash(boss, roles, make_member):
    make_member("Ursula")
    assert boss.post(page(Member, "add"), new_member(roles.members, email="")).status_code == 302


def test_a_wrong_card_number_is_told_next_to_the_field(boss, ada):
    response = boss.post(page(Card, "add"), {"uid": "xyz", "member": ada.pk})
    assert "8 hexadecimal digits" in errors_of(response)["uid"][0]


def test_a_card_of_an_older_database_can_be_marked_lost(boss, ada):
    card = Card.objects.create(uid="0102030405060708", member=ada)
    assert save(boss, page(Card, "change", card.pk), is_lost="on").status_code == 302
    card.refresh_from_db()
    assert card.is_lost


def test_a_reserved_role_stays(boss, roles):
    assert boss.post(page(Role, "delete", roles.members.pk), {"post": "yes"}).status_code == 403
    selected = {"action": "delete_selected", "_selected_action": [roles.members.pk], "post": "yes"}
    assert boss.post(page(Role, "changelist"), selected).status_code == 403
    assert Role.objects.filter(pk=roles.members.pk).exists()


def test_a_role_with_members_is_not_deleted(boss, make_member):
    role = Role.objects.create(name="Choir")
    make_member("Ursula", role=role)
    response = boss.post(page(Role, "delete", role.pk), {"post": "yes"})
    assert "Ursula" in response.content.decode()
    assert Role.objects.filter(pk=role.pk).exists()


def test_there_are_no_groups_beside_the_roles(boss):
    assert "Groups" not in boss.get("/admin/").content.decode()


def test_rights_the_desk_gives_name_who_gave_them(desk, ines, hugo, laser):
    desk.post(page(Authorization, "add"), {"member": hugo.pk, "machine": laser.pk})
    assert hugo.authorizations.get().granted_by == ines


# ---- login -----------------------------------------------------------------------------------------------------------


def log_in(email: str, password: str, to: str) -> Client:
    client = Client()
    client.post(f"{reverse('admin:login')}?next={to}", {"username": email, "password": password, "next": to})
    return client


def test_an_administrator_logs_in_by_mail_however_it_is_written(dora):
    assert log_in(" Dora@Example.org ", "dora-knows-it", "/admin/").get("/admin/").status_code == 200


def test_an_ordinary_member_logs_in_and_stays_outside(make_member):
    make_member("Lara", email="lara@example.org", password="lara-knows-it")
    client = log_in("lara@example.org", "lara-knows-it", "/")
    assert client.get("/").status_code == 200
    assert client.get("/admin/").status_code == 302


def test_a_disabled_administrator_stays_outside(make_member, roles):
    fields = {"email": "old@example.org", "password": "old-knows-it", "is_active": False, "is_superuser": True}
    make_member("Old", role=roles.administrators, **fields)
    assert log_in("old@example.org", "old-knows-it", "/").get("/admin/").status_code == 302


def test_who_is_disabled_while_logged_in_is_out_at_the_next_click(boss, dora):
    Member.objects.filter(pk=dora.pk).update(is_active=False, deactivated_at="2026-03-10T12:00Z")
    assert boss.get("/admin/").status_code == 302


def test_staff_sees_no_member_without_the_permission(make_member, ada):
    fixer = client_of(make_member("Fred", role=backend_role("Repairs", "view_machine", "change_machine")))
    for url in (page(Member, "changelist"), page(Member, "change", ada.pk), page(Card, "changelist")):
        assert fixer.get(url).status_code == 403, url
    lookup = {"app_label": "machines", "model_name": "use", "field_name": "member", "term": "a"}
    assert fixer.get(reverse("admin:autocomplete"), lookup).status_code == 403


def test_a_superuser_gives_a_member_a_password(boss, ada):
    url = reverse("admin:auth_user_password_change", args=[ada.pk])
    assert boss.get(url).status_code == 200
    boss.post(url, {"password1": "difference-engine", "password2": "difference-engine"})
    ada.refresh_from_db()
    assert ada.check_password("difference-engine")


@pytest.mark.parametrize("who", ["ada", "dora", "ines"])
def test_nobody_else_gives_a_password(desk, ines, ada, dora, who):
    member = {"ada": ada, "dora": dora, "ines": ines}[who]
    url = reverse("admin:auth_user_password_change", args=[member.pk])
    new = {"password1": "mine-from-now-on", "password2": "mine-from-now-on"}
    assert desk.post(url, new).status_code == 403
    member.refresh_from_db()
    assert not member.check_password("mine-from-now-on")
