"""`manage.py check_hours`: whether odometers agree with their uses, and how those that do not are mended."""

import threading
from datetime import timedelta
from itertools import count

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, connections
from django.db.models import F
from hypothesis import given, settings
from hypothesis import strategies as st

from fabomatic.management.commands.check_hours import in_hours
from fabomatic.models import Run
from machines import hours_check, usage
from machines.models import Intervention, Machine, MaintenancePlan, Use
from machines.usage import Who
from members.changes import sentences
from members.models import Change
from telemetry import nudge
from tests.conftest import NOW, UIDS
from tests.test_usage_properties import HOUR, Lab, backward, forward, messages, rolled_back

ADA = UIDS["ada"]


@pytest.fixture(autouse=True)
def nudges(monkeypatch):
    told = []
    monkeypatch.setattr(nudge, "publish_once", lambda topic, payload: told.append(topic))
    return told


@pytest.fixture
def run(capsys):
    def check(**options):
        try:
            call_command("check_hours", **options)
        except CommandError as error:
            return f"{capsys.readouterr().out}FAILED {error}"
        return capsys.readouterr().out

    return check


@pytest.fixture
def used_laser(laser, ada, make_use):
    """1:40:00 before it came here, 0:30:00 since."""
    laser.initial_seconds = 6000
    laser.save()
    for hours_ago in (2, 5, 9):
        make_use(laser, 600, hours_ago=hours_ago)
    return laser


def plant(machine, difference):
    """What some other program, or a fault of ours, might do."""
    Machine.objects.filter(pk=machine.pk).update(seconds_used=F("seconds_used") + difference)


# ---- what is found ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_odometers_that_agree_are_said_to(used_laser, printer, run):
    assert run() == "All odometers agree with their uses.\n"
    assert Run.objects.get(kind=Run.Kind.HOURS).is_ok


@pytest.mark.django_db
def test_one_that_differs_is_told_with_both_values_and_fails(used_laser, printer, run, odometer):
    plant(used_laser, 3605)
    assert run() == (
        "Laser (7) shows 3:10:05, its uses add up to 2:10:00: -1:00:05.\n"
        "FAILED 1 odometer differs from its uses: machine 7. `check_hours --mend` corrects this."
    )
    assert odometer(used_laser) == 7800 + 3605, "only looked at"
    assert not Run.objects.get(kind=Run.Kind.HOURS).is_ok


@pytest.mark.django_db
def test_only_the_machine_asked_for_is_looked_at(used_laser, printer, run):
    plant(used_laser, 5)
    assert run(machine=12) == "All odometers agree with their uses.\n"
    assert "machine 7" in run(machine=7)
    assert run(machine=99) == "FAILED There is no machine 99."


@pytest.mark.django_db
def test_a_running_use_counts_nothing_yet(used_laser, ada, run):
    usage.start(7, Who(ADA, ada.pk), NOW)
    usage.sign_of_life(7, Who(ADA, ada.pk), 300, NOW + timedelta(seconds=300))
    assert run() == "All odometers agree with their uses.\n"


@pytest.mark.django_db
def test_a_plan_read_off_ahead_of_its_machine_is_found_and_put_right(used_laser, make_plan, run):
    plan = make_plan(used_laser, reading_at_last_work=9000)
    Intervention.objects.create(plan=plan, at=NOW, reading=9000)
    assert run() == (
        "FAILED Plans or interventions were read off further than the odometer has come: machines 7."
        " `check_hours --mend` corrects this."
    )
    assert "Machine 7: readings above its odometer" in run(mend=True)
    assert MaintenancePlan.objects.get().reading_at_last_work == 7800
    assert MaintenancePlan.objects.get().base_reading == 7800
    assert Intervention.objects.get().reading == 7800
    assert run() == "All odometers agree with their uses.\n"


@pytest.mark.django_db
def test_what_was_read_off_before_a_lost_use_ran_again_is_left_alone(used_laser, ada, make_plan, run):
    """Its hours are given back only until it ends."""
    card = Who(ADA, ada.pk)
    usage.start(7, card, NOW)
    usage.sign_of_life(7, card, 600, NOW + timedelta(seconds=600))
    usage.close_lost(NOW + timedelta(hours=2))
    plan = make_plan(used_laser)
    Intervention.objects.create(plan=plan, at=NOW + timedelta(hours=2))
    usage.sign_of_life(7, card, 3 * HOUR, NOW + timedelta(hours=3))
    assert Machine.objects.get(pk=7).seconds_used < Intervention.objects.get().reading
    assert run(mend=True) == "All odometers agree with their uses.\n"
    assert Intervention.objects.get().reading == 8400


