"""Rights for many at once: what would happen, and that nobody has less afterwards unless it was asked for."""

from datetime import date, timedelta

import pytest
import time_machine

from machines.granting import Effect, Terms, Wish, foresee, grant, remarks, wishes_for, wishes_like
from machines.models import Authorization, Machine
from members.models import Change, Member
from tests.conftest import NOW

pytestmark = pytest.mark.django_db

TODAY = date(2026, 3, 10)
JUNE = date(2026, 6, 30)
MAY = date(2026, 5, 31)


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOW, tick=False):
        yield


def with_role(*members):
    return list(Member.objects.select_related("role").filter(pk__in=[member.pk for member in members]).order_by("pk"))


def machines(*machines):
    return list(Machine.objects.select_related("type").filter(pk__in=[each.pk for each in machines]).order_by("pk"))


def wish(member, machine, until=None):
    return wishes_for(with_role(member), machines(machine), until)


def effect(member, machine, until, **terms):
    return foresee(wish(member, machine, until), Terms(**terms))[0].effect


# ---- what would happen -----------------------------------------------------------------------------------------------


def test_each_member_gets_each_machine(hugo, carla, laser, printer):
    wishes = wishes_for(with_role(hugo, carla), machines(laser, printer), JUNE)
    assert [step.effect for step in foresee(wishes, Terms())] == [Effect.NEW] * 4


@pytest.mark.parametrize(
    ("has", "asked", "expected"),
    [
        (MAY, JUNE, Effect.EXTENDED),
        (MAY, None, Effect.EXTENDED),
        (date(2025, 1, 1), JUNE, Effect.EXTENDED),
        (JUNE, JUNE, Effect.SAME),
        (None, None, Effect.SAME),
        (JUNE, MAY, Effect.KEPT),
        (None, JUNE, Effect.KEPT),
    ],
)
def test_nobody_has_less_afterwards(hugo, laser, authorize, has, asked, expected):
    authorize(hugo, laser, valid_until=has)
    assert effect(hugo, laser, asked) is expected


@pytest.mark.parametrize("has", [JUNE, None])
def test_rights_are_shortened_when_that_is_asked_for(hugo, laser, authorize, has):
    authorize(hugo, laser, valid_until=has)
    assert effect(hugo, laser, MAY, may_shorten=True) is Effect.SHORTENED


def test_who_may_only_add_changes_nothing(hugo, laser, authorize):
    authorize(hugo, laser, valid_until=MAY)
    assert effect(hugo, laser, JUNE, may_shorten=True, may_change=False) is Effect.KEPT


def test_a_step_says_what_holds_afterwards(hugo, laser, authorize):
    authorize(hugo, laser, valid_until=JUNE)
    assert foresee(wish(hugo, laser, MAY), Terms())[0].valid_until == JUNE
    assert foresee(wish(hugo, laser, MAY), Terms(may_shorten=True))[0].valid_until == MAY


def test_looking_changes_nothing(hugo, laser):
    foresee(wish(hugo, laser), Terms())
    assert not Authorization.objects.exists()


def test_it_takes_one_query_for_hundreds(hugo, laser_type, django_assert_num_queries):
    many = [Machine.objects.create(id=number, name="Many", type=laser_type) for number in range(100, 400)]
    wishes = wishes_for(with_role(hugo), many, None)
    with django_assert_num_queries(1):
        foresee(wishes, Terms())


# ---- what whoever grants should know ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "where", "said"),
    [
        ("hugo", "laser", []),
        ("carla", "laser", ["needs none: the role authorizes all machines"]),
        ("hugo", "printer", ["needs none: every member may use this machine"]),
        ("enzo", "laser", ["the member is disabled"]),
        ("gino", "laser", ["the membership has ended"]),
    ],
)
def test_a_right_nobody_needs_or_that_is_not_enough_is_said(everybody, laser, printer, who, where, said):
    machine = {"laser": laser, "printer": printer}[where]
    (wanted,) = wish(getattr(everybody, who), machine)
    assert [str(remark) for remark in remarks(wanted, TODAY)] == said


# ---- and happens -----------------------------------------------------------------------------------------------------


def test_a_new_right_says_who_gave_it_when_and_why(hugo, laser, dora):
    grant(wish(hugo, laser, JUNE), Terms(note="Course of March"), dora)
    right = Authorization.objects.get()
    assert (right.member, right.machine, right.valid_until) == (hugo, laser, JUNE)
    assert (right.granted_by, right.granted_at, right.note) == (dora, NOW, "Course of March")


def test_an_extended_right_is_of_whoever_extended_it_and_keeps_its_note(hugo, laser, dora, carla, authorize):
    before = NOW - timedelta(days=90)
    authorize(hugo, laser, valid_until=MAY, granted_by=carla, granted_at=before, note="Old course")
    grant(wish(hugo, laser, JUNE), Terms(), dora)
    right = Authorization.objects.get()
    assert (right.valid_until, right.granted_by, right.granted_at, right.note) == (JUNE, dora, NOW, "Old course")


