"""A machine gets another number, and everything that was recorded of it comes along."""

import threading
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Count

from machines import renumbering, usage
from machines.models import Intervention, Machine, MaintenancePlan, Use
from machines.renumbering import lowest_free_number, references, renumber, what_moves
from machines.usage import Who
from members.changes import note, said, sentences
from members.models import Change
from telemetry import nudge
from telemetry.collected import LastHeard
from telemetry.models import Board, Downtime, Tap
from telemetry.publisher import StatusPublisher
from tests.conftest import NOW, UIDS

pytestmark = pytest.mark.django_db


@pytest.fixture
def history(laser, printer, ada, make_use, make_plan, authorize):
    """A row of everything that refers to the laser, machine 7, and some of the printer's, machine 12."""
    make_use(laser, 3600, member=ada)
    make_use(laser, 1800, hours_ago=9)
    make_use(printer, 600)
    Intervention.objects.create(plan=make_plan(laser), member=ada, at=NOW)
    Tap.objects.create(at=NOW, machine=laser, uid=UIDS["ada"], outcome="granted")
    Downtime.objects.create(machine=laser, kind="offline", started_at=NOW)
    Board.objects.create(serial="AA", machine=laser)
    Board.objects.create(serial="BB", machine=printer, conflict_machine=laser, conflict_since=NOW)
    return laser


def rows_by_machine(machine_id):
    return {
        f"{model.__name__}.{field.name}": model._base_manager.filter(**{field.name: machine_id}).count()
        for model, field in references()
    }


def refusal(old, new):
    with pytest.raises(ValidationError) as raised:
        renumber(old, new)
    return raised.value.messages[0]


# ---- what moves ------------------------------------------------------------------------------------------------------


def test_everything_that_refers_to_a_machine_moves(history):
    before = rows_by_machine(7)
    assert all(before.values()), "the fixture has to hold a row of everything"
    renumber(7, 99)
    assert rows_by_machine(99) == before
    assert not any(rows_by_machine(7).values())


def test_everything_means_every_foreign_key_of_every_application(history):
    assert set(rows_by_machine(7)) >= {
        *("Use.machine", "Authorization.machine", "MaintenancePlan.machine", "Intervention.machine"),
        *("Tap.machine", "Downtime.machine", "Board.machine", "Board.conflict_machine"),
    }


def test_other_machines_keep_what_is_theirs(history):
    renumber(7, 99)
    assert rows_by_machine(12)["Use.machine"] == 1
    assert Board.objects.get(serial="BB").machine_id == 12


def test_odometer_and_plans_stay_as_they_are(history, odometer, true_odometer):
    plan = MaintenancePlan.objects.values().get()
    renumber(7, 99)
    assert odometer(99) == true_odometer(99) == 5400
    assert MaintenancePlan.objects.values().get() == {**plan, "machine_id": 99}


def test_the_machine_itself_is_the_same(history):
    before = Machine.objects.values().get(pk=7)
    assert renumber(7, 99).pk == 99
    assert Machine.objects.values().get(pk=99) == {**before, "id": 99}
    assert not Machine.objects.filter(pk=7).exists()


def test_the_database_finds_nothing_that_points_nowhere(history):
    renumber(7, 99)
    connection.check_constraints()


def test_a_number_that_has_become_free_can_be_given_again(history, laser_type):
    renumber(7, 99)
    Machine.objects.create(id=7, name="Another", type=laser_type)
    assert Use.objects.filter(machine_id=7).count() == 0


def test_a_machine_can_move_back(history):
    before = rows_by_machine(7)
    renumber(7, 99)
    renumber(99, 7)
    assert rows_by_machine(7) == before


def test_what_moves_is_counted_beforehand(history):
    counts = dict(what_moves(7))
    assert (counts["uses"], counts["taps"], counts["downtimes"]) == (2, 1, 1)
    assert "changes" not in counts


def test_hundreds_of_uses_need_as_few_queries_as_one(history, django_assert_num_queries, make_use, laser):
    with patch.object(renumbering, "post_save"):
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as few:
            renumber(7, 99)
        for number in range(30):
            make_use(Machine.objects.get(pk=99), 60, hours_ago=20 + number)
        with django_assert_num_queries(len(few)):
            renumber(99, 7)


# ---- the log ---------------------------------------------------------------------------------------------------------


def history_of(number):
    return [
        sentences(change, sees_people=True)[-1]
        for change in Change.objects.filter(content_type__model="machine", object_id=str(number)).order_by("pk")
    ]


def test_the_log_tells_both_numbers_and_who_did_it(history, dora):
    renumber(7, 99, by=dora.pk)
    assert history_of(99) == ["Number: 7 → 99"]
    assert Change.objects.get().member == dora


def test_what_was_changed_before_is_read_under_the_new_number(history, dora):
    note(dora.pk, history, Change.Kind.CHANGED, said("Oiled it"))
    assert dict(what_moves(7))["changes"] == 1
    renumber(7, 99)
    assert history_of(99) == ["Oiled it", "Number: 7 → 99"]
    assert history_of(7) == []


