"""What boards report becomes uses: each thing that happened once, whatever is repeated, late or lost.

Times are seconds after noon. A use reads `(card, start, duration, end reason)`; None while it runs.
"""

import threading
from datetime import timedelta
from time import monotonic

import pytest
from django.db import DatabaseError, connection, transaction

from machines import usage
from machines.models import Machine, Use
from machines.usage import Recorded, Who
from tests.conftest import NOW

pytestmark = pytest.mark.django_db

ADA, BRUNO, UNKNOWN = "0a1b2c3d", "b1b1b1b1", "deadbeef"
MINUTE, HOUR = 60, 3600
NEW, KNOWN, NOTHING = Recorded.NEW, Recorded.KNOWN, Recorded.NOTHING


class Reports:
    """What one board says about machine 7, and what is stored after it."""

    machine_id = 7

    def start(self, card, at, *, replay=False, **who):
        return usage.start(7, Who(card, **who), self.time(at), is_replay=replay)

    def inuse(self, card, duration, at, **who):
        return usage.sign_of_life(7, Who(card, **who), duration, self.time(at))

    def stop(self, card, duration, at, *, replay=False, **who):
        return usage.stop(7, Who(card, **who), duration, self.time(at), is_replay=replay)

    def close_lost(self, at):
        return usage.close_lost(self.time(at))

    @staticmethod
    def time(seconds):
        return NOW + timedelta(seconds=seconds)

    @property
    def uses(self):
        rows = Use.objects.order_by("pk").values_list("card_uid", "started_at", "duration", "end_reason")
        return [(card, round((start - NOW).total_seconds()), lasted, reason) for card, start, lasted, reason in rows]

    @property
    def ends(self):
        ended = Use.objects.filter(ended_at__isnull=False).order_by("pk").values_list("ended_at", flat=True)
        return [round((end - NOW).total_seconds()) for end in ended]

    @property
    def hours(self):
        return Machine.objects.values_list("seconds_used", flat=True).get(pk=7)


@pytest.fixture
def board(laser, true_odometer):
    reports = Reports()
    yield reports
    assert reports.hours == true_odometer(laser)


# ---- a plain use -----------------------------------------------------------------------------------------------------


def test_use_from_start_to_stop(board):
    assert board.start(ADA, 0) is NEW
    assert board.inuse(ADA, 30, 30) is KNOWN
    assert board.stop(ADA, 50, 50) is KNOWN
    assert board.uses == [(ADA, 0, 50, "stop")]
    assert board.hours == 50


def test_running_use_counts_nothing_yet(board):
    board.start(ADA, 0)
    board.inuse(ADA, 600, 600)
    assert (board.uses, board.hours) == ([(ADA, 0, None, "")], 0)


def test_use_seen_live_is_not_marked_as_estimated(board):
    board.start(ADA, 0)
    board.inuse(ADA, 30, 31)
    board.stop(ADA, 60, 62)
    assert not Use.objects.get().is_replay


def test_fractions_of_a_second_make_no_difference(board):
    board.start(ADA, 0.9)
    board.inuse(ADA, 29, 30.1)
    board.stop(ADA, 59, 60.2)
    assert board.uses == [(ADA, 0, 59, "stop")]


def test_member_and_note_are_stored_with_the_use(board, ada):
    board.start(ADA, 0, member_id=ada.pk, note="May not use this machine.")
    assert Use.objects.values_list("member", "note").get() == (ada.pk, "May not use this machine.")


def test_unknown_card_is_recorded_without_a_member(board):
    board.start(UNKNOWN, 0)
    board.stop(UNKNOWN, 60, 60)
    assert (Use.objects.get().member, board.hours) == (None, 60)


def test_too_long_a_note_is_cut(board):
    board.start(ADA, 0, note="x" * 300)
    assert len(Use.objects.get().note) == 200


# ---- start -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [0, 5])
def test_start_repeated_within_five_seconds_is_the_same(board, at):
    board.start(ADA, 0)
    assert board.start(ADA, at) is KNOWN
    assert board.uses == [(ADA, 0, None, "")]