def test_what_stays_is_not_touched(hugo, laser, dora, carla, authorize):
    right = authorize(hugo, laser, valid_until=JUNE, granted_by=carla)
    grant(wish(hugo, laser, MAY), Terms(note="Another course"), dora)
    right.refresh_from_db()
    assert (right.valid_until, right.granted_by, right.note) == (JUNE, carla, "")


def test_each_right_is_in_the_log_with_old_and_new_value(hugo, ada, laser, dora, carla, authorize):
    authorize(hugo, laser, valid_until=MAY, granted_by=carla)
    grant(wishes_for(with_role(hugo), machines(laser), JUNE), Terms(note="Again"), dora)
    (change,) = Change.objects.all()
    assert (change.member, change.kind, change.object_repr) == (dora, "changed", "Hugo – Laser (7)")
    told = {entry["field"]: (entry["old"], entry["new"]) for entry in change.details[0]["values"]}
    assert told == {
        "valid until": ("2026-05-31", "2026-06-30"),
        "granted by": ("Carla Scarpa", "Dora Maar"),
        "note": (None, "Again"),
    }


def test_new_rights_are_in_the_log_one_by_one(hugo, carla, laser, dora):
    grant(wishes_for(with_role(hugo, carla), machines(laser), None), Terms(), dora)
    assert set(Change.objects.values_list("object_repr", "kind")) == {
        ("Hugo – Laser (7)", "added"),
        ("Carla Scarpa – Laser (7)", "added"),
    }
    rights = Authorization.objects.values_list("pk", flat=True)
    assert {int(change.object_id) for change in Change.objects.all()} == set(rights)


def test_twice_is_as_good_as_once(hugo, laser, dora):
    wishes = wish(hugo, laser, JUNE)
    grant(wishes, Terms(), dora)
    (step,) = grant(wishes, Terms(), dora)
    assert step.effect is Effect.SAME
    assert (Authorization.objects.count(), Change.objects.count()) == (1, 1)


def test_a_right_given_by_somebody_else_at_that_moment_does_no_harm(hugo, laser, dora, authorize, monkeypatch):
    """Both have read that there is none; the second to write finds it there and looks again."""
    from machines import granting

    looked = granting.foresee

    def look_and_be_late(*args, **kwargs):
        steps = looked(*args, **kwargs)
        if not Authorization.objects.exists():
            monkeypatch.setattr(granting, "foresee", looked)
            monkeypatch.setattr(granting, "_add", be_late)
        return steps

    added = granting._add

    def be_late(wishes, *args):
        monkeypatch.setattr(granting, "_add", added)
        raise granting.IntegrityError

    monkeypatch.setattr(granting, "foresee", look_and_be_late)
    grant(wish(hugo, laser, JUNE), Terms(), dora)
    assert Authorization.objects.get().valid_until == JUNE


def test_the_number_of_queries_does_not_grow_with_the_rights(
    hugo, laser_type, dora, django_assert_max_num_queries, django_assert_num_queries
):
    many = [Machine.objects.create(id=number, name="Many", type=laser_type) for number in range(100, 200)]
    with django_assert_max_num_queries(8) as few:
        grant(wishes_for(with_role(hugo), many[:2], MAY), Terms(), dora)
    with django_assert_num_queries(len(few)):
        grant(wishes_for(with_role(hugo), many[2:], MAY), Terms(), dora)


# ---- copying ---------------------------------------------------------------------------------------------------------


def test_rights_are_copied_with_their_ends(ada, hugo, printer, authorize, dora):
    authorize(ada, printer, valid_until=JUNE)
    grant(wishes_like(ada, with_role(hugo), TODAY), Terms(), dora)
    assert set(hugo.authorizations.values_list("machine__name", "valid_until")) == {("Laser", None), ("Printer", JUNE)}


def test_what_has_ended_is_not_copied(bruno, hugo):
    assert wishes_like(bruno, with_role(hugo), TODAY) == []


def test_what_ends_today_is_copied(hugo, carla, laser, authorize):
    authorize(hugo, laser, valid_until=TODAY)
    assert [wanted.valid_until for wanted in wishes_like(hugo, with_role(carla), TODAY)] == [TODAY]


def test_nobody_gets_a_copy_of_their_own(ada, hugo):
    assert {wanted.member for wanted in wishes_like(ada, with_role(ada, hugo), TODAY)} == {hugo}


def test_a_copy_does_not_shorten_either(ada, hugo, laser, authorize):
    Authorization.objects.filter(member=ada).update(valid_until=MAY)
    authorize(hugo, laser, valid_until=JUNE)
    assert [step.effect for step in foresee(wishes_like(ada, with_role(hugo), TODAY), Terms())] == [Effect.KEPT]


def test_a_wish_knows_whom_and_what(hugo, laser):
    (wanted,) = wish(hugo, laser, JUNE)
    assert wanted == Wish(hugo, laser, JUNE)
