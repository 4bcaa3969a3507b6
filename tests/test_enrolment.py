"""Whose card is meant: the rule of the half minute, and the list of unknown cards."""

from datetime import datetime, timedelta

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from machines.access import Outcome
from machines.models import Machine
from members.models import Card, Member
from telemetry.enrolment import (
    LASTS,
    Result,
    Window,
    judge,
    look,
    refusal,
    revision,
    token_for,
    unknown_cards,
)
from telemetry.models import Tap
from tests.at_the_desk import Lab
from tests.conftest import NOW, UNKNOWN_UID

OTHER_UID = "cafe0001"


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
def tapped(laser):
    def tap(seconds: float, uid: str = UNKNOWN_UID, outcome: Outcome = Outcome.UNKNOWN_CARD, machine=None) -> Tap:
        return Tap.objects.create(at=after(seconds), machine=machine or laser, uid=uid, outcome=outcome)

    return tap


@pytest.fixture
def window(laser) -> Window:
    return Window(laser.pk, NOW)


# ---- the half minute -------------------------------------------------------------------------------------------------


def test_the_one_unknown_card_is_offered(window, tapped):
    tapped(5)
    found = look(window)
    assert (found.result, found.offered.uid) == (Result.OFFERED, UNKNOWN_UID)


def test_nothing_tapped_nothing_offered(window):
    assert look(window).result is Result.NOTHING


def test_a_card_tapped_twice_is_one_card(window, tapped):
    tapped(5), tapped(6)
    assert look(window).offered.uid == UNKNOWN_UID


def test_of_two_unknown_cards_both_are_shown_and_none_is_offered(window, tapped):
    tapped(5), tapped(25, OTHER_UID)
    found = look(window)
    assert (found.result, found.offered) == (Result.SEVERAL, None)
    assert [card.uid for card in found.others] == [UNKNOWN_UID, OTHER_UID]


@pytest.mark.parametrize(("seconds", "counts"), [(-0.1, False), (0, True), (30, True), (30.1, False)])
def test_a_tap_counts_by_its_own_time(window, tapped, seconds, counts):
    tapped(seconds)
    assert (look(window).result is Result.OFFERED) is counts


def test_another_reader_disturbs_nobody(window, tapped, printer):
    tapped(5), tapped(6, OTHER_UID, machine=printer)
    assert look(window).offered.uid == UNKNOWN_UID
    assert look(Window(printer.pk, NOW)).offered.uid == OTHER_UID


def test_a_members_card_is_shown_beside_the_offered_one(window, tapped, ada):
    tapped(4, ada.uid, Outcome.GRANTED), tapped(5)
    found = look(window)
    assert found.offered.uid == UNKNOWN_UID
    assert [card.card.member for card in found.others] == [ada]


def test_a_lost_card_is_somebodys(window, tapped, flora):
    tapped(5, flora.uid, Outcome.LOST_CARD)
    found = look(window)
    assert found.result is Result.KNOWN
    assert found.others[0].card.is_lost


def test_a_card_that_was_enrolled_meanwhile_is_offered_no_more(window, tapped, hugo):
    tapped(5)
    Card.objects.create(uid=UNKNOWN_UID, member=hugo)
    assert look(window).result is Result.KNOWN


def test_two_cards_stay_two_when_one_of_them_is_enrolled(window, tapped, hugo):
    tapped(5), tapped(6, OTHER_UID)
    Card.objects.create(uid=UNKNOWN_UID, member=hugo)
    assert look(window).result is Result.SEVERAL


@pytest.mark.parametrize("outcome", [Outcome.UNANSWERED, Outcome.BOARD_CONFLICT])
def test_a_card_that_nobody_looked_up_is_not_offered(window, tapped, outcome):
    tapped(5, outcome=outcome)
    assert look(window).result is Result.UNDECIDED
    tapped(6, OTHER_UID)
    assert look(window).result is Result.SEVERAL


def test_a_tap_without_a_number_counts_for_nothing(window, tapped):
    tapped(5, ""), tapped(6)
    assert look(window).offered.uid == UNKNOWN_UID


def test_the_seconds_run_out(window):
    assert [window.seconds_left(after(seconds)) for seconds in (-1, 0, 0.5, 29.5, 30, 31)] == [0, 30, 30, 1, 0, 0]


def test_a_session_remembers_it_for_a_while(window):
    kept = window.to_session()
    assert Window.from_session(kept, after(0)) == Window.from_session(kept, after(3599)) == window
    assert Window.from_session(kept, after(-1)) is None
    assert Window.from_session(kept, after(3600)) is None
    for rubbish in (None, "x", {}, {"machine": 7, "at": "never"}, {"machine": None, "at": kept["at"]}):
        assert Window.from_session(rubbish, NOW) is None


# ---- any sequence of taps --------------------------------------------------------------------------------------------

UIDS = ["00000001", "00000002", "00000003"]
OUTCOMES = [Outcome.UNKNOWN_CARD, Outcome.GRANTED, Outcome.LOST_CARD, Outcome.UNANSWERED, Outcome.BOARD_CONFLICT]
some_tap = st.builds(
    lambda uid, seconds, machine, outcome: Tap(uid=uid, at=after(seconds), machine_id=machine, outcome=outcome),
    *(st.sampled_from(UIDS), st.floats(-40, 70), st.sampled_from([7, 12]), st.sampled_from(OUTCOMES)),
)


