"""The log of changes as a list: to read, to search, and with a way to the thing where there still is one."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from machines.models import Machine
from members.changes import note, said, value
from members.models import Card, Change, Member, Role
from tests.staff import backend_role, client_of, page

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


@pytest.fixture
def tina(make_member) -> Client:
    """May read the log and see machines, and no member."""
    role = backend_role("Technicians", "view_change", "view_machine")
    return client_of(make_member("Tina", role=role, email="tina@example.org"))


@pytest.fixture
def log(dora, ada, laser, make_member) -> None:
    oscar = make_member("Oscar")
    values = [{"did": "changed", "values": [value("e-mail", "ada@example.org", "a@example.org", personal=True)]}]
    note(dora.pk, ada, Change.Kind.CHANGED, values)
    note(dora.pk, laser, Change.Kind.CHANGED, [{"did": "changed", "values": [value("name", "Laser 1", "Laser")]}])
    note(oscar.pk, laser, Change.Kind.CHANGED, said("Cleaned the lens."), at=timezone.now() - timedelta(days=40))
    note(dora.pk, oscar, Change.Kind.DELETED, [{"did": "deleted", "values": []}])
    oscar.delete()


def rows(client: Client, **asked) -> list[str]:
    return [row.object_repr for row in client.get(page(Change, "changelist"), asked).context["cl"].result_list]


def text(client: Client, **asked) -> str:
    return client.get(page(Change, "changelist"), asked).content.decode()


# ---- told ------------------------------------------------------------------------------------------------------------


def test_the_list_says_who_changed_what_from_what_to_what(boss, log):
    shown = text(boss)
    for words in (
        "Dora Maar",
        "Ada Lovelace",
        "ada@example.org → a@example.org",
        "Laser 1 → Laser",
        "Cleaned the lens.",
    ):
        assert words in shown


def test_the_latest_stands_first(boss, log):
    assert rows(boss) == ["Oscar", "Laser (7)", "Ada Lovelace", "Laser (7)"]


def test_who_left_is_called_so(boss, log):
    assert "somebody who left" in text(boss)


def test_what_still_exists_is_linked_and_what_does_not_is_not(boss, log, ada, laser):
    shown = text(boss)
    assert page(Member, "change", ada.pk) in shown
    assert page(Machine, "change", laser.pk) in shown
    gone = Change.objects.get(object_repr="Oscar").object_id
    assert page(Member, "change", gone) not in shown


def test_a_change_has_a_page_to_read(boss, log):
    for change in Change.objects.all():
        shown = boss.get(page(Change, "change", change.pk))
        assert shown.status_code == 200
        assert not shown.context["adminform"].form.fields
        assert "&#x27;did&#x27;" not in shown.content.decode()


def test_what_came_from_elsewhere_does_not_break_the_list(boss, dora):
    Change.objects.create(object_repr="Old thing", object_id="x1", kind="changed", details=[])
    Change.objects.create(object_repr="Older thing", object_id="9" * 30, kind="deleted", member=dora)
    assert rows(boss) == ["Older thing", "Old thing"]


def test_a_name_in_the_log_is_only_text(boss, dora, laser):
    note(dora.pk, laser, Change.Kind.CHANGED, said("<script>alert(1)</script>") + said("second"))
    assert "<script>alert(1)" not in text(boss)


def test_the_log_is_read_in_italian(boss, log):
    boss.cookies["django_language"] = "it"
    assert boss.get(page(Change, "changelist")).status_code == 200


# ---- found -----------------------------------------------------------------------------------------------------------


def test_the_log_is_narrowed_by_kind_of_thing(boss, log):
    assert rows(boss, thing="machines.machine") == ["Laser (7)", "Laser (7)"]
    assert rows(boss, thing="nothing.atall") == []


def test_the_log_is_narrowed_by_who(boss, log, dora, ada):
    assert rows(boss, member__id__exact=dora.pk) == ["Oscar", "Laser (7)", "Ada Lovelace"]
    assert rows(boss, member__id__exact=ada.pk) == []


def test_the_log_is_narrowed_by_time(boss, log):
    assert rows(boss, at__span="7-days") == ["Oscar", "Laser (7)", "Ada Lovelace"]


def test_the_log_is_narrowed_by_what_was_done(boss, log):
    assert rows(boss, kind__exact="deleted") == ["Oscar"]


def test_the_log_is_searched_by_what_was_changed(boss, log):
    assert rows(boss, q="lovelace") == ["Ada Lovelace"]


# ---- only to read ----------------------------------------------------------------------------------------------------


def test_nobody_adds_corrects_or_deletes_a_change(boss, log):
    before = list(Change.objects.values())
    row = Change.objects.first()
    assert boss.post(page(Change, "add"), {"object_repr": "x"}).status_code == 403
    assert boss.post(page(Change, "change", row.pk), {"object_repr": "x"}).status_code == 403
    assert boss.post(page(Change, "delete", row.pk), {"post": "yes"}).status_code == 403
    boss.post(page(Change, "changelist"), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert list(Change.objects.values()) == before


def test_the_log_needs_its_own_permission(make_member, log):
    client = client_of(make_member("Nico", role=backend_role("Desk", "view_member", "change_member")))
    assert client.get(page(Change, "changelist")).status_code == 403


# ---- people ----------------------------------------------------------------------------------------------------------


def test_who_may_not_see_members_reads_of_machines_and_of_nobody(tina, log, laser):
    shown = text(tina)
    assert "Laser 1 → Laser" in shown
    assert page(Machine, "change", laser.pk) in shown
    for personal in ("Dora", "Ada", "Lovelace", "ada@example.org", "Oscar", "somebody who left"):
        assert personal not in shown
    for change in Change.objects.all():
        alone = tina.get(page(Change, "change", change.pk)).content.decode()
        for personal in ("Dora", "Lovelace", "ada@example.org", "Oscar"):
            assert personal not in alone


def test_who_may_not_see_members_finds_nobody_by_asking(tina, log, dora):
    assert len(rows(tina, q="lovelace")) == 4  # not searched at all
    for asked in ({"member__id__exact": dora.pk}, {"member__first_name": "Dora"}, {"object_repr__startswith": "Ada"}):
        assert tina.get(page(Change, "changelist"), asked).status_code in (302, 400), asked


def test_what_nobody_knows_any_more_may_have_been_a_person(tina, dora):
    Change.objects.create(object_repr="Ada Lovelace", object_id="1", kind="changed", member=dora)
    assert "Lovelace" not in text(tina)


# ---- what it costs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_superuser", [True, False])
def test_a_full_page_of_every_kind_of_thing_takes_less_than_ten_queries(
    boss, tina, dora, make_member, laser_type, is_superuser, django_assert_max_num_queries
):
    for number in range(20):
        member = make_member(f"M{number}", f"aaaa{number:04x}")
        machine = Machine.objects.create(id=100 + number, name="M", type=laser_type)
        role = Role.objects.create(name=f"R{number}")
        for thing in (member, member.cards.get(), machine, role, laser_type, Card.objects.first()):
            note(member.pk, thing, Change.Kind.CHANGED, said("Hello."))
    client = boss if is_superuser else tina
    client.get(page(Change, "changelist"))  # kinds of things are asked for once in a process
    with django_assert_max_num_queries(9):
        response = client.get(page(Change, "changelist"))
    assert len(response.context["cl"].result_list) == 50
