"""Machines and their odometers: whatever staff edits, the hours stay those of the uses."""

from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import ProtectedError

from machines.models import Authorization, Intervention, Machine, MachineType, MaintenancePlan, Use
from tests.conftest import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOW, tick=False):
        yield


def running_use(machine, **fields):
    return Use.objects.create(machine=machine, started_at=NOW - timedelta(hours=1), **fields)


def refused():
    return pytest.raises(IntegrityError)


# ---- numbers and names -----------------------------------------------------------------------------------------------


def test_staff_chooses_the_number_configured_in_the_board(laser):
    assert Machine.objects.get(pk=7).name == "Laser"


@pytest.mark.parametrize("number", [0, 65536])
def test_database_refuses_a_number_no_board_can_have(laser_type, number):
    with refused(), transaction.atomic():
        Machine.objects.create(id=number, name="Laser", type=laser_type)


@pytest.mark.parametrize("number", [1, 65535])
def test_first_and_last_number_are_possible(laser_type, number):
    machine = Machine(id=number, name="Laser", type=laser_type)
    machine.full_clean()
    machine.save()
    assert Machine.objects.get().pk == number


@pytest.mark.parametrize("number", [0, -1, 65536])
def test_form_says_that_a_number_is_impossible(laser_type, number):
    with pytest.raises(ValidationError) as refusal:
        Machine(id=number, name="Laser", type=laser_type).full_clean()
    assert "id" in refusal.value.error_dict


def test_new_machine_does_not_take_the_place_of_another_with_its_number(laser, printer_type):
    with refused(), transaction.atomic():
        Machine(id=laser.pk, name="Impostor", type=printer_type).save()
    assert Machine.objects.get().name == "Laser"


def test_changing_the_number_makes_no_copy(laser):
    laser.pk = 8
    with pytest.raises((ValidationError, DatabaseError)), transaction.atomic():
        laser.save()
    assert list(Machine.objects.values_list("pk", flat=True)) == [7]


def test_changing_the_number_to_another_machines_does_not_overwrite_that_one(laser, printer):
    laser.pk = printer.pk
    with pytest.raises((ValidationError, DatabaseError)), transaction.atomic():
        laser.save()
    assert dict(Machine.objects.values_list("pk", "name")) == {7: "Laser", 12: "Printer"}


def test_machine_just_created_cannot_change_its_number_either(laser_type):
    machine = Machine.objects.create(id=9, name="Mill", type=laser_type)
    machine.id = 10
    with pytest.raises((ValidationError, DatabaseError)), transaction.atomic():
        machine.save()
    assert list(Machine.objects.values_list("pk", flat=True)) == [9]


# ---- blocked ---------------------------------------------------------------------------------------------------------


def test_blocking_notes_when(laser):
    laser.is_blocked = True
    laser.save(update_fields=["is_blocked"])
    assert Machine.objects.get().blocked_at == NOW


def test_time_of_blocking_stays_while_the_machine_is_edited(laser):
    laser.is_blocked = True
    laser.save()
    with time_machine.travel(NOW + timedelta(hours=1), tick=False):
        laser.blocked_reason = "Lens broken"
        laser.save()
    assert Machine.objects.get().blocked_at == NOW


def test_unblocking_forgets_when(laser):
    laser.is_blocked = True
    laser.save()
    laser.is_blocked = False
    laser.save(update_fields=["is_blocked"])
    assert Machine.objects.get().blocked_at is None


# ---- types -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["auto_logoff_minutes", "grace_minutes"])
def test_database_refuses_minutes_the_board_would_read_as_zero(db, field):
    MachineType.objects.create(name="Longest", **{field: 65535})
    with refused(), transaction.atomic():
        MachineType.objects.create(name="Too long", **{field: 65536})


def test_new_type_needs_authorization_and_allows_no_remote_start(db):
    fresh = MachineType.objects.create(name="Mill")
    assert (fresh.needs_authorization, fresh.allow_remote_start, fresh.auto_logoff_minutes) == (True, False, 0)


def test_type_with_machines_cannot_be_deleted(laser):
    with pytest.raises(ProtectedError):
        laser.type.delete()


def test_member_has_one_authorization_per_machine(ada, laser):
    with refused(), transaction.atomic():
        Authorization.objects.create(member=ada, machine=laser)


# ---- the odometer ----------------------------------------------------------------------------------------------------


