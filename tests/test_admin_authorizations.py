"""Rights in the admin: found by their end, given to many, copied, revoked, and by whom."""

from datetime import date, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from machines.models import Authorization, Intervention, Machine, MachineType, MaintenancePlan, Use
from members.models import Card, Change, Member, Role
from tests.conftest import NOW, YESTERDAY
from tests.staff import VERBS, backend_role, client_of, errors_of, page, save

pytestmark = pytest.mark.django_db

TODAY = date(2026, 3, 10)
JUNE = date(2026, 6, 30)
LIST = "/admin/machines/authorization/"
GRANT, COPY = f"{LIST}grant/", f"{LIST}copy/"
RIGHTS_WORK = [f"{verb}_authorization" for verb in VERBS] + ["view_member", "view_machine"]


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


@pytest.fixture
def ines(make_member):
    """She gives rights, and does nothing else."""
    return make_member("Ines", role=backend_role("Courses", *RIGHTS_WORK))


@pytest.fixture
def desk(ines) -> Client:
    return client_of(ines)


def shown(client, **asked):
    return list(client.get(LIST, asked).context["cl"].result_list)


# ---- the list --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (None, "unlimited"),
        (-1, "expired 1 day ago"),
        (-40, "expired 40 days ago"),
        (0, "ends today"),
        (1, "ends in 1 day"),
        (200, "ends in 200 days"),
    ],
)
def test_a_rights_end_is_said_in_words(boss, hugo, laser, authorize, days, words):
    authorize(hugo, laser, valid_until=None if days is None else TODAY + timedelta(days=days))
    assert words in boss.get(LIST).content.decode()


@pytest.mark.parametrize(
    ("expiry", "found"),
    [
        ("expired", {-1}),
        ("soon", {0, 30}),
        ("valid", {0, 30, 31, None}),
        ("unlimited", {None}),
        ("nonsense", {-1, 0, 30, 31, None}),
    ],
)
def test_rights_are_found_by_their_end(boss, hugo, laser_type, authorize, expiry, found):
    for number, days in enumerate([-1, 0, 30, 31, None], start=100):
        machine = Machine.objects.create(id=number, name="Machine", type=laser_type)
        authorize(hugo, machine, valid_until=None if days is None else TODAY + timedelta(days=days))
    ends = {right.valid_until for right in shown(boss, expiry=expiry)}
    assert ends == {None if days is None else TODAY + timedelta(days=days) for days in found}


def test_rights_are_found_by_machine_member_and_who_gave_them(boss, ada, hugo, laser, printer, carla, authorize):
    there = authorize(hugo, printer, granted_by=carla)
    assert shown(boss, machine__id__exact=printer.pk) == [there]
    assert shown(boss, member__id__exact=hugo.pk) == [there]
    assert shown(boss, member__like="hug") == [there]
    assert shown(boss, granted_by__id__exact=carla.pk) == [there]


def test_who_gave_rights_is_chosen_among_those_who_did(boss, ada, hugo, printer, carla, authorize):
    authorize(hugo, printer, granted_by=carla)
    specs = boss.get(LIST).context["cl"].filter_specs
    (granters,) = [spec.options for spec in specs if getattr(spec, "field_path", "") == "granted_by"]
    assert granters == [(str(carla.pk), "Carla Scarpa")]


def test_the_list_takes_few_queries(boss, ada, laser_type, authorize, carla, django_assert_max_num_queries):
    for number in range(100, 140):
        machine = Machine.objects.create(id=number, name="Machine", type=laser_type)
        authorize(ada, machine, granted_by=carla, valid_until=JUNE)
    with django_assert_max_num_queries(9):
        boss.get(LIST, {"expiry": "valid", "granted_by__id__exact": carla.pk})


@pytest.mark.parametrize("url", [LIST, GRANT, COPY])
def test_the_pages_speak_italian(boss, ada, url):
    response = boss.get(url, headers={"accept-language": "it"})
    assert response.status_code == 200
    assert 'lang="it"' in response.content.decode()


