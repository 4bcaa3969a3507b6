"""Uses, interventions and taps lose who it was in time; hours, counts and outcomes stay to the second."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from machines.models import EndReason, Intervention, Machine, Use
from telemetry.models import Tap
from tests.conftest import NOW, UNKNOWN_UID
from tests.purging import CUTOFF, MONTH, SECOND, YEAR, exact_things, names, purged, tap, use_ended, would_purge

pytestmark = pytest.mark.django_db


def who(use):
    return Use.objects.values_list("member", "card_uid", "note").get(pk=use.pk)


def whose(tapped):
    return Tap.objects.values_list("member", "card", "uid").get(pk=tapped.pk)


# ---- uses ------------------------------------------------------------------------------------------------------------


def test_an_old_use_loses_member_card_and_note(laser, ada):
    old = use_ended(laser, CUTOFF - SECOND, member=ada, card_uid=ada.uid, note="Ada broke the lens")
    assert purged() == {"uses made anonymous": 1}
    assert who(old) == (None, "", "")


def test_a_use_that_ended_at_the_cutoff_or_later_is_left_alone(laser, ada):
    at = [use_ended(laser, CUTOFF + late, member=ada, card_uid=ada.uid) for late in (SECOND * 0, SECOND * 700)]
    assert purged() == {}
    assert {who(use) for use in at} == {(ada.pk, ada.uid, "")}


def test_a_use_that_began_before_the_cutoff_and_ended_after_it_is_left_alone(laser, ada):
    use = use_ended(laser, CUTOFF + SECOND, 3600, member=ada, card_uid=ada.uid)
    purged()
    assert who(use)[0] == ada.pk


def test_a_running_use_keeps_its_card_however_old(laser, ada):
    at = CUTOFF - YEAR
    use = Use.objects.create(machine=laser, started_at=at, member=ada, card_uid=ada.uid)
    assert purged() == {}
    assert who(use) == (ada.pk, ada.uid, "")


def test_the_card_of_a_stranger_goes_with_the_age_of_uses(laser):
    old, young = (use_ended(laser, CUTOFF + late, card_uid=UNKNOWN_UID) for late in (-SECOND, SECOND * 900))
    assert purged() == {"uses made anonymous": 1}
    assert (who(old)[1], who(young)[1]) == ("", UNKNOWN_UID)


def test_what_is_recorded_in_the_future_is_left_alone(laser, ada):
    use = use_ended(laser, NOW + YEAR, member=ada, card_uid=ada.uid)
    tapped = tap(laser, NOW + YEAR, ada)
    assert purged() == {}
    assert who(use)[0] == whose(tapped)[0] == ada.pk


def test_a_use_that_its_board_may_bring_again_keeps_its_card_for_a_month(laser, printer, ada):
    """With few days only: the stop of a use that we closed comes up to 30 days later, and would count twice."""
    at = NOW - timedelta(days=3)
    earlier = use_ended(laser, at - timedelta(hours=2), member=ada, card_uid=ada.uid)
    last = use_ended(laser, at, member=ada, card_uid=ada.uid, end_reason=EndReason.LOST)
    long_ago = use_ended(printer, NOW - timedelta(days=40), member=ada, card_uid=ada.uid)
    assert purged(days=1) == {"uses made anonymous": 2}
    assert [who(use)[1] for use in (earlier, last, long_ago)] == ["", ada.uid, ""]


# ---- interventions ---------------------------------------------------------------------------------------------------


def test_an_old_intervention_loses_its_member_and_keeps_what_was_done(laser, carla, make_plan):
    plan = make_plan(laser)
    old, young = (
        Intervention.objects.create(plan=plan, member=carla, at=CUTOFF + late, note="new lens")
        for late in (-SECOND, SECOND * 0)
    )
    before = exact_things()
    assert purged() == {"interventions made anonymous": 1}
    assert list(Intervention.objects.order_by("at").values_list("pk", "member", "note")) == [
        (old.pk, None, "new lens"),
        (young.pk, carla.pk, "new lens"),
    ]
    assert exact_things() == before


# ---- taps ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["granted", "not_authorized", "lost_card", "machine_blocked", "unanswered"])
def test_an_old_tap_loses_member_card_and_number(laser, ada, outcome):
    old, young = (tap(laser, CUTOFF + late, ada, outcome=outcome) for late in (-SECOND, SECOND * 0))
    assert purged() == {"taps made anonymous": 1}
    assert whose(old) == (None, None, "")
    assert whose(young) == (ada.pk, ada.cards.get().pk, ada.uid)


def test_taps_of_unknown_cards_go_after_a_month(laser):
    _old, young = (
        tap(laser, NOW - MONTH + late, uid=UNKNOWN_UID, outcome="unknown_card") for late in (-SECOND, SECOND * 0)
    )
    assert purged() == {"taps of unknown cards deleted": 1}
    assert list(Tap.objects.all()) == [young]


def test_a_strangers_number_is_kept_no_longer_where_something_else_refused_it(laser):
    """Nobody looked whose card it was while two boards spoke for the machine."""
    old, young = (
        tap(laser, NOW - MONTH + late, uid=UNKNOWN_UID, outcome="board_conflict") for late in (-SECOND, SECOND * 0)
    )
    assert purged() == {"taps made anonymous": 1}
    assert (whose(old)[2], whose(young)[2]) == ("", UNKNOWN_UID)


def test_unknown_cards_that_are_kept_longer_than_names_lose_their_number_first(laser):
    tapped = tap(laser, NOW - timedelta(days=20), uid=UNKNOWN_UID, outcome="unknown_card")
    assert purged(days=10) == {"taps made anonymous": 1}
    assert whose(tapped)[2] == ""


# ---- all together ----------------------------------------------------------------------------------------------------


@pytest.fixture
def history(laser, printer, ada, bruno, carla, make_plan):
    plan = make_plan(laser)
    for number in range(40):
        at = NOW - timedelta(days=20 * number, seconds=number)
        who = (ada, bruno, None)[number % 3]
        of = {"member": who, "card_uid": who.uid} if who else {"card_uid": UNKNOWN_UID}
        use_ended((laser, printer)[number % 2], at, 60 + number, **of)
        tap(laser, at, who, **({} if who else {"uid": UNKNOWN_UID, "outcome": "unknown_card"}))
        Intervention.objects.create(plan=plan, member=carla, at=at)


def test_hours_counts_and_outcomes_stay_exact(history, true_odometer, odometer):
    before = exact_things()
    found = purged()
    after = exact_things()
    gone = found["taps of unknown cards deleted"]
    assert len(before["taps"]) - len(after["taps"]) == gone == 13
    assert set(after.pop("taps")) < set(before.pop("taps"))
    assert after == before
    assert all(odometer(machine) == true_odometer(machine) for machine in Machine.objects.all())


def test_a_second_purge_finds_nothing(history):
    assert purged() != {}
    before = names()
    assert purged() == {}
    assert names() == before


def test_a_dry_run_counts_the_same_and_writes_nothing(history):
    before = (exact_things(), names())
    with CaptureQueriesContext(connection) as queries:
        expected = would_purge()
    verbs = {query["sql"].split()[0] for query in queries}
    assert verbs == {"SELECT"}
    assert (exact_things(), names()) == before
    assert expected == purged()


@given(st.lists(st.tuples(st.integers(0, 800), st.integers(0, 9000), st.booleans()), max_size=12), st.integers(1, 700))
def test_whatever_the_history_no_odometer_moves_and_nothing_younger_is_touched(laser, ada, uses, days):
    Use.objects.all().delete()
    for days_ago, seconds, is_hers in uses:
        hers = {"member": ada, "card_uid": ada.uid} if is_hers else {"card_uid": UNKNOWN_UID}
        use_ended(laser, NOW - timedelta(days=days_ago, hours=1), seconds, **hers)
    before = exact_things()
    young = Use.objects.filter(ended_at__gte=NOW - timedelta(days=days))
    kept = list(young.order_by("pk").values_list("pk", "member", "card_uid"))
    purged(days=days)
    assert exact_things() == before
    assert list(young.order_by("pk").values_list("pk", "member", "card_uid")) == kept
    old = Use.objects.filter(ended_at__lt=NOW - timedelta(days=max(days, 61)))
    assert set(old.values_list("member", "card_uid", "note")) <= {(None, "", "")}
