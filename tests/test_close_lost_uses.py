"""`manage.py close_lost_uses`: what the worker does about silent boards, on cron as well."""

import threading
from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection, connections

from fabomatic.models import Run
from machines import usage
from machines.models import Machine, Use
from machines.usage import Recorded, Who
from telemetry import nudge
from telemetry.outbox import NotPublished
from tests.conftest import NOW, UIDS

ADA = UIDS["ada"]
HOUR = timedelta(hours=1)
YEAR = timedelta(days=365)


@pytest.fixture(autouse=True)
def nudges(monkeypatch):
    told = []
    monkeypatch.setattr(nudge, "publish_once", lambda topic, payload: told.append(topic))
    return told


@pytest.fixture
def run(capsys):
    def close(at=NOW, **options):
        with time_machine.travel(at, tick=False):
            call_command("close_lost_uses", **options)
        return capsys.readouterr().out

    return close


@pytest.fixture
def silent_laser(laser, ada):
    """Ada started two hours ago, and her board was heard for ten minutes."""
    usage.start(7, Who(ADA, ada.pk), NOW - 2 * HOUR)
    usage.sign_of_life(7, Who(ADA, ada.pk), 600, NOW - 2 * HOUR + timedelta(minutes=10))
    return laser


@pytest.mark.django_db
def test_a_lost_use_ends_at_its_last_sign_of_life_and_its_machine_is_named(silent_laser, run, odometer):
    assert run() == "1 use without a sign of life was closed: machine 7.\n"
    assert (Use.objects.get().duration, Use.objects.get().end_reason) == (600, "lost")
    assert odometer(silent_laser) == 600


@pytest.mark.django_db
def test_the_worker_is_told_so_that_screens_show_it(silent_laser, run, nudges):
    run()
    assert nudges == ["fabomatic/nudge"]


@pytest.mark.django_db
def test_with_nothing_lost_nobody_is_told(laser, ada, run, nudges):
    usage.start(7, Who(ADA, ada.pk), NOW - HOUR / 2)
    assert run() == "No use was lost.\n"
    assert nudges == []
    assert Use.objects.get().ended_at is None


@pytest.mark.django_db
def test_a_broker_that_is_away_is_no_failure(silent_laser, run, monkeypatch):
    def refuse(topic, payload):
        raise NotPublished("No broker answers.")

    monkeypatch.setattr(nudge, "publish_once", refuse)
    assert "machine 7" in run()


@pytest.mark.django_db
def test_the_system_page_is_told_and_names_nobody(silent_laser, run):
    run(scheduled=True)
    noted = Run.objects.get(kind=Run.Kind.LOST_USES)
    assert noted.is_ok
    assert "machine 7" in noted.text
    assert "Ada" not in noted.text
    assert ADA not in noted.text


@pytest.mark.django_db
def test_an_hour_in_which_nothing_was_lost_is_no_line_of_the_log(laser, ada, run, caplog):
    with caplog.at_level("INFO"):
        for hour in range(3):
            assert run(NOW + hour * HOUR, scheduled=True) == ""
    assert caplog.text == ""
    assert Run.objects.filter(kind=Run.Kind.LOST_USES).count() == 1, "once a day: that it still runs"


@pytest.mark.django_db
def test_many_machines_are_counted_and_not_all_named(laser_type, ada, run):
    for number in range(100, 140):
        Machine.objects.create(id=number, name="Saw", type=laser_type)
        usage.start(number, Who(ADA, ada.pk), NOW - 2 * HOUR)
    said = run()
    assert said.startswith("40 uses without a sign of life were closed: machines 100, 101, ")
    assert said.endswith("129, ….\n")


# ---- while the worker was away ---------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_print_of_which_nobody_heard_for_hours_runs_again_when_its_board_reports(silent_laser, ada, run, odometer):
    run(NOW + 5 * HOUR)
    assert odometer(silent_laser) == 600
    reported = usage.sign_of_life(7, Who(ADA, ada.pk), 7 * 3600 + 60, NOW + 5 * HOUR + timedelta(seconds=60))
    assert reported is Recorded.KNOWN
    assert Use.objects.get().ended_at is None
    assert odometer(silent_laser) == 0
    usage.stop(7, Who(ADA, ada.pk), 8 * 3600, NOW + 6 * HOUR)
    assert odometer(silent_laser) == 8 * 3600
    assert Use.objects.count() == 1