# ---- one right -------------------------------------------------------------------------------------------------------


def test_a_new_right_does_not_end_in_the_past(boss, hugo, laser):
    response = boss.post(page(Authorization, "add"), asked_one(hugo, laser, YESTERDAY))
    assert errors_of(response) == {"valid_until": ["This day is over: nobody could use the machine."]}


def asked_one(member, machine, until):
    return {"member": member.pk, "machine": machine.pk, "valid_until": until}


def test_a_right_that_ends_today_is_given(boss, hugo, laser):
    boss.post(page(Authorization, "add"), asked_one(hugo, laser, TODAY))
    assert hugo.authorizations.get().valid_until == TODAY


def test_what_has_ended_keeps_its_end_and_gets_a_note(boss, bruno, carla):
    right = bruno.authorizations.get()
    Authorization.objects.update(granted_by=carla)
    assert save(boss, page(Authorization, "change", right.pk), note="Asked him").status_code == 302
    right.refresh_from_db()
    assert (right.valid_until, right.note, right.granted_by) == (YESTERDAY, "Asked him", carla)


def test_an_end_is_not_moved_into_the_past(boss, hugo, laser, authorize):
    right = authorize(hugo, laser, valid_until=JUNE)
    assert "valid_until" in errors_of(save(boss, page(Authorization, "change", right.pk), valid_until="2026-03-01"))


def test_who_moves_the_end_is_who_granted(boss, dora, hugo, laser, carla, authorize):
    right = authorize(hugo, laser, granted_by=carla, granted_at=NOW - timedelta(days=9))
    save(boss, page(Authorization, "change", right.pk), valid_until="2026-06-30")
    right.refresh_from_db()
    assert (right.granted_by, right.granted_at) == (dora, NOW)


def test_on_a_members_page_too_nothing_ends_in_the_past_and_the_end_has_an_author(boss, dora, bruno, carla):
    Authorization.objects.update(granted_by=carla)
    url = page(Member, "change", bruno.pk)
    refused = save(boss, url, **{"authorizations-0-valid_until": "2026-03-01"})
    assert "This day is over" in refused.content.decode()
    save(boss, url, **{"authorizations-0-valid_until": "2026-06-30"})
    right = bruno.authorizations.get()
    assert (right.valid_until, right.granted_by) == (JUNE, dora)


def test_a_right_names_who_gave_it(boss, dora, hugo, laser):
    boss.post(page(Authorization, "add"), {"member": hugo.pk, "machine": laser.pk})
    assert Authorization.objects.get(member=hugo).granted_by == dora


def test_a_right_keeps_who_gave_it(boss, hugo, carla, laser, authorize):
    right = authorize(hugo, laser, granted_by=carla)
    save(boss, page(Authorization, "change", right.pk), note="Course of March")
    right.refresh_from_db()
    assert (right.note, right.granted_by) == ("Course of March", carla)


def test_a_second_right_to_the_same_machine_is_refused(boss, ada, laser):
    response = boss.post(page(Authorization, "add"), {"member": ada.pk, "machine": laser.pk})
    assert "already exists" in str(errors_of(response))


def test_a_right_outlives_who_gave_it_and_the_log_goes_on_saying_when(boss, hugo, laser, carla, authorize):
    right = authorize(hugo, laser, granted_by=carla)
    carla.delete()
    right.refresh_from_db()
    assert (right.granted_by, shown(boss)) == (None, [right])


# ---- revoking --------------------------------------------------------------------------------------------------------


def revoke(client, *rights, **more):
    return client.post(LIST, {"action": "revoke_selected", "_selected_action": [each.pk for each in rights], **more})


def test_revoking_asks_first_and_names_them(boss, ada, bruno):
    content = revoke(boss, *Authorization.objects.all()).content.decode()
    assert "Ada Lovelace" in content
    assert "Bruno Munari" in content
    assert Authorization.objects.count() == 2