def test_live_start_repeated_later_is_another_use(board):
    """The board was switched off and on in mid-use."""
    board.start(ADA, 0)
    board.inuse(ADA, 300, 300)
    assert board.start(ADA, 306) is NEW
    assert board.uses == [(ADA, 0, 300, "superseded"), (ADA, 306, None, "")]


def test_replayed_start_of_the_running_use_is_the_same_however_late(board):
    board.start(ADA, 0)
    assert board.start(ADA, HOUR, replay=True) is KNOWN
    assert board.uses == [(ADA, 0, None, "")]


def test_replayed_start_of_another_card_is_another_use(board):
    board.start(BRUNO, 0)
    board.inuse(BRUNO, 30, 30)
    assert board.start(ADA, 60, replay=True) is NEW
    assert board.uses == [(BRUNO, 0, 30, "superseded"), (ADA, 60, None, "")]


def test_replayed_start_is_marked_as_estimated(board):
    board.start(ADA, 0, replay=True)
    assert Use.objects.get().is_replay


def test_start_within_five_seconds_with_another_card_is_another_use(board):
    board.start(ADA, 0)
    assert board.start(BRUNO, 3) is NEW
    assert board.uses == [(ADA, 0, 0, "superseded"), (BRUNO, 3, None, "")]


def test_replayed_start_of_a_lost_use_without_life_lets_it_run_again(board):
    board.start(ADA, 0)
    board.close_lost(HOUR)
    assert board.start(ADA, 2 * HOUR, replay=True) is KNOWN
    assert board.uses == [(ADA, 0, None, "")]


def test_replayed_start_after_a_lost_use_with_life_is_another_use(board):
    board.start(ADA, 0)
    board.inuse(ADA, 30, 30)
    board.close_lost(2 * HOUR)
    assert board.start(ADA, 3 * HOUR, replay=True) is NEW
    assert board.hours == 30


def test_live_start_after_a_lost_use_is_another_use(board):
    board.start(ADA, 0)
    board.close_lost(HOUR)
    assert board.start(ADA, 2 * HOUR) is NEW
    assert board.uses == [(ADA, 0, 0, "lost"), (ADA, 2 * HOUR, None, "")]


def test_replayed_start_of_another_card_leaves_a_lost_use_alone(board):
    board.start(ADA, 0)
    board.close_lost(HOUR)
    assert board.start(BRUNO, 2 * HOUR, replay=True) is NEW
    assert board.uses[0] == (ADA, 0, 0, "lost")


def test_replayed_start_of_a_lost_use_ends_what_runs_meanwhile(board):
    board.start(ADA, 0)
    board.close_lost(HOUR)
    board.start(BRUNO, 2 * HOUR)
    assert board.start(ADA, 2 * HOUR + 60, replay=True) is KNOWN
    assert board.uses == [(ADA, 0, None, ""), (BRUNO, 2 * HOUR, 0, "superseded")]


def test_sign_of_life_of_a_lost_use_ends_what_runs_meanwhile(board):
    board.start(ADA, 0)
    board.close_lost(HOUR)
    board.start(BRUNO, 2 * HOUR)
    assert board.inuse(ADA, 2 * HOUR + 60, 2 * HOUR + 60) is KNOWN
    assert board.uses == [(ADA, 0, None, ""), (BRUNO, 2 * HOUR, 0, "superseded")]


# ---- sign of life ----------------------------------------------------------------------------------------------------


def test_sign_of_life_without_a_start_begins_when_the_board_says(board):
    assert board.inuse(ADA, 90, 100) is NEW
    assert board.uses == [(ADA, 10, None, "")]
    assert Use.objects.get().is_replay


def test_sign_of_life_moves_a_late_start_back(board):
    board.start(ADA, 0, replay=True)
    board.inuse(ADA, 1800, 10)
    assert board.uses == [(ADA, 10 - 1800, None, "")]