@pytest.mark.django_db
@pytest.mark.skipif("connection.vendor != 'sqlite'")
@pytest.mark.parametrize("fault", ["duration = 601", "ended_at = NULL, end_reason = ''", "duration = NULL"])
def test_uses_that_the_database_forbids_are_found_and_named(used_laser, run, fault):
    odd = Use.objects.order_by("pk").first().pk
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints = ON")
        cursor.execute(f"UPDATE machines_use SET {fault} WHERE id = %s", [odd])
        cursor.execute("PRAGMA ignore_check_constraints = OFF")
    assert f"Uses whose duration is not their end minus their start: {odd}." in run()
    assert hours_check.odd_uses(7) == [odd]


# ---- what is mended --------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("difference", [1, -1, 3600, -7800, 10**9])
def test_a_planted_difference_is_mended_exactly(used_laser, run, odometer, difference, nudges):
    plant(used_laser, difference)
    assert "1 odometer was mended: machine 7." in run(mend=True)
    assert odometer(used_laser) == 7800
    assert nudges == ["fabomatic/nudge"]
    assert run() == "All odometers agree with their uses.\n"


@pytest.mark.django_db
def test_readings_above_the_mended_odometer_are_put_to_it(used_laser, make_plan, run):
    plant(used_laser, 100_000)
    plan = make_plan(used_laser, reading_at_last_work=107_000)
    Intervention.objects.create(plan=plan, at=NOW, reading=107_500)
    run(mend=True)
    plan.refresh_from_db()
    assert (plan.reading_at_last_work, plan.base_reading) == (7800, 7800)
    assert Intervention.objects.get().reading == 7800


@pytest.mark.django_db
def test_the_log_of_changes_keeps_old_and_new_value_and_no_author(used_laser, run):
    plant(used_laser, 200)
    run(mend=True)
    change = Change.objects.get(object_id="7")
    assert change.member is None
    assert sentences(change, sees_people=False) == ["Odometer mended", "Odometer, seconds: 8000 → 7800"]


@pytest.mark.django_db
def test_what_changes_while_it_is_measured_is_not_touched(used_laser, run, odometer):
    plant(used_laser, 200)
    found = hours_check.differing()
    plant(used_laser, 50)
    assert hours_check.mend(found[0]) is None
    assert odometer(used_laser) == 8050


@pytest.mark.django_db
def test_what_cron_started_goes_to_the_log_and_names_only_machines(used_laser, run, caplog):
    plant(used_laser, 200)
    assert run(scheduled=True).startswith("FAILED")
    assert "Laser (7) shows 2:13:20, its uses add up to 2:10:00: -0:03:20." in caplog.text


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0:00:00"), (59, "0:00:59"), (-3605, "-1:00:05"), (3600 * 12345 + 61, "12345:01:01")]
)
def test_hours_are_said_as_people_read_them(seconds, said):
    assert in_hours(seconds) == said


# ---- any history -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@given(st.lists(st.tuples(forward | backward, messages), max_size=14), st.integers(-5000, 10**6))
@settings(max_examples=150)
def test_no_history_differs_and_what_is_planted_is_mended(used_laser, steps, difference):
    with rolled_back():
        lab = Lab()
        for seconds, message in steps:
            lab.move(seconds)
            lab.do(*message)
        assert hours_check.differing() == []
        assert hours_check.odd_uses() == []
        true = Machine.objects.get(pk=7).seconds_used
        plant(used_laser, difference)
        found = hours_check.differing()
        assert [machine.difference for machine in found] == ([-difference] if difference else [])
        for machine in found:
            hours_check.mend(machine)
        assert Machine.objects.get(pk=7).seconds_used == true


def as_often_as_it_takes(write):
    """As the worker does: on a busy machine somebody else may hold SQLite for longer than it waits by itself."""
    while True:
        try:
            return write()
        except OperationalError:
            connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_it_is_mended_exactly_while_somebody_uses_the_machine(laser, make_member, odometer, true_odometer):
    ada = Who(ADA, make_member("Ada", ADA).pk)
    is_over, used = threading.Event(), []

    def use_it():
        for number in count():
            if is_over.wait(0.002):  # others have to come to their turn, too
                break
            as_often_as_it_takes(lambda number=number: usage.stop(7, ada, 60 + number, NOW + timedelta(hours=number)))
            used.append(60 + number)
        connections.close_all()

    board = threading.Thread(target=use_it)
    board.start()
    try:
        for difference in (3600, -40, 10**6, 7):
            before = len(used)
            while len(used) < before + 3:
                assert board.is_alive(), "nobody uses it any more"
                board.join(0.002)
            plant(laser, difference)
            found = hours_check.differing()
            assert [machine.difference for machine in found] == [-difference]
            assert as_often_as_it_takes(lambda wrong=found[0]: hours_check.mend(wrong)) is not None
    finally:
        is_over.set()
        board.join(timeout=30)
    assert len(used) > 10
    assert odometer(laser) == true_odometer(laser) == sum(used)