@pytest.mark.django_db
def test_a_print_that_ended_meanwhile_ends_once_and_whole(silent_laser, ada, run, odometer):
    run(NOW + 5 * HOUR)
    usage.stop(7, Who(ADA, ada.pk), 3 * 3600, NOW + 5 * HOUR, is_replay=True)
    assert Use.objects.count() == 1
    assert odometer(silent_laser) == 3 * 3600


# ---- a clock that is wrong -------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_clock_set_back_a_year_closes_nothing(silent_laser, run):
    assert run(NOW - YEAR) == "No use was lost.\n"
    assert Use.objects.get().ended_at is None


@pytest.mark.django_db
def test_a_clock_a_year_ahead_costs_no_hours_once_it_is_right_again(laser, ada, run, odometer):
    usage.start(7, Who(ADA, ada.pk), NOW - timedelta(minutes=20))
    usage.sign_of_life(7, Who(ADA, ada.pk), 1190, NOW - timedelta(seconds=10))
    run(NOW + YEAR)
    closed = Use.objects.get()
    assert (closed.ended_at, closed.duration) == (NOW - timedelta(seconds=10), 1190), "no hour that nobody used"
    usage.sign_of_life(7, Who(ADA, ada.pk), 1220, NOW + timedelta(seconds=20))
    assert Use.objects.get().ended_at is None
    usage.stop(7, Who(ADA, ada.pk), 1800, NOW + timedelta(minutes=10))
    assert (Use.objects.count(), odometer(laser)) == (1, 1800)


# ---- beside the worker -----------------------------------------------------------------------------------------------


def in_threads(*deeds):
    """Each with a connection of its own, as in two processes, and all at once."""
    together, errors = threading.Barrier(len(deeds)), []

    def do(deed):
        try:
            together.wait(timeout=10)
            deed()
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=do, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert errors == []


@pytest.mark.django_db(transaction=True)
def test_command_and_worker_closing_at_once_count_no_hour_twice(laser_type, make_member, true_odometer, odometer):
    ada = make_member("Ada", ADA)
    numbers = range(100, 130)
    for number in numbers:
        Machine.objects.create(id=number, name="Saw", type=laser_type)
        usage.start(number, Who(ADA, ada.pk), NOW - 2 * HOUR)
        usage.sign_of_life(number, Who(ADA, ada.pk), 600, NOW - 2 * HOUR + timedelta(minutes=10))
    closed = []
    in_threads(*[lambda: closed.extend(usage.close_lost(NOW))] * 2)
    assert sorted(closed) == list(numbers), "each by one of them"
    for number in numbers:
        assert odometer(number) == true_odometer(number) == 600


@pytest.mark.django_db(transaction=True)
def test_a_board_that_reports_while_the_command_closes_loses_nothing(laser, make_member, true_odometer, odometer):
    """Whoever comes first: closed and resumed, or not closed at all."""
    ada = Who(ADA, make_member("Ada", ADA).pk)
    for turn in range(20):
        Use.objects.all().delete()
        usage.start(7, ada, NOW - 2 * HOUR)
        in_threads(
            lambda: usage.close_lost(NOW),
            lambda: usage.sign_of_life(7, ada, 2 * 3600, NOW),
        )
        use = Use.objects.get()
        assert use.ended_at is None, f"turn {turn}"
        assert use.last_seen_at == NOW
        assert odometer(laser) == true_odometer(laser) == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'sqlite'")
def test_it_waits_for_a_writer_instead_of_failing(laser, make_member, run):
    ada = Who(ADA, make_member("Ada", ADA).pk)
    usage.start(7, ada, NOW - 2 * HOUR)
    is_held = threading.Event()
    is_done = threading.Event()

    def hold():
        with connection.cursor() as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            is_held.set()
            is_done.wait(timeout=0.3)
            cursor.execute("COMMIT")
        connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    assert is_held.wait(timeout=5)
    assert "machine 7" in run()
    holder.join()