@pytest.mark.parametrize("duration", [26, 30, 35])
def test_sign_of_life_within_the_tolerance_leaves_the_start(board, duration):
    board.start(ADA, 0)
    board.inuse(ADA, duration, 30)
    assert board.uses == [(ADA, 0, None, "")]


def test_sign_of_life_shorter_than_what_was_seen_is_another_use(board):
    """The board rebooted and its stop was lost."""
    board.start(ADA, 0)
    board.inuse(ADA, 600, 600)
    assert board.inuse(ADA, 30, 700) is NEW
    assert board.uses == [(ADA, 0, 600, "superseded"), (ADA, 670, None, "")]


def test_sign_of_life_of_another_card_supersedes(board):
    board.start(ADA, 0)
    board.inuse(ADA, 60, 60)
    assert board.inuse(BRUNO, 30, 100) is NEW
    assert board.uses == [(ADA, 0, 60, "superseded"), (BRUNO, 70, None, "")]


def test_sign_of_life_lets_a_lost_use_run_again(board):
    board.start(ADA, 0)
    board.inuse(ADA, 60, 60)
    board.close_lost(60 + HOUR)
    assert board.hours == 60
    assert board.inuse(ADA, 2 * HOUR, 2 * HOUR) is KNOWN
    assert (board.uses, board.hours) == ([(ADA, 0, None, "")], 0)


def test_sign_of_life_shorter_than_a_lost_use_is_another_use(board):
    board.start(ADA, 0)
    board.inuse(ADA, 600, 600)
    board.close_lost(2 * HOUR)
    assert board.inuse(ADA, 300, 3 * HOUR) is NEW
    assert board.uses == [(ADA, 0, 600, "lost"), (ADA, 3 * HOUR - 300, None, "")]


def test_repeated_sign_of_life_changes_nothing(board):
    board.start(ADA, 0)
    for _ in range(3):
        assert board.inuse(ADA, 30, 30) is KNOWN
    assert board.uses == [(ADA, 0, None, "")]


# ---- stop ------------------------------------------------------------------------------------------------------------


def test_stop_ends_the_use_when_it_ended_and_not_when_it_was_heard(board):
    board.start(ADA, 0)
    board.inuse(ADA, 570, 570)
    board.stop(ADA, 600, 5000, replay=True)
    assert (board.uses, board.ends) == ([(ADA, 0, 600, "stop")], [600])


def test_stop_moves_a_late_start_back(board):
    board.start(ADA, 0, replay=True)
    board.stop(ADA, 600, 1, replay=True)
    assert (board.uses, board.ends) == ([(ADA, 1 - 600, 600, "stop")], [1])


def test_replayed_stop_marks_its_use_as_estimated(board):
    board.start(ADA, 0)
    board.stop(ADA, 60, 90, replay=True)
    assert Use.objects.get().is_replay


def test_stop_without_a_start_is_a_use_that_ends_now(board):
    assert board.stop(ADA, 600, 1000) is NEW
    assert (board.uses, board.ends, board.hours) == ([(ADA, 400, 600, "stop")], [1000], 600)
    assert Use.objects.get().is_replay


def test_stop_of_zero_seconds_with_nothing_running_is_nothing(board):
    """A remote stop of an idle machine sends the last card, or 00000000."""
    for card in (ADA, "00000000"):
        assert board.stop(card, 0, 0) is NOTHING
    assert board.uses == []


def test_stop_of_zero_seconds_after_a_use_is_nothing(board):
    board.start(ADA, 0)
    board.stop(ADA, 60, 60)
    assert board.stop(ADA, 0, 100) is NOTHING
    assert board.uses == [(ADA, 0, 60, "stop")]


def test_stop_of_zero_seconds_ends_a_use_that_just_began(board):
    board.start(ADA, 0)
    assert board.stop(ADA, 0, 1) is KNOWN
    assert board.uses == [(ADA, 0, 0, "stop")]


def test_live_stop_three_times_is_one_use(board):
    board.start(ADA, 0)
    assert [board.stop(ADA, 600, at) for at in (600, 604, 640)] == [KNOWN] * 3
    assert (board.uses, board.hours) == ([(ADA, 0, 600, "stop")], 600)


