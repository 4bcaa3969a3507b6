"""The log of changes: old and new value of every kind of field, what was deleted, no secrets, nobody's name for those
who may see nobody, and nothing that goes with its author."""

from datetime import UTC, date, datetime

import pytest
from django.test import Client

from machines.models import Authorization, Machine
from members.changes import (
    as_text,
    changes_of,
    differences,
    names_person,
    note,
    note_many,
    said,
    sentences,
    state_of,
    value,
)
from members.models import Card, Change, Member, Role
from telemetry.models import Screen, Tap
from tests.conftest import NOW
from tests.staff import client_of, page, save

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


def said_of(thing, *, sees_people: bool = True) -> list[str]:
    """What the latest change of this thing is told as."""
    return sentences(changes_of(thing)[0], sees_people=sees_people)


# ---- every kind of field ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, None),
        ("", None),
        ("text", "text"),
        (True, True),
        (False, False),
        (0, "0"),
        (date(2026, 3, 10), "2026-03-10"),
        (datetime(2026, 3, 10, 23, 30, tzinfo=UTC), "2026-03-11 00:30"),
        (["b", "a"], "a, b"),
        ([], None),
        ("x" * 300, "x" * 200),
    ],
)
def test_values_are_kept_as_people_read_them(given, kept):
    assert as_text(given) == kept


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"notes": "Has a key."}, "Notes: Has a key."),
        ({"email": "augusta@example.org"}, "E-mail: ada@example.org → augusta@example.org"),
        ({"email": ""}, "E-mail: ada@example.org → –"),
        ({"valid_until": "2099-12-31"}, "Membership ends: 2099-12-31"),
        ({"language": "it"}, "Language: Italiano"),
        ({"wants_weekly_summary": "on"}, "Weekly summary by mail: no → yes"),
        ({"consent_at_0": "2026-03-10", "consent_at_1": "13:00"}, "Consent given at: 2026-03-10 13:00"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_form_is_told_with_old_and_new_value(boss, ada, fields, sentence):
    save(boss, page(Member, "change", ada.pk), **fields)
    assert said_of(ada) == [sentence]


def test_what_is_chosen_is_told_by_its_name(boss, ada, roles):
    save(boss, page(Member, "change", ada.pk), role=roles.staff.pk)
    assert said_of(ada) == ["Role: Members → Staff"]


def test_several_things_chosen_are_told_together(boss, roles):
    save(boss, page(Role, "change", roles.staff.pk), permissions=[])
    assert not changes_of(roles.staff).exists()
    from django.contrib.auth.models import Permission

    chosen = Permission.objects.filter(codename__in=["view_machine", "view_use"])
    save(boss, page(Role, "change", roles.staff.pk), permissions=[permission.pk for permission in chosen])
    assert "Can view machine" in said_of(roles.staff)[0]
    assert "Can view use" in said_of(roles.staff)[0]


def test_nothing_changed_is_nothing_noted_but_that_somebody_saved(boss, ada):
    save(boss, page(Member, "change", ada.pk))
    assert [change.details for change in changes_of(ada)] in ([], [[]])


def test_a_new_thing_is_told_to_be_new(boss, roles):
    boss.post(page(Role, "add"), {"name": "Guests"})
    assert said_of(Role.objects.get(name="Guests")) == ["Added", "Name: Guests"]


def test_states_are_compared_field_by_field(ada, roles):
    after = Member.objects.get(pk=ada.pk)
    after.is_active, after.role, after.notes = False, roles.staff, "Left."
    ada_now = differences(ada, after, ["is_active", "role", "notes", "email"])
    assert [(entry["field"], entry["old"], entry["new"]) for entry in ada_now] == [
        ("active", True, False),
        ("role", "Members", "Staff"),
        ("notes", None, "Left."),
    ]
    assert all(entry["personal"] for entry in ada_now)


# ---- rows of a form --------------------------------------------------------------------------------------------------


def test_rows_that_came_changed_and_went_are_told_with_the_member(boss, ada, laser, printer):
    save(boss, page(Member, "change", ada.pk), **{
        "cards-0-DELETE": "on", "cards-TOTAL_FORMS": 2, "cards-1-uid": "AABBCCDD",
        "authorizations-0-valid_until": "2099-01-01",
    })  # fmt: skip
    assert said_of(ada) == [
        "Card “aabbccdd” added",
        "Card number: aabbccdd",
        "Card “0a1b2c3d” deleted",
        "Card number: 0a1b2c3d → –",
        "Member: Ada Lovelace → –",
        "Lost: no → –",
        f"Created at: {as_text(Member.objects.get(pk=ada.pk).created_at)} → –",
        "Authorization “Ada Lovelace – Laser (7)” changed",
        "Valid until: 2099-01-01",
    ]


def test_rows_named_by_a_person_do_not_name_them_to_whom_nobody_is_told(boss, ada):
    fields = {"cards-0-label": "keyring", "authorizations-0-note": "Asked Dora."}
    save(boss, page(Member, "change", ada.pk), **fields)
    told = " ".join(said_of(ada, sees_people=False))
    assert "Authorization “…” changed" in told
    for personal in ("Lovelace", "0a1b2c3d", "keyring"):
        assert personal not in told


# ---- what was deleted ------------------------------------------------------------------------------------------------


def test_what_was_deleted_is_told_with_what_was_on_record(boss, laser):
    right = Authorization.objects.create(member=Member.objects.get(first_name="Dora"), machine=laser, note="For a day")
    boss.post(page(Authorization, "delete", right.pk), {"post": "yes"})
    change = Change.objects.get(content_type__model="authorization")
    told = sentences(change, sees_people=True)
    assert told[0] == "Deleted"
    assert "Member: Dora Maar → –" in told
    assert "Machine: Laser (7) → –" in told
    assert "Note: For a day → –" in told


# ---- secrets ---------------------------------------------------------------------------------------------------------


def test_a_password_is_noted_to_have_changed_and_no_more(boss, ada):
    from django.urls import reverse

    new = {"password1": "difference-engine", "password2": "difference-engine"}
    boss.post(reverse("admin:auth_user_password_change", args=[ada.pk]), new)
    assert said_of(ada) == ["Password: •••"]
    stored = Member.objects.get(pk=ada.pk).password
    kept = str(Change.objects.values_list("details", flat=True)[0])
    assert "difference-engine" not in kept
    assert stored not in kept


def test_no_state_holds_a_secret(dora, db):
    screen = Screen.objects.create(name="Door", link_hash="secret-link", cookie_hash="secret-cookie")
    kept = str([state_of(dora), state_of(screen)])
    for secret in (dora.password, "secret-link", "secret-cookie"):
        assert secret not in kept


# ---- people ----------------------------------------------------------------------------------------------------------


def test_values_of_people_are_for_those_who_may_see_members(dora, ada):
    note(dora.pk, ada, Change.Kind.CHANGED, [{"did": "changed", "values": [value("notes", "a", "b", personal=True)]}])
    assert said_of(ada) == ["Notes: a → b"]
    assert said_of(ada, sees_people=False) == ["Notes: …"]


@pytest.mark.parametrize("model", [Member, Card, Authorization])
def test_things_that_are_called_by_a_persons_name(model):
    assert names_person(model)


@pytest.mark.parametrize("model", [Machine, Role, Tap, Screen])
def test_things_that_are_not(model):
    assert not names_person(model)


# ---- what stays ------------------------------------------------------------------------------------------------------


def test_a_change_outlives_its_author_and_its_thing(dora, make_member, laser):
    oscar = make_member("Oscar")
    note(oscar.pk, laser, Change.Kind.CHANGED, said("Moved it."))
    oscar.delete()
    laser.delete()
    change = Change.objects.get()
    assert (change.member, change.object_repr, sentences(change, sees_people=True)) == (
        None,
        "Laser (7)",
        ["Moved it."],
    )


def test_many_are_noted_at_the_same_moment_in_few_queries(dora, make_member, django_assert_max_num_queries):
    people = [make_member(f"M{number}") for number in range(60)]
    with django_assert_max_num_queries(3):
        note_many(dora.pk, [(member, said("Hello.")) for member in people], Change.Kind.CHANGED)
    assert Change.objects.values("at").distinct().count() == 1


def test_the_moment_can_be_given(dora, laser):
    assert note(dora.pk, laser, Change.Kind.CHANGED, [], at=NOW).at == NOW


# ---- in the reader's language ----------------------------------------------------------------------------------------


def test_labels_and_our_own_sentences_are_told_in_the_readers_language(dora, ada):
    from django.utils.translation import override

    note(dora.pk, ada, Change.Kind.CHANGED, [{"did": "changed", "values": [value("active", True, False)]}])
    with override("it"):
        assert said_of(ada)[0].startswith("Attivo: ")