def test_revoked_rights_are_gone_and_in_the_log_as_they_were(boss, dora, hugo, laser, carla, authorize):
    right = authorize(hugo, laser, valid_until=JUNE, granted_by=carla, note="Course")
    assert revoke(boss, right, sure="yes").status_code == 302
    assert not Authorization.objects.exists()
    (change,) = Change.objects.all()
    was = {entry["field"]: entry["old"] for entry in change.details[0]["values"]}
    assert (change.member, change.kind, was["valid until"]) == (dora, "deleted", "2026-06-30")
    assert (was["granted by"], was["note"]) == ("Carla Scarpa", "Course")


def test_revoking_is_the_one_way_to_delete_many(boss, ada):
    actions = dict(boss.get(LIST).context["action_form"].fields["action"].choices)
    assert "revoke_selected" in actions
    assert "delete_selected" not in actions


# ---- who may ---------------------------------------------------------------------------------------------------------


def test_who_gives_rights_gives_and_revokes_them(desk, ines, ada, hugo, laser):
    desk.post(page(Authorization, "add"), {"member": hugo.pk, "machine": laser.pk})
    assert hugo.authorizations.get().granted_by == ines
    assert (desk.get(GRANT).status_code, desk.get(COPY).status_code) == (200, 200)
    revoke(desk, *Authorization.objects.filter(member=ada), sure="yes")
    assert not ada.authorizations.exists()


def test_rights_to_machines_are_given_to_administrators_too_and_make_nobody_more(desk, dora, ines, laser):
    for member in (dora, ines):
        desk.post(page(Authorization, "add"), {"member": member.pk, "machine": laser.pk})
    assert set(Authorization.objects.values_list("member", flat=True)) == {dora.pk, ines.pk}
    assert desk.get(page(Role, "changelist")).status_code == 403


def test_who_gives_rights_does_nothing_else(desk, ada, hugo, laser, make_plan, make_use, boss):
    plan, use = make_plan(laser), make_use(laser)
    work = Intervention.objects.create(plan=plan)
    rows = [(MachineType, laser.type), (MaintenancePlan, plan), (Intervention, work), (Use, use), (Role, ada.role)]
    closed = [page(model, kind, *args) for model, row in rows for kind, args in kinds(row)]
    closed += [page(model, "add") for model in (Member, Machine, Card)] + [page(Card, "changelist")]
    closed += [page(model, "delete", row.pk) for model, row in ((Member, ada), (Machine, laser))]
    assert {url: desk.get(url).status_code for url in closed} == dict.fromkeys(closed, 403)
    assert desk.post(page(Member, "change", ada.pk), {"first_name": "Eve"}).status_code == 403
    assert desk.post(page(Machine, "change", laser.pk), {"name": "Mine"}).status_code == 403


def kinds(row):
    return [("changelist", ()), ("add", ()), ("change", (row.pk,)), ("delete", (row.pk,))]


def test_actions_are_offered_to_those_who_may_give_rights(make_member, desk):
    reader = client_of(make_member("Reader", role=backend_role("Readers", "view_member", "view_machine")))
    url = reverse("admin:members_member_changelist")
    assert "grant_to_them" in desk.get(url).content.decode()
    assert "grant_to_them" not in reader.get(url).content.decode()


def test_who_sees_no_people_reads_no_name(make_member, ada, boss):
    right = ada.authorizations.get()
    blind = client_of(make_member("Blind", role=backend_role("Blind", *RIGHTS_WORK[:4])))
    assert "Lovelace" not in blind.get(LIST).content.decode()
    urls = [page(Authorization, kind, right.pk) for kind in ("change", "delete", "history")]
    assert [blind.get(url).status_code for url in urls] == [403, 403, 403]
    revoke(blind, right, sure="yes")
    assert Authorization.objects.filter(pk=right.pk).exists()