def test_live_stop_without_a_start_three_times_is_one_use(board):
    assert [board.stop(ADA, 600, at) for at in (600, 604, 640)] == [NEW, KNOWN, KNOWN]
    assert board.hours == 600


def test_replayed_stop_already_recorded_is_the_same_however_late(board):
    board.start(ADA, 0)
    board.stop(ADA, 60, 60)
    assert board.stop(ADA, 60, 5 * HOUR, replay=True) is KNOWN
    assert board.hours == 60


def test_equal_live_stop_after_longer_than_its_duration_is_another_use(board):
    board.stop(ADA, 60, 0)
    assert board.stop(ADA, 60, 60) is NEW
    assert board.hours == 120


def test_equal_stop_of_another_card_is_another_use(board):
    board.stop(ADA, 60, 0)
    assert board.stop(BRUNO, 60, 10) is NEW
    assert board.hours == 120


def test_stop_of_another_duration_is_another_use(board):
    board.stop(ADA, 60, 0)
    assert board.stop(ADA, 61, 10, replay=True) is NEW


def test_stop_shorter_than_what_was_seen_is_another_use(board):
    board.start(ADA, 0)
    board.inuse(ADA, 600, 600)
    assert board.stop(ADA, 30, 700) is NEW
    assert board.uses == [(ADA, 0, 600, "superseded"), (ADA, 670, 30, "stop")]


@pytest.mark.parametrize(("duration", "stored"), [(595, [(ADA, 0, 595, "stop")]), (600, [(ADA, 0, 600, "stop")])])
def test_stop_may_be_shorter_than_what_was_seen_by_the_tolerance(board, duration, stored):
    board.start(ADA, 0)
    board.inuse(ADA, 600, 600)
    board.stop(ADA, duration, 601)
    assert board.uses == stored


def test_stop_ends_a_lost_use_as_the_board_says(board):
    board.start(ADA, 0)
    board.inuse(ADA, 60, 60)
    board.close_lost(2 * HOUR)
    assert board.stop(ADA, 900, 3 * HOUR, replay=True) is KNOWN
    assert (board.uses, board.hours) == ([(ADA, 0, 900, "stop")], 900)


def test_longest_duration_is_recorded_whole(board):
    board.stop(ADA, 30 * 24 * HOUR, 0)
    assert board.hours == 30 * 24 * HOUR


# ---- named cases -----------------------------------------------------------------------------------------------------


def test_reply_lost_after_the_commit_then_replayed(board):
    board.start(ADA, 0)
    board.start(ADA, 7, replay=True)
    board.stop(ADA, 600, 600)
    board.stop(ADA, 600, 630, replay=True)
    assert (board.uses, board.hours) == ([(ADA, 0, 600, "stop")], 600)


def test_two_hours_without_network_during_a_print_of_forty_hours(board):
    board.start(ADA, 0)
    board.inuse(ADA, 10 * HOUR, 10 * HOUR)
    assert board.close_lost(11 * HOUR) == [7]
    board.inuse(ADA, 12 * HOUR, 12 * HOUR)
    board.stop(ADA, 40 * HOUR, 40 * HOUR)
    assert (board.uses, board.hours) == ([(ADA, 0, 40 * HOUR, "stop")], 40 * HOUR)


def test_stop_buffered_before_the_lost_close_and_replayed_after_it(board):
    board.start(ADA, 0)
    board.inuse(ADA, 60, 60)
    board.close_lost(60 + HOUR)
    board.stop(ADA, 80, 2 * HOUR, replay=True)
    board.start(BRUNO, 2 * HOUR + 10)
    assert board.uses == [(ADA, 0, 80, "stop"), (BRUNO, 2 * HOUR + 10, None, "")]


