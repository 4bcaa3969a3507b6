"""Somebody who can repair everything has to stay, whichever way the last one would go."""

import threading

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.urls import reverse

from members.models import Member, Role
from tests.member_desk import LIST, act, as_stored, told
from tests.staff import client_of, errors_of, filled_in, page, save

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


def change(client: Client, member: Member, **fields):
    return save(client, page(Member, "change", member.pk), **fields)


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


STAYS = "last active superuser"


@pytest.fixture
def sleeper(make_member, roles) -> Member:
    """A superuser, too, who never chose a password: not yet somebody who could put anything right."""
    return make_member("Sam", role=roles.administrators, email="sam@example.org", is_superuser=True)


def test_who_cannot_log_in_yet_is_no_reason_to_let_the_last_one_go(boss, dora, sleeper):
    assert STAYS in boss.post(page(Member, "delete", dora.pk), {"post": "yes"}).content.decode()
    act(boss, "disable", dora, sure="yes")
    assert told(boss) == ["Left out: Dora Maar: somebody has to stay in charge."]
    sent = filled_in(boss, page(Member, "change", dora.pk))
    del sent["is_superuser"]
    assert STAYS in str(errors_of(boss.post(page(Member, "change", dora.pk), sent)))
    assert as_stored(dora)["is_superuser"]


def test_all_superusers_are_not_disabled_at_once_and_the_others_are(boss, dora, sleeper, ada):
    act(boss, "disable", dora, sleeper, ada, sure="yes")
    assert "1 member was disabled." in told(boss)
    assert Member.objects.filter(is_superuser=True, is_active=True).count() == 2


def test_of_two_roles_that_superusers_have_the_last_keeps_its_door_open(boss, roles, make_member):
    chiefs = Role.objects.create(name="Chiefs", is_backend_admin=True)
    fields = {"email": "oscar@example.org", "is_superuser": True, "password": "oscar-knows-it"}
    make_member("Oscar", role=chiefs, **fields)
    closed = {"name": "Administrators", "authorize_all": "on"}
    oscar = client_of(Member.objects.get(first_name="Oscar"))
    assert oscar.post(page(Role, "change", roles.administrators.pk), closed).status_code == 302
    response = oscar.post(page(Role, "change", chiefs.pk), {"name": "Chiefs"})
    assert STAYS in errors_of(response)["is_backend_admin"][0]


def test_a_role_without_its_permissions_still_lets_the_superuser_repair_it(boss, roles, dora):
    roles.administrators.permissions.clear()
    url = page(Role, "change", roles.administrators.pk)
    permission = Permission.objects.get(codename="view_member")
    assert save(boss, url, permissions=[permission.pk]).status_code == 302


def test_an_ended_membership_does_not_lock_the_last_superuser_out(boss, dora):
    """Cards ask for it, the administration does not: the design says active, and a role that enters."""
    Member.objects.filter(pk=dora.pk).update(valid_until="2020-01-01")
    assert boss.get("/admin/").status_code == 200
    assert save(boss, page(Member, "change", dora.pk), notes="Paid.").status_code == 302


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["disable", "delete", "demote"])
def test_two_superusers_who_remove_each_other_at_the_same_time_do_not_both_succeed(make_member, roles, way):
    two = [
        make_member(
            name, role=roles.administrators, email=f"{name}@example.org", is_superuser=True, password="secret-1"
        )
        for name in ("one", "two")
    ]
    at_once = threading.Barrier(2)
    threads = [
        threading.Thread(target=_remove, args=(way, client_of(member), other, at_once))
        for member, other in zip(two, reversed(two), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Member.objects.filter(is_superuser=True, is_active=True).count() == 1


def _remove(way: str, client: Client, other: Member, at_once: threading.Barrier) -> None:
    client.raise_request_exception = False
    try:
        sent = filled_in(client, page(Member, "change", other.pk))
        sent.pop("is_superuser")
        at_once.wait()
        if way == "disable":
            client.post(reverse(LIST), {"action": "disable", "_selected_action": [other.pk], "sure": "yes"})
        elif way == "delete":
            client.post(page(Member, "delete", other.pk), {"post": "yes"})
        else:
            client.post(page(Member, "change", other.pk), sent)
    finally:
        connection.close()