def test_what_was_changed_at_an_earlier_machine_of_that_number_stays(history, dora):
    note(dora.pk, history, Change.Kind.CHANGED, said("Of the old laser"))
    note(dora.pk, history, Change.Kind.DELETED, said("The old laser went"))
    note(dora.pk, history, Change.Kind.ADDED, said("Of the new laser"))
    renumber(7, 99)
    assert history_of(7) == ["Of the old laser", "The old laser went"]
    assert history_of(99) == ["Of the new laser", "Number: 7 → 99"]


def test_what_was_changed_at_other_things_of_that_number_stays(history, dora, ada):
    from members.models import Card

    card = Card.objects.create(pk=7, uid="77777777", member=ada)
    note(dora.pk, card, Change.Kind.CHANGED, said("A card"))
    renumber(7, 99)
    assert Change.objects.get(content_type__model="card").object_id == "7"


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, -1, 65536, 70000])
def test_a_number_no_board_can_have_is_refused(history, number):
    assert "65535" in refusal(7, number) or "1" in refusal(7, number)
    assert Machine.objects.filter(pk=7).exists()


def test_a_number_of_another_machine_is_refused_and_said_whose(history):
    assert refusal(7, 12) == "This number belongs to Printer (12)."
    assert rows_by_machine(12)["Use.machine"] == 1


def test_its_own_number_is_refused(history):
    assert refusal(7, 7) == "This number belongs to Laser (7)."


def test_a_machine_in_use_keeps_its_number(history, odometer):
    usage.start(7, Who(UIDS["ada"]), NOW)
    assert "in use" in refusal(7, 99)
    usage.stop(7, Who(UIDS["ada"]), 600, NOW + timedelta(seconds=600))
    assert odometer(7) == 6000


def test_a_machine_that_is_gone_is_refused(db):
    assert "does not exist" in refusal(7, 99)


def test_a_number_taken_at_the_same_moment_is_refused_and_nothing_moves(history):
    with patch.object(renumbering, "_check"):
        assert refusal(7, 12) == "This number belongs to Printer (12)."
    assert rows_by_machine(7)["Use.machine"] == 2
    assert Change.objects.count() == 0


# ---- who hears of it -------------------------------------------------------------------------------------------------


def test_the_worker_and_the_pages_are_told(history, django_capture_on_commit_callbacks):
    with patch.object(nudge, "nudge") as told, django_capture_on_commit_callbacks(execute=True):
        renumber(7, 99)
    assert told.called


def test_the_status_of_the_old_number_is_cleared_and_the_new_one_published(history):
    retained = {}
    publisher = StatusPublisher(lambda topic, payload, retain: retained.update({topic: payload}), LastHeard())
    publisher.sweep(NOW)
    renumber(7, 99)
    publisher.sweep(NOW)
    assert retained["fabomatic/status/7"] == b""
    assert b'"id":99' in retained["fabomatic/status/99"]


def test_a_silence_that_goes_on_is_noted_once(history):
    from telemetry.downtimes import Downtimes
    from telemetry.status import snapshot

    Machine.objects.filter(pk=7).update(last_seen_at=NOW - timedelta(hours=1))
    noted = Downtimes()
    noted.compare(snapshot(NOW), NOW)
    renumber(7, 99)
    for seconds in (3, 6):
        now = NOW + timedelta(seconds=seconds)
        noted.compare(snapshot(now), now)
        noted.write()
    assert list(Downtime.objects.values_list("machine_id", "ended_at")) == [(99, None)]


# ---- at the same moment ----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_use_that_ends_meanwhile_waits_and_is_neither_lost_nor_counted_twice(laser, make_use, odometer):
    """A board reports a whole use while the number changes: recorded before, or refused; never half."""
    make_use(laser, 600)
    begun, heard = threading.Event(), []
    check = renumbering._check

    def slowly(old, new):
        check(old, new)
        begun.set()
        worker.join(timeout=0.5)
        assert not heard, "what the board reports has to wait"

    def report():
        begun.wait(timeout=5)
        try:
            usage.stop(7, Who(UIDS["ada"]), 300, NOW)
            heard.append("recorded")
        except Exception as error:
            heard.append(type(error).__name__)
        finally:
            connection.close()

    worker = threading.Thread(target=report)
    worker.start()
    with patch.object(renumbering, "_check", slowly):
        renumber(7, 99)
    worker.join(timeout=10)
    assert heard == ["IntegrityError"]
    totals = Use.objects.values_list("machine_id").annotate(Count("pk"))
    assert (list(totals), odometer(99)) == ([(99, 1)], 600)


# ---- suggestions -----------------------------------------------------------------------------------------------------


def test_the_lowest_free_number_from_2_on_is_suggested(laser_type):
    assert lowest_free_number() == 2
    for number in (1, 2, 3, 5):
        Machine.objects.create(id=number, name="M", type=laser_type)
    assert lowest_free_number() == 4