def test_board_that_rebooted_in_mid_use(board):
    """Its first use ends at the last sign of life; the second is counted from its own start."""
    board.start(ADA, 0)
    board.inuse(ADA, 600, 600)
    board.start(ADA, 660)
    board.inuse(ADA, 30, 690)
    board.stop(ADA, 100, 760)
    assert (board.uses, board.hours) == ([(ADA, 0, 600, "superseded"), (ADA, 660, 100, "stop")], 700)


def test_equal_automatic_log_off_twice_in_a_row_is_two_uses(board):
    for at in (0, HOUR + 10):
        board.start(ADA, at)
        board.stop(ADA, HOUR, at + HOUR)
    assert board.hours == 2 * HOUR


def test_equal_automatic_log_off_twice_in_one_replay_is_two_uses(board):
    for at in (0, 2):
        board.start(ADA, at, replay=True)
        board.stop(ADA, HOUR, at + 1, replay=True)
    assert board.hours == 2 * HOUR


def test_stop_of_bruno_while_ada_is_running(board):
    """What bruno did is counted with its own duration; ada's use ends at her last sign of life."""
    board.start(ADA, 0)
    board.inuse(ADA, 60, 60)
    board.stop(BRUNO, 600, 100)
    assert board.uses == [(ADA, 0, 60, "superseded"), (BRUNO, 100 - 600, 600, "stop")]


def test_stop_of_bruno_repeated_while_ada_is_running_leaves_her_alone(board):
    board.start(BRUNO, -700)
    board.stop(BRUNO, 600, -100)
    board.start(ADA, 0)
    assert board.stop(BRUNO, 600, 10, replay=True) is KNOWN
    assert board.uses == [(BRUNO, -700, 600, "stop"), (ADA, 0, None, "")]


def test_replayed_start_and_stop_of_one_hour(board):
    board.start(ADA, 0, replay=True)
    board.stop(ADA, HOUR, 1, replay=True)
    assert (board.uses, board.ends, board.hours) == ([(ADA, 1 - HOUR, HOUR, "stop")], [1], HOUR)


def test_clock_set_back_puts_no_end_into_the_future(board):
    board.start(ADA, 10 * HOUR)
    board.stop(ADA, 600, 0)
    assert (board.uses, board.ends) == ([(ADA, -600, 600, "stop")], [0])


def test_clock_set_back_before_somebody_else_starts(board):
    board.start(ADA, 10 * HOUR)
    board.inuse(ADA, 60, 10 * HOUR + 60)
    board.start(BRUNO, 0)
    assert (board.uses, board.ends[0]) == ([(ADA, 0, 0, "superseded"), (BRUNO, 0, None, "")], 0)


def test_clock_set_back_then_a_sign_of_life(board):
    board.start(ADA, 10 * HOUR)
    assert board.inuse(ADA, 60, 0) is KNOWN
    assert board.uses == [(ADA, -60, None, "")]


def test_clock_set_forward_in_mid_use_makes_it_no_longer(board):
    """A Pi without a clock of its own learns the time after the machine was switched on."""
    board.start(ADA, 0)
    board.inuse(ADA, 30, 30)
    board.close_lost(10 * HOUR)
    board.inuse(ADA, 60, 10 * HOUR)
    board.stop(ADA, 90, 10 * HOUR + 30)
    assert (board.uses, board.hours) == ([(ADA, 10 * HOUR - 60, 90, "stop")], 90)


def test_stop_repeated_after_another_use_was_lost_is_the_same(board):
    """The last use closed by the board counts, and not one that we closed since."""
    board.start(ADA, 0)
    board.stop(ADA, 60, 60)
    board.start(BRUNO, 100)
    board.close_lost(2 * HOUR)
    assert board.stop(ADA, 60, 3 * HOUR, replay=True) is KNOWN
    assert board.hours == 60


def test_start_lost_on_its_way_is_made_good_by_the_stop(board):
    board.start(BRUNO, 0)
    board.stop(BRUNO, 60, 60)
    board.stop(ADA, 100, 200)
    assert board.uses == [(BRUNO, 0, 60, "stop"), (ADA, 100, 100, "stop")]


