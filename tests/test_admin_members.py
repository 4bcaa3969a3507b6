"""Roles, members and cards in the admin; above all, that no way leads from `change_member` to more power."""

from datetime import date

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


# ---- the last superuser ----------------------------------------------------------------------------------------------


def test_the_last_superuser_is_not_deleted(boss, dora):
    response = boss.post(page(Member, "delete", dora.pk), {"post": "yes"})
    assert "last active superuser" in response.content.decode()
    assert Member.objects.filter(pk=dora.pk).exists()


def test_all_superusers_are_not_deleted_at_once(boss, dora, make_member, roles):
    other = make_member("Oscar", role=roles.administrators, email="oscar@example.org", is_superuser=True)
    selected = {"action": "delete_selected", "_selected_action": [dora.pk, other.pk], "post": "yes"}
    response = boss.post(page(Member, "changelist"), selected)
    assert "last active superuser" in response.content.decode()
    assert Member.objects.filter(pk__in=[dora.pk, other.pk]).count() == 2


def test_one_of_two_superusers_can_go(boss, dora, make_member, roles):
    other = make_member("Oscar", role=roles.administrators, email="oscar@example.org", is_superuser=True)
    assert boss.post(page(Member, "delete", other.pk), {"post": "yes"}).status_code == 302


@pytest.mark.parametrize("fields", [{"is_active": ""}, {"is_superuser": ""}, {"is_superuser": "", "role": "Members"}])
def test_the_last_superuser_is_not_demoted(boss, dora, fields):
    if "role" in fields:
        fields = {**fields, "role": Role.objects.get(name=fields["role"]).pk}
    form = save_without(boss, dora, fields)
    assert "last active superuser" in str(errors_of(form))


def save_without(client: Client, member: Member, fields: dict):
    """An unticked box is not sent at all."""
    from tests.staff import filled_in

    url = page(Member, "change", member.pk)
    sent = {**filled_in(client, url), **fields}
    return client.post(url, {name: value for name, value in sent.items() if value != ""})


def test_a_superuser_keeps_a_mail_address_and_a_role_that_lets_them_in(boss, dora, roles):
    assert {"email", "is_superuser"} <= set(errors_of(change(boss, dora, email="", role=roles.members.pk)))


def test_the_last_superusers_role_keeps_its_door_open(boss, roles):
    url = page(Role, "change", roles.administrators.pk)
    response = boss.post(url, {"name": "Administrators", "authorize_all": "on"})
    assert "last active superuser" in errors_of(response)["is_backend_admin"][0]


def test_the_last_superuser_keeps_a_password(boss, dora):
    url = reverse("admin:auth_user_password_change", args=[dora.pk])
    response = boss.post(url, {"usable_password": "false", "unset-password": "1"})
    assert "last active superuser" in str(response.context["form"].errors)
    dora.refresh_from_db()
    assert dora.check_password("dora-knows-it")


def test_rights_the_desk_gives_name_who_gave_them(desk, ines, hugo, laser):
    desk.post(page(Authorization, "add"), {"member": hugo.pk, "machine": laser.pk})
    assert hugo.authorizations.get().granted_by == ines
