"""Taps and signs of life wait in memory until they are written together."""

from datetime import timedelta

import pytest
from django.db import OperationalError

from machines.access import Outcome
from machines.models import Machine
from members.models import Card
from telemetry.collected import LastHeard, TapNote, Taps
from telemetry.models import Tap
from tests.at_the_desk import database_fails
from tests.conftest import NOW, UIDS, UNKNOWN_UID

pytestmark = pytest.mark.django_db


def note(machine_id=7, uid=UNKNOWN_UID, outcome=Outcome.UNKNOWN_CARD, at=NOW, **more):
    return TapNote(at, machine_id, uid, outcome, **more)


@pytest.fixture
def taps(laser):
    return Taps()


def test_a_tap_is_written_when_told_and_not_before(taps):
    taps.note(note())
    assert not Tap.objects.exists()
    assert taps.write() == 1
    tap = Tap.objects.get()
    assert (tap.at, tap.machine_id, tap.uid, tap.outcome) == (NOW, 7, UNKNOWN_UID, "unknown_card")


def test_a_tap_is_written_once(taps):
    taps.note(note())
    taps.write()
    assert taps.write() == 0
    assert Tap.objects.count() == 1


def test_a_tap_keeps_the_card_and_who_held_it(taps, ada):
    taps.note(note(uid=ada.uid, outcome=Outcome.GRANTED, level=1, card_id=ada.cards.get().pk))
    taps.write()
    tap = Tap.objects.get()
    assert (tap.member, tap.card.uid, tap.level) == (ada, ada.uid, 1)


def test_a_card_deleted_meanwhile_is_left_out(taps, ada):
    taps.note(note(uid=ada.uid, outcome=Outcome.GRANTED, card_id=ada.cards.get().pk))
    Card.objects.all().delete()
    taps.write()
    assert Tap.objects.get().member is None


def test_a_tap_at_a_machine_deleted_meanwhile_is_dropped(taps, laser, printer):
    taps.note(note(7))
    taps.note(note(12))
    laser.delete()
    taps.write()
    assert [tap.machine_id for tap in Tap.objects.all()] == [12]
    assert len(taps) == 0


def test_a_tap_says_that_the_machine_was_blocked(taps, laser):
    laser.is_blocked = True
    laser.save()
    taps.note(note())
    taps.write()
    assert Tap.objects.get().is_machine_blocked is True


def test_a_tap_says_that_maintenance_was_due(taps, laser, make_plan):
    make_plan(laser, days_between=1, last_work_at=NOW - timedelta(days=2))
    taps.note(note())
    taps.write()
    assert Tap.objects.get().is_maintenance_due is True


def test_a_tap_at_a_machine_in_order_says_so(taps, laser, make_plan):
    make_plan(laser)
    taps.note(note())
    taps.write()
    tap = Tap.objects.get()
    assert (tap.is_machine_blocked, tap.is_maintenance_due) == (False, False)


def test_what_could_not_be_written_is_written_next_time(taps):
    taps.note(note())
    with database_fails(), pytest.raises(OperationalError):
        taps.write()
    taps.note(note(at=NOW + timedelta(seconds=1)))
    assert taps.write() == 2
    assert Tap.objects.count() == 2


def test_a_machine_has_its_share_of_a_minute_and_then_another(taps):
    kept = [taps.note(note(at=NOW + timedelta(seconds=second / 100))) for second in range(200)]
    assert kept.count(True) == 60
    assert taps.note(note(at=NOW + timedelta(seconds=61))) is True


def test_the_share_is_of_each_minute_also_in_a_long_flood(taps):
    for second in range(600):
        taps.note(note(at=NOW + timedelta(seconds=second / 2)))
    taps.write()
    assert Tap.objects.count() <= 5 * 60


def test_memory_is_bounded_while_the_database_is_away(taps):
    for number in range(5000):
        taps.note(note(machine_id=number % 1000 + 1, at=NOW + timedelta(seconds=number)))
    assert len(taps) <= 2000


def test_many_machines_at_once_are_written_with_few_queries(taps, printer, django_assert_max_num_queries):
    for number in range(50):
        taps.note(note(machine_id=7 if number % 2 else 12))
    with django_assert_max_num_queries(10):
        taps.write()


# ---- last heard ------------------------------------------------------------------------------------------------------


def seen(machine):
    return Machine.objects.values_list("last_seen_at", flat=True).get(pk=machine.pk)


def test_a_sign_of_life_is_written_when_told(laser):
    heard = LastHeard()
    assert heard.note(7, NOW) is None
    assert seen(laser) is None
    heard.write()
    assert seen(laser) == NOW


def test_the_last_of_many_is_written(laser):
    heard = LastHeard()
    for second in range(5):
        heard.note(7, NOW + timedelta(seconds=second))
    heard.write()
    assert seen(laser) == NOW + timedelta(seconds=4)


def test_what_was_written_is_not_written_again(laser, django_assert_num_queries):
    heard = LastHeard()
    heard.note(7, NOW)
    heard.write()
    with django_assert_num_queries(0):
        heard.write()


def test_a_sign_of_life_that_could_not_be_written_is_written_next_time(laser):
    heard = LastHeard()
    heard.note(7, NOW)
    with database_fails(), pytest.raises(OperationalError):
        heard.write()
    heard.write()
    assert seen(laser) == NOW


def test_a_machine_deleted_meanwhile_harms_nobody(laser, printer):
    heard = LastHeard()
    heard.note(7, NOW)
    heard.note(12, NOW)
    laser.delete()
    heard.write()
    assert seen(printer) == NOW


def test_after_a_start_it_knows_what_the_database_knew(laser, printer):
    Machine.objects.filter(pk=7).update(last_seen_at=NOW)
    heard = LastHeard()
    heard.load()
    assert heard.at == {7: NOW}


def test_loading_does_not_overwrite_what_was_heard_since(laser):
    Machine.objects.filter(pk=7).update(last_seen_at=NOW)
    heard = LastHeard()
    heard.note(7, NOW + timedelta(seconds=5))
    heard.load()
    assert heard.at[7] == NOW + timedelta(seconds=5)


def test_the_odometer_is_left_alone(laser, make_use, odometer):
    heard = LastHeard()
    heard.note(7, NOW)
    make_use(laser, 600)
    heard.write()
    assert odometer(laser) == 600


def test_the_cards_number_is_kept_as_the_board_sent_it(taps):
    taps.note(note(uid=UIDS["ada"]))
    taps.write()
    assert Tap.objects.get().uid == UIDS["ada"]


def test_a_crowd_of_taps_is_written_some_hundred_at_a_time(taps, printer, monkeypatch):
    monkeypatch.setattr("telemetry.collected.TAPS_AT_ONCE", 10)
    for _tap in range(25):
        taps.note(note(machine_id=12))
    assert (taps.write(), len(taps), Tap.objects.count()) == (25, 0, 25)