def test_hours_follow_every_message(board):
    steps = [
        (lambda: board.stop(ADA, 600, 600), 600),
        (lambda: board.start(ADA, 1000), 600),
        (lambda: board.inuse(ADA, 60, 1060), 600),
        (lambda: board.close_lost(3 * HOUR), 660),
        (lambda: board.inuse(ADA, 3 * HOUR, 1000 + 3 * HOUR), 600),
        (lambda: board.start(BRUNO, 4 * HOUR), 600 + 3 * HOUR),
        (lambda: board.stop(BRUNO, 10, 4 * HOUR + 10), 610 + 3 * HOUR),
        (lambda: board.stop(BRUNO, 10, 4 * HOUR + 12), 610 + 3 * HOUR),
    ]
    for number, (step, hours) in enumerate(steps):
        step()
        assert board.hours == hours, f"after step {number}"


# ---- lost uses -------------------------------------------------------------------------------------------------------


def test_use_without_a_sign_of_life_for_an_hour_ends_at_its_last(board):
    board.start(ADA, 0)
    board.inuse(ADA, 300, 300)
    assert board.close_lost(300 + HOUR - 1) == []
    assert board.close_lost(300 + HOUR) == [7]
    assert (board.uses, board.ends) == ([(ADA, 0, 300, "lost")], [300])


def test_lost_use_is_closed_once(board):
    board.start(ADA, 0)
    assert [board.close_lost(HOUR), board.close_lost(HOUR + 10)] == [[7], []]


def test_nothing_running_nothing_lost(board, django_assert_num_queries):
    board.stop(ADA, 60, 0)
    with django_assert_num_queries(1):
        assert board.close_lost(10 * HOUR) == []


def test_use_at_another_machine_runs_on(board, printer):
    board.start(ADA, 0)
    usage.start(12, Who(ADA), NOW + timedelta(hours=1))
    assert board.close_lost(HOUR + 10) == [7]
    assert Use.objects.get(machine=12).ended_at is None


def test_card_at_two_machines_is_two_uses(board, printer):
    board.start(ADA, 0)
    usage.start(12, Who(ADA), NOW)
    usage.stop(12, Who(ADA), 60, NOW + timedelta(minutes=1))
    assert board.uses == [(ADA, 0, None, ""), (ADA, 0, 60, "stop")]


# ---- a buffer sent twice ---------------------------------------------------------------------------------------------

FLAG = "sent this use twice"


def flagged():
    return [FLAG in note for note in Use.objects.order_by("pk").values_list("note", flat=True)]


def test_buffer_sent_twice_is_flagged(board):
    for at in (0, 60):
        board.start(ADA, at, replay=True)
        board.stop(ADA, 600, at + 1, replay=True)
        board.start(BRUNO, at + 2, replay=True)
        board.stop(BRUNO, 300, at + 3, replay=True)
    assert flagged() == [False, False, True, True]


def test_buffer_that_begins_with_a_stop_sent_twice_is_flagged(board):
    """Its start was heard live, hours ago; the second time there is only the stop."""
    board.start(ADA, -2 * HOUR)
    for at in (0, 60):
        board.stop(ADA, HOUR, at, replay=True)
        board.start(BRUNO, at + 2, replay=True)
        board.stop(BRUNO, 300, at + 3, replay=True)
    assert flagged() == [False, False, True, True]


def test_buffer_of_one_stop_sent_twice_is_one_use(board):
    board.stop(ADA, 600, 0, replay=True)
    assert board.stop(ADA, 600, 60, replay=True) is KNOWN
    assert (flagged(), board.hours) == ([False], 600)


def test_flag_leaves_the_note_that_was_there(board):
    for at in (0, 60):
        board.start(ADA, at, replay=True, note="May not use this machine.")
        board.stop(ADA, 600, at + 1, replay=True, note="May not use this machine.")
    second = Use.objects.latest("pk").note
    assert "May not use this machine." in second
    assert FLAG in second


