"""Deleting members: what is said before, what stays after, and who is never deleted."""

import threading

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.urls import reverse

from machines.models import Authorization, Intervention, Use
from members.models import Card, Change, Member, Role
from telemetry.models import Tap
from tests.conftest import NOW
from tests.member_desk import LIST, act, as_stored, told
from tests.staff import MEMBER_WORK, backend_role, client_of, errors_of, filled_in, page, save

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


@pytest.fixture
def past(ada, laser, make_use, make_plan) -> None:
    """Ada worked, mended and tapped."""
    make_use(laser, member=ada, card_uid=ada.uid)
    Intervention.objects.create(plan=make_plan(laser), member=ada, at=NOW)
    for outcome in ("granted", "machine_blocked"):
        Tap.objects.create(at=NOW, machine=laser, uid=ada.uid, card=ada.cards.get(), member=ada, outcome=outcome)


# ---- the question ----------------------------------------------------------------------------------------------------


def fate(response) -> tuple[dict, dict]:
    asked = response.context["deleted_objects"]
    return dict(asked.goes), dict(asked.stays)


def test_the_question_counts_what_goes_and_what_stays_without_a_name(boss, ada, past):
    goes, stays = fate(boss.get(page(Member, "delete", ada.pk)))
    assert goes == {"cards": "1", "authorizations": "1"}
    assert stays == {"uses": "1", "interventions": "1", "taps": "2"}


def test_the_question_about_several_counts_them_together(boss, ada, bruno, past):
    goes, stays = fate(act(boss, "delete_selected", ada, bruno))
    assert goes == {"cards": "2", "authorizations": "2"}
    assert stays == {"uses": "1", "interventions": "1", "taps": "2"}


def test_what_somebody_gave_and_changed_is_counted_as_staying(boss, make_member, roles, laser, hugo, authorize):
    oscar = make_member("Oscar", role=roles.administrators)
    authorize(hugo, laser, granted_by=oscar)
    Change.objects.create(member=oscar, object_repr="Laser", kind="changed")
    _goes, stays = fate(boss.get(page(Member, "delete", oscar.pk)))
    assert stays == {"authorizations (granted by)": "1", "changes": "1"}


def test_a_long_history_is_neither_listed_nor_counted_to_its_end(
    boss, ada, laser, monkeypatch, django_assert_max_num_queries
):
    monkeypatch.setattr("members.admin.deletion.MOST_COUNTED", 5)
    Tap.objects.bulk_create(Tap(at=NOW, machine=laser, uid=ada.uid, member=ada, outcome="granted") for _ in range(300))
    with django_assert_max_num_queries(20):
        response = boss.get(page(Member, "delete", ada.pk))
    assert fate(response)[1] == {"taps": "more than 5"}
    assert len(response.content) < 20_000


def test_disabling_is_offered_instead_and_keeps_everything(boss, ada, past):
    assert "Disable instead" in boss.get(page(Member, "delete", ada.pk)).content.decode()
    assert "Disable instead" in act(boss, "delete_selected", ada).content.decode()
    act(boss, "disable", ada, sure="yes")
    assert not as_stored(ada)["is_active"]
    assert Use.objects.get().member == ada


def test_asking_deletes_nobody(boss, ada):
    boss.get(page(Member, "delete", ada.pk))
    act(boss, "delete_selected", ada)
    assert Member.objects.filter(pk=ada.pk).exists()


# ---- afterwards ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_one_of_many", [False, True])
def test_the_history_stays_without_name_and_card(boss, ada, past, laser, odometer, true_odometer, is_one_of_many):
    hours = odometer(laser)
    if is_one_of_many:
        act(boss, "delete_selected", ada, post="yes")
        assert told(boss) == ["1 member was deleted."]
    else:
        boss.post(page(Member, "delete", ada.pk), {"post": "yes"})
    assert not Member.objects.filter(pk=ada.pk).exists()
    assert not Card.objects.filter(uid=ada.uid).exists()
    assert not Authorization.objects.filter(machine=laser).exists()
    assert list(Use.objects.values_list("member", "card_uid")) == [(None, "")]
    assert list(Intervention.objects.values_list("member", flat=True)) == [None]
    assert set(Tap.objects.values_list("member", "card", "uid")) == {(None, None, "")}
    assert odometer(laser) == true_odometer(laser) == hours


def test_what_they_changed_stays_and_is_somebodys_who_left(boss, make_member, roles, ada, laser):
    oscar = make_member("Oscar", role=roles.administrators, is_superuser=True, email="oscar@example.org")
    save(client_of(oscar), page(Member, "change", ada.pk), notes="Came back.")
    boss.post(page(Member, "delete", oscar.pk), {"post": "yes"})
    assert Change.objects.get(object_id=str(ada.pk)).member is None
    assert "somebody who left" in boss.get(page(Member, "history", ada.pk)).content.decode()


def test_the_deletion_is_noted_with_what_was_on_record_and_without_secrets(boss, dora, make_member):
    lara = make_member("Lara", email="lara@example.org", password="lara-knows-it")
    secret = as_stored(lara)["password"]
    boss.post(page(Member, "delete", lara.pk), {"post": "yes"})
    change = Change.objects.get()
    assert (change.member, change.kind, change.object_repr) == (dora, "deleted", "Lara")
    assert "lara@example.org" in str(change.details)
    assert secret not in str(change.details)


# ---- who is not deleted ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("without", ["card", "authorization"])
def test_who_may_not_delete_what_goes_along_does_not_delete_the_member(make_member, ada, without):
    allowed = [name for name in MEMBER_WORK if name != f"delete_{without}"]
    client = client_of(make_member("Nico", role=backend_role("Less", *allowed)))
    assert "You may not delete what would go along" in client.get(page(Member, "delete", ada.pk)).content.decode()
    assert client.post(page(Member, "delete", ada.pk), {"post": "yes"}).status_code == 403
    assert act(client, "delete_selected", ada, post="yes").status_code == 403
    assert Member.objects.filter(pk=ada.pk).exists()


def test_somebody_powerful_among_others_is_left_out_with_the_reason(make_member, ada, dora):
    client = client_of(make_member("Ines", role=backend_role("Front desk", *MEMBER_WORK)))
    text = act(client, "delete_selected", ada, dora).content.decode()
    assert "Left out: Dora Maar: only superusers" in text
    assert f'name="_selected_action" value="{ada.pk}"' in text
    assert f'name="_selected_action" value="{dora.pk}"' not in text


@pytest.mark.parametrize("is_asked_first", [True, False])
def test_a_reserved_role_stays_also_among_others(boss, roles, is_asked_first):
    guests = Role.objects.create(name="Guests")
    sent = {"action": "delete_selected", "_selected_action": [guests.pk, roles.members.pk]}
    if is_asked_first:
        boss.post(page(Role, "changelist"), sent)
        assert "Reserved roles cannot be deleted." in told(boss)
    else:
        assert boss.post(page(Role, "changelist"), {**sent, "post": "yes"}).status_code == 403
    assert Role.objects.filter(pk__in=[guests.pk, roles.members.pk]).count() == 2


# ---- the last superuser ----------------------------------------------------------------------------------------------

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