@given(st.lists(some_tap, max_size=8), st.sets(st.sampled_from(UIDS)), st.randoms())
@hypothesis_settings(max_examples=400)
def test_offered_is_only_a_card_that_nobody_else_can_have_meant(taps, known, random):
    owned = {uid: Card(uid=uid, member=Member(first_name="Ada")) for uid in known}
    found = judge(Window(7, NOW), taps, owned)
    there = [tap for tap in taps if tap.machine_id == 7 and NOW <= tap.at <= NOW + LASTS]
    unknown = {tap.uid for tap in there if tap.outcome == Outcome.UNKNOWN_CARD}
    unclear = {tap.uid for tap in there} - known
    assert {card.uid for card in found.cards} == {tap.uid for tap in there}
    if len(unknown) == 1 and not unclear - unknown and not unknown & known:
        assert found.offered is not None
        assert {found.offered.uid} == unknown
    else:
        assert found.offered is None
    assert (found.result is Result.SEVERAL) == (len(unknown | unclear) > 1)
    if len({tap.at for tap in there}) == len(there):
        random.shuffle(taps)
        assert judge(Window(7, NOW), taps, owned).result is found.result


# ---- the form in which it is saved -----------------------------------------------------------------------------------


def test_the_offered_card_is_saved_unless_another_was_tapped_since(window, tapped):
    tapped(5)
    token = token_for(window, UNKNOWN_UID)
    assert refusal(token, UNKNOWN_UID) is None
    tapped(29, OTHER_UID)
    assert "second unknown card" in str(refusal(token, UNKNOWN_UID))


def test_a_number_typed_over_the_offered_one_is_not_questioned(window, tapped):
    tapped(5), tapped(6, OTHER_UID)
    assert refusal(token_for(window, UNKNOWN_UID), "0badcafe") is None


@pytest.mark.parametrize("token", ["x", "e30:1vabc:xyz", ""])
def test_a_token_of_somebody_elses_making_is_refused(db, token):
    assert "no enrolment" in str(refusal(token, UNKNOWN_UID))


# ---- unknown cards ---------------------------------------------------------------------------------------------------


def test_each_number_is_listed_once_newest_first(tapped, printer):
    tapped(-90), tapped(-60, OTHER_UID), tapped(-30, machine=printer)
    first, second = unknown_cards(NOW)
    assert (first.uid, first.taps, first.machine, first.at) == (UNKNOWN_UID, 2, printer, after(-30))
    assert (second.uid, second.taps) == (OTHER_UID, 1)


def test_only_unknown_cards_of_the_last_days_are_listed(tapped, ada):
    tapped(-5, ada.uid, Outcome.GRANTED)
    tapped(-5, "", Outcome.UNKNOWN_CARD)
    tapped(-(settings.UNKNOWN_CARD_RETENTION_DAYS * 86400 + 1))
    assert unknown_cards(NOW) == []


def test_a_card_leaves_the_list_however_it_was_enrolled(tapped, hugo):
    tapped(-5), tapped(-4, OTHER_UID)
    Card.objects.create(uid="DE:AD:BE:EF", member=hugo)
    Card.objects.bulk_create([Card(uid=OTHER_UID, member=hugo)])
    assert unknown_cards(NOW) == []
    assert [tap.is_enrolled for tap in Tap.objects.order_by("at")] == [True, False]


def test_a_card_that_is_given_up_does_not_come_back_until_it_is_tapped_again(tapped, hugo):
    tapped(-5)
    Card.objects.create(uid=UNKNOWN_UID, member=hugo).delete()
    assert unknown_cards(NOW) == []
    tapped(-1)
    assert [card.taps for card in unknown_cards(NOW)] == [1]


def test_who_is_forgotten_leaves_no_number_of_before_the_enrolment(tapped, hugo, ada):
    mine, other = tapped(-5), tapped(-4, OTHER_UID)
    Card.objects.create(uid=UNKNOWN_UID, member=hugo)
    hugo.delete()
    assert [Tap.objects.get(pk=tap.pk).uid for tap in (mine, other)] == ["", OTHER_UID]


def test_a_phone_is_said_to_be_one(tapped):
    tapped(-5, "08a1b2c3")
    assert [card.looks_random for card in unknown_cards(NOW)] == [True]


def test_a_list_is_two_queries_and_a_look_whether_it_is_new_one(tapped, laser_type, django_assert_num_queries):
    for number in range(20):
        machine = Machine.objects.create(id=100 + number, name=f"Machine {number}", type=laser_type)
        tapped(-number, f"aaaa00{number:02x}", machine=machine)
    with django_assert_num_queries(2):
        assert len(unknown_cards(NOW)) == 20
    with django_assert_num_queries(1):
        revision(None, NOW)


def test_the_revision_changes_with_what_is_shown(window, tapped, hugo):
    seen = [revision(None, NOW), revision(window, NOW), revision(window, after(31))]
    tapped(1)
    seen.append(revision(window, after(31)))
    Card.objects.create(uid=OTHER_UID, member=hugo)
    seen.append(revision(window, after(31)))
    assert len(set(seen)) == 5
    assert revision(window, after(40)) == seen[-1]


# ---- with the worker's own desk --------------------------------------------------------------------------------------


def test_what_is_tapped_at_a_reader_is_offered(laser, ada):
    lab = Lab()
    window = Window(laser.pk, lab.time.clock())
    lab.time.travel(3)
    lab.tap(laser, "DE:AD:BE:EF")
    assert look(window).result is Result.NOTHING
    lab.taps()
    assert look(window).offered.uid == UNKNOWN_UID
    assert [card.machine for card in unknown_cards(lab.time.clock())] == [laser]
    lab.tap(laser, ada.uid), lab.taps()
    assert look(window).offered.uid == UNKNOWN_UID
    lab.tap(laser, OTHER_UID), lab.taps()
    assert look(window).result is Result.SEVERAL