def test_odometer_begins_with_what_the_machine_had_run(laser_type, odometer):
    assert odometer(Machine.objects.create(id=9, name="Mill", type=laser_type, initial_seconds=5000)) == 5000


def test_added_use_counts(laser, make_use, odometer):
    make_use(laser, 600)
    make_use(laser, 60, hours_ago=5)
    assert odometer(laser) == 660


def test_running_use_does_not_count_yet(laser, odometer):
    running_use(laser)
    assert odometer(laser) == 0


def test_closing_by_hand_counts_and_says_so(laser, odometer):
    use = running_use(laser)
    use.ended_at = NOW
    use.save()
    assert (odometer(laser), use.end_reason) == (3600, "staff")


def test_longer_and_shorter_use_moves_the_odometer_by_the_difference(laser, make_use, odometer):
    use = make_use(laser, 600)
    for seconds in (900, 100):
        use.ended_at = use.started_at + timedelta(seconds=seconds)
        use.save()
        assert odometer(laser) == seconds


def test_reopened_use_gives_its_hours_back(laser, make_use, odometer):
    use = make_use(laser, 600)
    use.ended_at = None
    use.save()
    use.refresh_from_db()
    assert (odometer(laser), use.duration, use.end_reason) == (0, None, "")


def test_use_moved_to_another_machine_takes_its_hours_along(laser, printer, make_use, odometer):
    use = make_use(laser, 600)
    use.machine = printer
    use.save()
    assert (odometer(laser), odometer(printer)) == (0, 600)


def test_deleted_use_takes_its_hours_along(laser, make_use, odometer):
    make_use(laser, 60, hours_ago=4)
    make_use(laser, 600).delete()
    assert odometer(laser) == 60


def test_deleting_a_running_use_changes_nothing(laser, odometer):
    running_use(laser).delete()
    assert odometer(laser) == 0


def test_uses_deleted_in_bulk_take_their_hours_along(laser, printer, make_use, odometer):
    for hours_ago in (3, 4, 5):
        make_use(laser, 600, hours_ago=hours_ago)
    make_use(printer, 100)
    Use.objects.filter(machine=laser).delete()
    assert (odometer(laser), odometer(printer)) == (0, 100)


def test_deletion_takes_what_the_database_holds_and_not_what_was_loaded(laser, odometer):
    """The worker may close a use while somebody looks at the page that deletes it."""
    loaded = running_use(laser)
    current = Use.objects.get()
    current.ended_at = NOW
    current.save()
    loaded.delete()
    assert odometer(laser) == 0


def test_saving_only_a_note_leaves_the_hours_alone(laser, odometer, true_odometer):
    """The worker may close a use while staff writes a note about it."""
    loaded = running_use(laser)
    current = Use.objects.get()
    current.ended_at = NOW
    current.save()
    loaded.note = "Smelled of smoke."
    loaded.save(update_fields=["note"])
    assert odometer(laser) == true_odometer(laser) == 3600


def test_saving_only_the_end_saves_what_follows_from_it(laser, odometer):
    use = running_use(laser)
    use.ended_at = NOW
    use.save(update_fields=["ended_at"])
    use.refresh_from_db()
    assert (use.duration, use.end_reason, odometer(laser)) == (3600, "staff", 3600)


def test_update_or_create_keeps_the_hours(laser, odometer, true_odometer):
    use = running_use(laser)
    Use.objects.update_or_create(pk=use.pk, defaults={"ended_at": NOW, "note": "Forgot to tap."})
    assert odometer(laser) == true_odometer(laser) == 3600


def test_fractions_of_seconds_are_dropped(laser, odometer):
    started_at = NOW.replace(microsecond=900_000) - timedelta(hours=1)
    use = Use.objects.create(machine=laser, started_at=started_at, ended_at=NOW.replace(microsecond=100_000))
    use.refresh_from_db()
    assert (use.duration, use.ended_at - use.started_at) == (3600, timedelta(hours=1))
    assert odometer(laser) == 3600


def test_initial_hours_typed_in_later_move_the_odometer(laser, make_use, odometer):
    make_use(laser, 600)
    for initial_seconds in (7200, 3600, 0):
        laser.initial_seconds = initial_seconds
        laser.save()
        assert odometer(laser) == initial_seconds + 600


def test_initial_hours_saved_alone_move_the_odometer(laser, odometer):
    laser.initial_seconds = 3600
    laser.save(update_fields=["initial_seconds"])
    assert odometer(laser) == 3600


