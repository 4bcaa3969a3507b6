"""What the live page remembers of the machines: what is read again when, what is a change, and how it is told."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from machines.models import Machine, MaintenancePlan, Use
from members.names import Names
from telemetry.live.tiles import read_tiles
from telemetry.live.wall import BREATH, Grouping, Look, Wall
from telemetry.status import State
from tests.conftest import NOW

pytestmark = pytest.mark.django_db

ENGLISH = Look("en", Names.NONE)


class Reader:
    """Reads the database, and remembers what it was asked for."""

    def __init__(self):
        self.asked = []
        self.error = None

    def __call__(self, now, machine_ids=None, heard=None):
        self.asked.append("everything" if machine_ids is None else sorted(machine_ids))
        if self.error:
            raise self.error
        return read_tiles(now, machine_ids, heard)


@pytest.fixture
def read():
    return Reader()


@pytest.fixture
def wall(read, time, laser, printer):
    wall = Wall(read, clock=lambda: NOW, monotonic=time)
    wall.refresh()
    return wall


def changed(wall, since):
    return sorted(wall.changes_since(since).machine_ids)


# ---- what is read ----------------------------------------------------------------------------------------------------


def test_everything_is_read_at_first(wall, read):
    assert read.asked == ["everything"]
    assert sorted(tile.name for tile in wall.tiles()) == ["Laser", "Printer"]


def test_nothing_is_read_where_nothing_was_told(wall, read):
    wall.refresh()
    assert read.asked == ["everything"]


def test_few_that_are_read_by_themselves_look_as_among_all(laser, printer, ada, make_plan):
    make_plan(laser, days_between=10, hours_between=None, last_work_at=NOW - timedelta(days=11))
    Use.objects.create(machine=laser, member=ada, started_at=NOW)
    Machine.objects.filter(pk=12).update(is_blocked=True, blocked_at=NOW, blocked_reason="Mirror loose")
    assert read_tiles(NOW, {7, 12, 999}, {7: NOW}) == read_tiles(NOW, None, {7: NOW})


def test_only_the_machine_that_changed_is_read(wall, read):
    wall.note(7, is_online=True)
    wall.refresh()
    assert read.asked[1:] == [[7]]


def test_what_could_not_be_read_is_read_the_next_time(wall, read):
    wall.note(7, is_online=True)
    read.error = DatabaseError("away")
    with pytest.raises(DatabaseError):
        wall.refresh()
    read.error = None
    wall.refresh()
    assert read.asked[1:] == [[7], [7]]


def test_a_hundred_forms_saved_in_a_row_do_not_read_everything_a_hundred_times(wall, read, time):
    for _form in range(100):
        wall.note_everything()
        wall.refresh(with_breath=True)
        time.now += BREATH / 50
    assert read.asked.count("everything") <= 4
    assert wall.has_marks


def test_what_was_put_off_for_a_breath_is_read_after_it(wall, read, time):
    wall.note_everything()
    wall.refresh(with_breath=True)
    time.now += BREATH
    wall.refresh(with_breath=True)
    assert read.asked == ["everything", "everything"]


def test_a_tap_does_not_wait_for_that_breath(wall, read):
    wall.note_everything()
    wall.note(7, is_online=True)
    wall.refresh(with_breath=True)
    assert read.asked[1:] == [[7]]


def test_a_page_does_not_wait_either(wall, read):
    wall.note_everything()
    wall.refresh()
    assert read.asked == ["everything", "everything"]


# ---- what is a change ------------------------------------------------------------------------------------------------


def test_reading_the_same_again_changes_nothing(wall):
    before = wall.revision
    wall.note_everything()
    wall.refresh()
    assert wall.revision == before
    assert not wall.changes_since(before)


def test_a_machine_taken_into_use_is_a_change_of_that_machine_alone(wall, laser, ada):
    before = wall.revision
    Use.objects.create(machine=laser, member=ada, started_at=NOW)
    wall.note(7, is_online=True)
    wall.refresh()
    assert changed(wall, before) == [7]
    assert not wall.changes_since(before).is_rearranged


@pytest.mark.parametrize(
    "fields",
    [
        {"is_blocked": True, "blocked_at": NOW, "blocked_reason": "Mirror loose"},
        {"seconds_used": 3600},
    ],
)
def test_what_staff_does_to_a_machine_is_a_change(wall, laser, fields):
    before = wall.revision
    Machine.objects.filter(pk=laser.pk).update(**fields)
    wall.note_everything()
    wall.refresh()
    assert changed(wall, before) == [7]


def test_another_reason_for_the_same_block_is_a_change(wall, laser):
    Machine.objects.filter(pk=7).update(is_blocked=True, blocked_at=NOW, blocked_reason="Mirror loose")
    wall.note_everything()
    wall.refresh()
    before = wall.revision
    Machine.objects.filter(pk=7).update(blocked_reason="Mirror ordered")
    wall.note_everything()
    wall.refresh()
    assert changed(wall, before) == [7]


def test_work_recorded_is_a_change(wall, laser, make_plan):
    plan = make_plan(laser, days_between=10, hours_between=None, last_work_at=NOW - timedelta(days=11))
    wall.note_everything()
    wall.refresh()
    before = wall.revision
    MaintenancePlan.objects.filter(pk=plan.pk).update(last_work_at=NOW)
    wall.note_everything()
    wall.refresh()
    assert changed(wall, before) == [7]


@pytest.mark.parametrize("fields", [{"name": "Big laser"}, {"location": "Room 9"}])
def test_a_machine_that_has_to_stand_elsewhere_rearranges_the_wall(wall, fields):
    before = wall.revision
    Machine.objects.filter(pk=7).update(**fields)
    wall.note_everything()
    wall.refresh()
    assert wall.changes_since(before).is_rearranged


def test_a_new_machine_rearranges_the_wall(wall, laser_type):
    before = wall.revision
    Machine.objects.create(id=8, name="New", type=laser_type)
    wall.note_everything()
    wall.refresh()
    assert wall.changes_since(before).is_rearranged
    assert changed(wall, before) == [8]


def test_a_deleted_machine_is_gone(wall, laser):
    before = wall.revision
    Machine.objects.filter(pk=7).delete()
    wall.note(7, is_online=False)
    wall.refresh()
    assert changed(wall, before) == [7]
    assert wall.card(7, ENGLISH) is None
    assert [tile.id for tile in wall.tiles()] == [12]


def test_a_machine_nobody_has_ever_heard_of_is_no_change(wall):
    before = wall.revision
    wall.note(999, is_online=True)
    wall.refresh()
    assert not wall.changes_since(before)


def test_a_revision_of_another_process_says_nothing_about_ours(wall):
    assert wall.changes_since("0badcafe-1") is None


@pytest.mark.parametrize("revision", ["", "-", "x", "1", "%s-", "%s-x", "%s-²", "%s-" + "9" * 99, "<script>"])
def test_a_revision_that_is_none_is_no_trouble(wall, revision):
    epoch = wall.revision.partition("-")[0]
    assert wall.changes_since(revision.replace("%s", epoch)) is None


# ---- who is online ---------------------------------------------------------------------------------------------------


def states(wall):
    return {tile.id: tile.state for tile in wall.tiles()}


def test_the_worker_knows_better_than_the_database_who_is_online(wall):
    wall.note(7, is_online=True)
    wall.refresh()
    assert states(wall) == {7: State.FREE, 12: State.OFFLINE}


def test_who_fell_silent_is_what_the_worker_says(wall):
    wall.note(7, is_online=True)
    wall.refresh()
    wall.note(7, is_online=False)
    wall.refresh()
    assert states(wall)[7] is State.OFFLINE


def test_without_the_worker_the_database_says_who_was_heard(wall, laser):
    wall.note(7, is_online=True)
    wall.note(12, is_online=True)
    Machine.objects.filter(pk=12).update(last_seen_at=NOW - timedelta(seconds=20))
    wall.refresh()
    wall.forget_who_is_online()
    wall.refresh()
    assert states(wall) == {7: State.OFFLINE, 12: State.FREE}


# ---- what is shown ---------------------------------------------------------------------------------------------------


def test_a_card_is_in_the_language_of_who_looks(wall):
    assert "Silent" in wall.card(7, ENGLISH)
    assert "Silent" not in wall.card(7, replace(ENGLISH, language="it"))


def test_a_card_holds_no_more_of_a_name_than_its_viewer_may_see(wall, laser, ada):
    Use.objects.create(machine=laser, member=ada, started_at=NOW)
    wall.note_everything()
    wall.refresh()
    assert "Ada Lovelace" in wall.card(7, Look("en", Names.FULL))
    assert "Ada" in wall.card(7, Look("en", Names.FIRST))
    assert "Lovelace" not in wall.card(7, Look("en", Names.FIRST))
    assert "Ada" not in wall.card(7, Look("en", Names.NONE))


def test_a_card_is_written_again_only_when_its_machine_changed(wall, laser):
    before, printer = wall.card(7, ENGLISH), wall.card(12, ENGLISH)
    Machine.objects.filter(pk=7).update(blocked_reason="x", is_blocked=True, blocked_at=NOW)
    wall.note_everything()
    wall.refresh()
    assert wall.card(7, ENGLISH) != before
    assert wall.card(12, ENGLISH) is printer


def test_the_wall_is_written_again_only_after_a_change(wall):
    before = wall.grid(ENGLISH, Grouping.TYPE)
    wall.note_everything()
    wall.refresh()
    assert wall.grid(ENGLISH, Grouping.TYPE) is before
    Machine.objects.filter(pk=7).update(blocked_reason="Mirror loose", is_blocked=True, blocked_at=NOW)
    wall.note_everything()
    wall.refresh()
    assert "Mirror loose" in wall.grid(ENGLISH, Grouping.TYPE)


def test_after_midnight_times_are_told_with_their_day(read, laser, ada):
    clock = [NOW]
    wall = Wall(read, clock=lambda: clock[0])
    Use.objects.create(machine=laser, member=ada, started_at=NOW)
    wall.refresh()
    assert ">13:00<" in wall.card(7, ENGLISH)
    clock[0] = NOW + timedelta(hours=11)
    wall.note_everything()
    wall.refresh()
    assert ">Tue 10 Mar, 13:00<" in wall.card(7, ENGLISH)


def test_machines_are_grouped_and_sorted_as_people_read(wall, laser_type):
    Machine.objects.create(id=9, name="alpha", type=laser_type, location="Attic")
    wall.note_everything()
    wall.refresh()
    by_type = wall.grid(ENGLISH, Grouping.TYPE)
    assert [by_type.index(name) for name in ("3D printer", "Printer", "Laser cutter", "alpha", ">Laser<")] == sorted(
        by_type.index(name) for name in ("3D printer", "Printer", "Laser cutter", "alpha", ">Laser<")
    )
    assert "<h2" not in wall.grid(ENGLISH, Grouping.NONE)


def test_a_thousand_machines_are_read_with_two_queries(laser_type, django_assert_num_queries):
    Machine.objects.bulk_create(
        Machine(id=number, name=f"Saw {number}", type=laser_type, last_seen_at=timezone.now())
        for number in range(100, 1100)
    )
    wall = Wall()
    with django_assert_num_queries(2):
        wall.refresh()
    assert len(wall.tiles()) == 1000
