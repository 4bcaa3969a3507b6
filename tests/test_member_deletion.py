"""Deleting members: what is said before, what stays after, and who is never deleted."""

import pytest
from django.test import Client

from machines.models import Authorization, Intervention, Use
from members.models import Card, Change, Member, Role
from telemetry.models import Tap
from tests.conftest import NOW
from tests.member_desk import act, as_stored, told
from tests.staff import MEMBER_WORK, backend_role, client_of, page, save

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


def test_a_long_history_is_forgotten_in_pieces_between_which_boards_are_heard(boss, ada, laser, make_use, monkeypatch):
    monkeypatch.setattr("telemetry.forgetting.PIECE", 3)
    pauses = []
    monkeypatch.setattr(
        "members.pieces.let_others_write", lambda: pauses.append(Use.objects.filter(member=ada).count())
    )
    for number in range(8):
        make_use(laser, member=ada, card_uid=ada.uid, hours_ago=10 + number)
    running = Use.objects.create(machine=laser, member=ada, card_uid=ada.uid, started_at=NOW)
    boss.post(page(Member, "delete", ada.pk), {"post": "yes"})
    assert len(pauses) >= 3
    assert pauses == sorted(pauses, reverse=True)
    assert not Use.objects.exclude(member=None).exists()
    # The board's stop has to find it, or its hours would count twice.
    assert list(Use.objects.exclude(card_uid="")) == [running]


def test_who_is_not_deleted_keeps_their_history(boss, dora, laser, make_use):
    make_use(laser, member=dora, card_uid=dora.uid)
    boss.post(page(Member, "delete", dora.pk), {"post": "yes"})
    act(boss, "delete_selected", dora, post="yes")
    assert Use.objects.get().member == dora


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