def test_other_fields_saved_alone_leave_the_odometer(laser, odometer):
    laser.initial_seconds = 3600
    laser.name = "Big laser"
    laser.save(update_fields=["name"])
    assert odometer(laser) == 0


def test_form_that_was_open_for_long_does_not_set_the_odometer_back(laser, make_use, odometer):
    loaded = Machine.objects.get()
    make_use(laser, 600)
    Machine.objects.update(last_seen_at=NOW)
    loaded.name = "Big laser"
    loaded.save()
    assert odometer(laser) == 600
    assert Machine.objects.get().last_seen_at == NOW


def test_database_refuses_an_odometer_below_zero(laser):
    with refused(), transaction.atomic():
        Machine.objects.update(seconds_used=-1)


# ---- what the database refuses ---------------------------------------------------------------------------------------


def test_second_running_use_of_a_machine_is_refused(laser):
    running_use(laser)
    with refused(), transaction.atomic():
        running_use(laser)


def test_running_uses_of_two_machines_are_fine(laser, printer):
    running_use(laser)
    running_use(printer)
    assert Use.objects.filter(ended_at__isnull=True).count() == 2


def test_form_says_that_the_machine_is_in_use(laser):
    running_use(laser)
    with pytest.raises(ValidationError, match="already in use"):
        Use(machine=laser, started_at=NOW).full_clean()


def test_form_takes_a_closed_use_while_another_runs(laser):
    running_use(laser)
    use = Use(machine=laser, started_at=NOW - timedelta(hours=9), ended_at=NOW - timedelta(hours=8))
    use.full_clean()
    assert use.duration == 3600


@pytest.mark.parametrize("wrong", [{"duration": 599}, {"duration": None}, {"end_reason": ""}, {"end_reason": "rats"}])
def test_database_refuses_a_closed_use_that_does_not_add_up(laser, make_use, wrong):
    make_use(laser, 600)
    with refused(), transaction.atomic():
        Use.objects.update(**wrong)


@pytest.mark.parametrize("wrong", [{"duration": 0}, {"end_reason": "stop"}])
def test_database_refuses_a_running_use_with_an_end(laser, wrong):
    running_use(laser)
    with refused(), transaction.atomic():
        Use.objects.update(**wrong)


def test_database_refuses_an_end_before_the_start(laser):
    with refused(), transaction.atomic():
        Use.objects.create(machine=laser, started_at=NOW, ended_at=NOW - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("field", "times"),
    [
        ("ended_at", {"started_at": NOW - timedelta(hours=1), "ended_at": NOW + timedelta(minutes=1)}),
        ("started_at", {"started_at": NOW + timedelta(minutes=1)}),
        ("ended_at", {"started_at": NOW - timedelta(hours=1), "ended_at": NOW - timedelta(hours=2)}),
    ],
)
def test_form_refuses_times_that_cannot_have_been(laser, field, times):
    with pytest.raises(ValidationError) as refusal:
        Use(machine=laser, **times).full_clean()
    assert field in refusal.value.error_dict


def test_use_over_a_change_of_the_clocks_lasts_as_long_as_it_did(laser, odometer):
    """At three in the morning of 25 October it is two again."""
    started_at = NOW.replace(month=10, day=25, hour=0, minute=30)
    Use.objects.create(machine=laser, started_at=started_at, ended_at=started_at + timedelta(hours=2))
    assert odometer(laser) == 7200


# ---- deleting --------------------------------------------------------------------------------------------------------


@pytest.fixture
def history(laser, ada, make_use, make_plan):
    make_use(laser, 600, member=ada)
    running_use(laser, member=ada)
    Intervention.objects.create(plan=make_plan(laser), member=ada)


@pytest.mark.parametrize("delete", [lambda: Machine.objects.get(pk=7).delete(), lambda: Machine.objects.all().delete()])
def test_deleted_machine_takes_its_history_along(history, delete):
    delete()
    assert not Machine.objects.exists()
    assert not any(model.objects.exists() for model in (Use, Intervention, MaintenancePlan, Authorization))


def test_deleting_one_machine_leaves_the_other(history, printer, make_use, odometer):
    make_use(printer, 100)
    Machine.objects.filter(pk=7).delete()
    assert odometer(printer) == 100


def test_deleted_member_leaves_hours_and_work_without_a_name(history, laser, ada, odometer):
    ada.delete()
    assert odometer(laser) == 600
    assert set(Use.objects.values_list("member", flat=True)) == {None}
    assert Intervention.objects.get().member is None