def test_same_hour_on_another_day_is_not_flagged(board):
    for at in (0, 24 * HOUR):
        board.start(ADA, at, replay=True)
        board.stop(ADA, HOUR, at + 1, replay=True)
    assert flagged() == [False, False]


def test_live_uses_are_not_flagged(board):
    for at in (0, 20):
        board.start(ADA, at)
        board.stop(ADA, 10, at + 10)
    assert flagged() == [False, False]


# ---- staff and boards at the same time -------------------------------------------------------------------------------


def wait_until_somebody_waits_for_a_lock():
    latest = monotonic() + 10
    while monotonic() < latest:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
            if cursor.fetchone():
                return
    raise AssertionError("nobody waits")


def end_by_hand(at):
    use = Use.objects.get(ended_at__isnull=True)
    use.ended_at = Reports.time(at)
    use.save()


def test_a_use_that_staff_ended_while_the_board_ran_on_is_counted_once(board):
    board.start(ADA, 0)
    board.inuse(ADA, 600, 600)
    end_by_hand(620)
    assert board.inuse(ADA, 630, 630) is KNOWN
    assert board.stop(ADA, 660, 660) is KNOWN
    assert board.uses == [(ADA, 0, 660, "stop")]


def test_a_stop_after_staff_ended_the_use_gives_it_the_boards_hours(board):
    board.start(ADA, 0)
    end_by_hand(620)
    assert board.stop(ADA, 660, 660) is KNOWN
    assert board.uses == [(ADA, 0, 660, "stop")]


def test_a_use_that_staff_wrote_by_hand_is_not_taken_for_the_boards(board, make_use, laser):
    make_use(laser, 600, hours_ago=2, card_uid=ADA, end_reason="staff")
    assert board.inuse(ADA, 60, 0) is NEW
    assert len(board.uses) == 2


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", [Use.save, Use.delete], ids=["save", "delete"])
def test_staff_that_edits_a_use_waits_for_the_board_that_ends_it(laser, odometer, true_odometer, change):
    """In the order in which the worker takes its locks: the other way round both would wait for ever."""
    errors = []

    def edit():
        try:
            change(Use.objects.get())
        except DatabaseError as error:
            errors.append(error)
        finally:
            connection.close()

    usage.start(7, Who(ADA), NOW)
    usage.sign_of_life(7, Who(ADA), 600, NOW + timedelta(minutes=10))
    usage.close_lost(NOW + timedelta(hours=2))
    staff = threading.Thread(target=edit)
    with transaction.atomic():
        list(Machine.objects.select_for_update().filter(pk=7))
        staff.start()
        wait_until_somebody_waits_for_a_lock()
        usage.stop(7, Who(ADA), 900, NOW + timedelta(hours=3), is_replay=True)
    staff.join()
    assert errors == []
    assert odometer(laser) == true_odometer(laser)


# ---- what it costs ---------------------------------------------------------------------------------------------------


def queries_of(action, django_assert_max_num_queries):
    with django_assert_max_num_queries(20) as captured:
        action()
    return [query["sql"] for query in captured]


@pytest.mark.parametrize(
    "action",
    [
        lambda board: board.start(ADA, 0),
        lambda board: board.start(ADA, 0, replay=True),
        lambda board: board.inuse(ADA, 60, 0),
        lambda board: board.stop(ADA, 60, 0),
    ],
)
def test_history_does_not_make_a_message_dearer(board, laser, make_use, action, django_assert_max_num_queries):
    make_use(laser, 60, hours_ago=500)
    action(board)
    Use.objects.filter(started_at__gte=NOW - timedelta(hours=1)).delete()
    few = queries_of(lambda: action(board), django_assert_max_num_queries)
    Use.objects.filter(started_at__gte=NOW - timedelta(hours=1)).delete()
    for hours_ago in range(2, 100):
        make_use(laser, 60, hours_ago=hours_ago)
    many = queries_of(lambda: action(board), django_assert_max_num_queries)
    assert len(many) == len(few)
    assert not any("SUM(" in sql or "COUNT(" in sql for sql in many)
