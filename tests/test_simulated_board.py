"""The virtual boards keep the firmware's rules, told by a fake clock and a fake line."""

import json
import random
from collections import deque

import pytest
from django.core.management import CommandError, call_command

from telemetry.protocol import Action, Topics, payload_room
from telemetry.simulation.board import Board, BoardIdentity
from telemetry.simulation.clock import Clock
from telemetry.simulation.happenings import Happening, Kind
from telemetry.simulation.line import NoConnection
from telemetry.simulation.narrator import Narrator, sentence
from telemetry.simulation.people import Habits, People
from telemetry.simulation.summary import summary
from telemetry.simulation.tally import ActionTally
from telemetry.simulation.wire import Arrival

ADA, BRUNO, CARLA = "0a0000ad", "0b000b70", "0c00ca41"
REPLY, REQUEST = "machine/7/reply", "machine/7/request"
CUT = "the connection breaks"
MACHINE = {
    "request_ok": True,
    "is_valid": True,
    "maintenance": False,
    "allowed": True,
    "name": "Saw",
    "logoff": 60,
    "type": 1,
    "grace": 1,
    "description": "",
}


class FakeLine:
    """Broker and backend in one; waiting moves the time."""

    def __init__(self):
        self.now, self.is_connected, self.is_up, self.is_dead = 0.0, False, True, False
        self.sent, self.client_ids, self.silent = [], [], set()
        self.arrivals: deque[Arrival] = deque()
        self.scheduled: list[tuple[float, str, bytes]] = []
        self.levels = {ADA: 1, CARLA: 2}
        self.machine = dict(MACHINE)
        self.overrides = {}

    def connect(self, client_id, topics):
        if not self.is_up:
            raise NoConnection("no broker")
        self.client_ids.append(client_id)
        self.is_connected, self.is_dead = True, False

    def disconnect(self):
        self.is_connected = False

    close = disconnect

    def publish(self, topic, payload):
        if self.is_dead or not self.is_connected:
            self.is_connected = False
            return False
        query = json.loads(payload)
        self.sent.append(query)
        answer = self.answer(query)
        if answer is not None and query["action"] not in self.silent:
            self.arrivals.append(Arrival(REPLY, answer))
        return True

    def receive(self, seconds):
        if not self.arrivals and self.scheduled and self.scheduled[0][0] <= self.now + seconds:
            at, topic, payload = self.scheduled.pop(0)
            self.now = max(self.now, at)
            if topic == CUT:
                self.is_connected = False
                return None
            return Arrival(topic, payload)
        if self.arrivals:
            return self.arrivals.popleft()
        self.now += seconds
        return None

    def answer(self, query):
        action = query["action"]
        if action in self.overrides:
            return self.overrides[action]
        if action == "alive":
            return None
        if action == "checkmachine":
            return encode(self.machine)
        if action == "checkuser":
            level = self.levels.get(query["uid"], 0)
            return encode(
                {"request_ok": True, "is_valid": level > 0, "level": level, "name": "", "missing_auth": False}
            )
        return encode({"request_ok": True, "message": ""})

    def actions(self):
        return [query["action"] for query in self.sent]

    def take(self):
        """What was sent since the last look."""
        sent, self.sent = self.sent, []
        return sent


class Bench:
    """A board that is on and has said hello, unless told otherwise."""

    def __init__(self, speed=1.0, boots=True, syncs_cards=False):
        self.line = FakeLine()
        self.clock = Clock(speed, lambda: self.line.now)
        self.news = []
        ids = iter(range(1000))
        self.board = Board(
            BoardIdentity("7", "51b0a20007", "10.0.0.7"),
            Topics(),
            self.line,
            self.clock,
            self.news.append,
            new_client_id=lambda: f"BOARD{next(ids)}",
            chance=random.Random(1),
            syncs_cards=syncs_cards,
        )
        if boots:
            self.board.attend(0.1)
            self.line.take()

    def wait(self, seconds):
        """Of network time, in turns as the runner makes them."""
        until = self.line.now + seconds
        while self.line.now < until:
            self.board.attend(0.25)

    def kinds(self):
        return [happening.kind for happening in self.news]

    def tap(self, uid, **more):
        self.board.tap(uid, **more)


@pytest.fixture
def bench():
    return Bench()


def encode(fields):
    return json.dumps(fields).encode()


def of_length(topic, packet_bytes, fields):
    """A reply that makes a packet of exactly so many bytes."""
    room = payload_room(topic, packet_bytes)
    return encode(fields).ljust(room)


def actions(sent):
    return [query["action"] for query in sent]


# ---- what is sent when -----------------------------------------------------------------------------------------------


def test_a_board_that_comes_online_says_so_and_asks_for_its_machine():
    bench = Bench(boots=False)
    bench.board.attend(0.1)
    assert bench.line.actions() == ["alive", "checkmachine"]
    hello = bench.line.sent[0]
    assert hello["serial"] == "51b0a20007"
    assert hello["heap"].isdigit()
    assert hello["version"].count(",") == 1


def test_the_machine_is_checked_every_half_minute_and_life_shown_every_two(bench):
    bench.wait(250)
    assert bench.line.actions().count("checkmachine") == 8
    assert bench.line.actions().count("alive") == 2


def test_a_card_that_may_starts_the_machine(bench):
    bench.tap(ADA)
    assert bench.line.take() == [
        {"action": "checkuser", "uid": ADA},
        {"action": "startuse", "uid": ADA},
        {"action": "checkmachine"},
    ]
    assert bench.board.use.level == 1


def test_a_card_that_may_not_leaves_the_machine_free_and_checked(bench):
    bench.tap(BRUNO)
    assert actions(bench.line.take()) == ["checkuser", "checkmachine"]
    assert bench.board.use is None


def test_a_running_use_shows_life_every_half_minute(bench):
    bench.tap(ADA)
    bench.wait(65)
    assert [q["duration"] for q in bench.line.sent if q["action"] == "inuse"] == [30, 60]


def test_no_sign_of_a_use_while_the_machine_check_is_silent(bench):
    bench.tap(ADA)
    bench.line.silent = {"checkmachine"}
    bench.wait(200)
    assert "inuse" not in bench.line.actions()


def test_the_same_card_ends_the_use_with_its_whole_seconds(bench):
    bench.tap(ADA)
    bench.line.now += 90.7
    bench.line.take()
    bench.tap(ADA)
    assert bench.line.take() == [{"action": "stopuse", "uid": ADA, "duration": 90}]


def test_a_foreign_card_on_a_busy_machine_sends_nothing(bench):
    bench.tap(ADA)
    bench.line.take()
    bench.tap(CARLA)
    assert bench.line.take() == []


def test_a_faster_lab_reports_its_own_seconds():
    bench = Bench(speed=60)
    bench.tap(ADA)
    bench.line.now += 2
    bench.tap(ADA)
    assert bench.line.sent[-1]["duration"] == 120


def test_a_faster_lab_is_as_patient_as_any():
    bench = Bench(speed=60)
    bench.line.silent = {"checkuser"}
    began = bench.line.now
    bench.tap(ADA)
    assert bench.line.now - began == pytest.approx(2.0)


# ---- the board's own rules -------------------------------------------------------------------------------------------


def test_a_blocked_machine_stops_even_administrators(bench):
    bench.line.levels[CARLA] = 3
    bench.line.machine["allowed"] = False
    bench.wait(31)
    bench.tap(CARLA)
    assert bench.board.use is None
    assert Kind.BLOCKED in bench.kinds()


def test_due_maintenance_stops_members(bench):
    bench.line.machine["maintenance"] = True
    bench.wait(31)
    bench.tap(ADA)
    assert bench.board.use is None


def test_staff_confirms_the_maintenance_before_starting(bench):
    bench.line.machine["maintenance"] = True
    bench.wait(31)
    bench.line.take()
    bench.tap(CARLA, confirms=True)
    assert actions(bench.line.take()) == ["checkuser", "maintenance", "startuse", "checkmachine"]


def test_staff_that_declines_the_maintenance_starts_all_the_same(bench):
    bench.line.machine["maintenance"] = True
    bench.wait(31)
    bench.tap(CARLA)
    assert bench.board.use.uid == CARLA
    assert "maintenance" not in bench.line.actions()


@pytest.mark.parametrize(
    ("answer", "is_let_in"),
    [
        ({"request_ok": True, "is_valid": True, "level": 1}, True),
        ({"request_ok": True, "is_valid": 1, "level": 1}, True),
        ({"request_ok": True, "is_valid": 2, "level": 1}, False),
        ({"request_ok": True, "is_valid": "true", "level": 1}, False),
        ({"request_ok": "true", "is_valid": True, "level": 1}, False),
        ({"request_ok": True, "is_valid": True}, False),
        ({"is_valid": True, "level": 1}, False),
    ],
)
def test_only_a_true_yes_with_a_level_lets_in(bench, answer, is_let_in):
    bench.line.overrides["checkuser"] = encode(answer)
    bench.tap(ADA)
    assert (bench.board.use is not None) is is_let_in


def test_a_missing_allowed_blocks_the_machine(bench):
    bench.line.overrides["checkmachine"] = encode({"request_ok": True, "is_valid": True})
    bench.wait(31)
    assert not bench.board.state.is_allowed


def test_a_machine_check_that_could_not_decide_changes_nothing(bench):
    bench.line.overrides["checkmachine"] = encode({**MACHINE, "request_ok": False, "allowed": False})
    bench.wait(31)
    assert bench.board.state.is_allowed


def test_the_machine_logs_off_after_its_minutes(bench):
    bench.tap(ADA)
    bench.wait(60 * 60 + 1)
    assert bench.board.use is None
    stop = next(q for q in bench.line.sent if q["action"] == "stopuse")
    assert stop["duration"] == 3600


def test_a_log_off_of_no_minutes_never_comes(bench):
    bench.line.machine["logoff"] = 0
    bench.tap(ADA)
    bench.wait(14 * 3600)
    assert bench.board.use is not None


# ---- when nobody decides ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [{"request_ok": False, "is_valid": True, "level": 3}, {}, [], "rubbish"])
def test_without_a_decision_the_cards_seen_before_are_let_in(bench, answer):
    bench.tap(ADA)
    bench.tap(ADA)
    bench.line.overrides["checkuser"] = encode(answer)
    bench.tap(BRUNO)
    assert bench.board.use is None
    bench.tap(ADA)
    assert bench.board.use.uid == ADA


def test_a_definite_no_is_remembered(bench):
    bench.tap(ADA)
    bench.tap(ADA)
    bench.line.levels.clear()
    bench.tap(ADA)
    bench.line.silent = {"checkuser"}
    bench.tap(ADA)
    assert bench.board.use is None


def test_ten_cards_are_remembered(bench):
    uids = [f"{number:08x}" for number in range(11)]
    for uid in uids:
        bench.board.cards.learn(uid, 1)
    assert [bool(bench.board.cards.level(uid)) for uid in uids] == [False] + [True] * 10


def test_cards_from_the_backend_replace_those_remembered():
    bench = Bench(boots=False, syncs_cards=True)
    bench.line.overrides["synccache"] = encode({"request_ok": True, "cards": [{"uid": CARLA, "level": 2}]})
    bench.board.cards.learn(ADA, 1)
    bench.board.attend(0.1)
    assert bench.board.cards.snapshot() == ((CARLA, 2),)


# ---- silence, keeping, replaying -------------------------------------------------------------------------------------


def test_silence_ends_the_connection_until_four_seconds_after_the_question(bench):
    bench.line.silent = {"checkuser"}
    asked = bench.line.now
    bench.tap(BRUNO)
    assert not bench.line.is_connected
    while not bench.line.is_connected:
        bench.board.attend(0.25)
    assert bench.line.now - asked == pytest.approx(4.0, abs=0.3)


def test_a_start_nobody_answered_comes_again_after_five_seconds(bench):
    bench.line.silent = {"startuse"}
    bench.tap(ADA)
    bench.line.silent = set()
    bench.line.take()
    bench.wait(6)
    assert bench.line.take()[0] == {"action": "startuse", "uid": ADA, "replay": True}
    assert not bench.board.talk.kept


def test_a_stop_nobody_answered_comes_again_within_half_a_minute(bench):
    bench.tap(ADA)
    bench.line.silent = {"stopuse"}
    bench.tap(ADA)
    bench.line.silent = set()
    bench.line.take()
    bench.wait(31)
    assert bench.line.take()[0] == {"action": "stopuse", "uid": ADA, "duration": 0, "replay": True}


def test_while_a_replay_waits_nothing_else_is_sent_and_only_once_a_minute(bench):
    bench.line.silent = {"startuse"}
    bench.tap(ADA)
    bench.line.take()
    bench.wait(180)
    assert set(actions(bench.line.sent)) == {"startuse"}
    assert len(bench.line.sent) == 3


def test_a_tap_tries_the_replay_and_is_decided_offline(bench):
    bench.board.cards.learn(ADA, 1)
    bench.line.silent = {"stopuse", "startuse"}
    bench.tap(ADA)
    bench.wait(20)
    bench.line.take()
    bench.tap(ADA)
    bench.wait(4)
    bench.tap(ADA)
    assert {q["action"] for q in bench.line.take()} == {"startuse"}
    assert bench.board.use.uid == ADA


def test_what_is_kept_comes_in_order_and_before_anything_newer(bench):
    bench.line.is_up = False
    bench.line.disconnect()
    bench.board.cards.learn(ADA, 1)
    for _turn in range(2):
        bench.tap(ADA)
        bench.line.now += 10
        bench.tap(ADA)
    bench.line.is_up = True
    bench.wait(40)
    replayed = bench.line.sent[:4]
    assert actions(replayed) == ["startuse", "stopuse"] * 2
    assert all(q["replay"] for q in replayed)
    assert actions(bench.line.sent)[4:6] == ["alive", "checkmachine"]


def test_forty_messages_are_kept_and_the_oldest_forgotten_first(bench):
    bench.line.is_up = False
    bench.line.disconnect()
    bench.board.cards.learn(ADA, 1)
    for _turn in range(21):
        bench.tap(ADA)
        bench.tap(ADA)
    assert len(bench.board.talk.kept) == 40
    assert bench.board.tally.forgotten == 2


@pytest.mark.parametrize("answer", [encode({"request_ok": False}), b"rubbish"])
def test_any_answer_makes_the_board_forget_what_happened(bench, answer):
    bench.line.overrides["startuse"] = answer
    bench.tap(ADA)
    assert not bench.board.talk.kept
    assert Kind.NOT_ACCEPTED in bench.kinds()


def test_nobody_keeps_questions_and_signs_of_life(bench):
    bench.tap(ADA)
    bench.line.silent = {"inuse", "checkmachine"}
    bench.wait(65)
    assert not bench.board.talk.kept


# ---- the network's tricks --------------------------------------------------------------------------------------------


def test_a_packet_of_300_bytes_is_read(bench):
    bench.line.overrides["checkmachine"] = of_length(REPLY, 300, {**MACHINE, "allowed": False})
    bench.wait(31)
    assert not bench.board.state.is_allowed


def test_a_packet_of_301_bytes_cuts_the_connection_and_loses_the_event(bench):
    bench.line.overrides["startuse"] = of_length(REPLY, 301, {"request_ok": True})
    bench.tap(ADA)
    assert bench.board.tally.of("startuse").over_long == 1
    assert not bench.line.is_connected
    assert not bench.board.talk.kept


def test_an_over_long_request_cuts_the_connection(bench):
    bench.line.scheduled = [(bench.line.now, REQUEST, of_length(REQUEST, 301, {"request_type": "stop"}))]
    bench.board.talk.listen(0.1)
    assert not bench.line.is_connected
    assert bench.board.tally.of("request").over_long == 1


def test_an_answer_nobody_waits_for_is_late(bench):
    bench.line.scheduled = [(bench.line.now + 5, REPLY, b"{}")]
    bench.wait(6)
    assert bench.board.tally.of("checkmachine").late == 1


def test_a_late_yes_to_a_card_reads_as_the_answer_to_the_next_question(bench):
    bench.line.silent = {"checkmachine"}
    bench.line.scheduled = [(31.0, REPLY, encode({"request_ok": True, "is_valid": True, "level": 1}))]
    bench.wait(32)
    assert not bench.board.state.is_allowed


def test_an_event_whose_connection_breaks_and_is_back_is_lost(bench):
    bench.line.silent = {"startuse"}
    bench.line.scheduled = [(bench.line.now + 0.5, CUT, b"")]
    bench.tap(ADA)
    assert not bench.board.talk.kept
    assert bench.board.tally.of("startuse").lost == 1


def test_an_event_whose_connection_breaks_and_stays_away_is_kept(bench):
    bench.line.silent = {"startuse"}
    bench.line.scheduled = [(bench.line.now + 0.5, CUT, b"")]
    bench.line.is_up = False
    bench.tap(ADA)
    assert [event.action for event in bench.board.talk.kept] == [Action.START_USE]


def test_a_stop_found_to_go_nowhere_is_taken_as_answered_if_the_broker_is_back(bench):
    bench.tap(ADA)
    bench.line.is_dead = True
    bench.tap(ADA)
    assert not bench.board.talk.kept
    assert bench.board.tally.of("stopuse").lost == 1


def test_a_stop_found_to_go_nowhere_is_kept_twice_if_the_broker_is_not_back(bench):
    bench.tap(ADA)
    bench.line.is_dead, bench.line.is_up = True, False
    bench.tap(ADA)
    assert [event.action for event in bench.board.talk.kept] == [Action.STOP_USE] * 2


# ---- from afar -------------------------------------------------------------------------------------------------------


def ask_for(bench, kind, uid):
    bench.line.scheduled.append((bench.line.now, REQUEST, encode({"request_type": kind, "uid": uid})))


def test_a_remote_start_lets_the_card_in_by_the_usual_way(bench):
    ask_for(bench, "start", CARLA)
    bench.board.attend(0.25)
    assert actions(bench.line.take())[:2] == ["checkuser", "startuse"]


def test_a_remote_start_on_a_busy_machine_first_logs_off_who_is_there(bench):
    bench.tap(ADA)
    bench.line.take()
    ask_for(bench, "start", CARLA)
    bench.board.attend(0.25)
    assert actions(bench.line.take())[:3] == ["stopuse", "checkuser", "startuse"]
    assert bench.board.use.uid == CARLA


def test_a_remote_stop_ends_the_use_of_whoever_is_there(bench):
    bench.tap(ADA)
    ask_for(bench, "stop", CARLA)
    bench.board.attend(0.25)
    assert bench.line.sent[-1]["action"] == "stopuse"
    assert bench.line.sent[-1]["uid"] == ADA


def test_a_remote_stop_on_an_idle_machine_names_the_last_card_and_no_time(bench):
    ask_for(bench, "stop", CARLA)
    bench.board.attend(0.25)
    assert bench.line.sent[-1] == {"action": "stopuse", "uid": "00000000", "duration": 0}


def test_of_two_requests_at_once_the_last_counts(bench):
    ask_for(bench, "start", ADA)
    ask_for(bench, "start", CARLA)
    bench.board.attend(0.25)
    assert bench.board.use.uid == CARLA


# ---- power -----------------------------------------------------------------------------------------------------------


def test_a_power_cut_leaves_what_was_saved_and_a_new_client_id(bench):
    bench.board.cards.learn(ADA, 1)
    bench.line.is_up = False
    bench.line.disconnect()
    bench.tap(ADA)
    bench.wait(121)
    bench.tap(ADA)
    bench.board.lose_power()
    assert [event.action for event in bench.board.talk.kept] == [Action.START_USE]
    bench.line.is_up = True
    bench.wait(8)
    assert bench.line.sent[0]["replay"] is True
    assert bench.line.client_ids == ["BOARD0", "BOARD1"]


def test_a_power_cut_soon_after_a_replay_brings_everything_again(bench):
    bench.line.silent = {"startuse"}
    bench.line.now = 118.0
    bench.tap(ADA)
    bench.board.attend(0.25)
    bench.line.silent = set()
    bench.wait(8)
    bench.board.lose_power()
    bench.line.take()
    bench.wait(3)
    assert bench.line.take()[0] == {"action": "startuse", "uid": ADA, "replay": True}


# ---- people, words, numbers ------------------------------------------------------------------------------------------


def day_of(seed):
    bench = Bench()
    people = People([ADA, CARLA], Habits(), random.Random(seed))
    while bench.line.now < 24 * 3600:
        people.visit(bench.board, bench.clock.lab())
        bench.board.attend(10)
    return bench


def test_the_same_seed_brings_the_same_day():
    assert day_of(5).line.sent == day_of(5).line.sent


def test_a_day_has_members_strangers_and_uses_that_end():
    tally = day_of(5).board.tally
    assert tally.let_in > 10
    assert tally.refused > 0
    assert tally.stops >= tally.let_in - 1


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_of_news_has_a_sentence(kind):
    assert sentence(Happening(kind, "7"))


def test_a_missing_broker_is_news_once():
    said = []
    narrator = Narrator(said.append)
    for machine in "123":
        narrator.tell(Happening(Kind.NO_CONNECTION, machine, text="No broker"))
    narrator.tell(Happening(Kind.CONNECTED, "1"))
    assert len(said) == 2


def test_a_percentile_is_the_time_within_which_that_share_was_answered():
    tally = ActionTally()
    for milliseconds in range(1, 101):
        tally.answer_came(milliseconds / 1000)
    assert tally.percentile_ms(50) == 50
    assert tally.percentile_ms(99) == 99
    assert ActionTally().percentile_ms(50) is None


def test_the_summary_counts_by_action(bench):
    bench.tap(ADA)
    assert "startuse" in summary([bench.board])


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--machines", "1,laser"], "laser"),
        (["--machines", "65536"], "65536"),
        (["--boards", "0"], "boards"),
        (["--speed", "0"], "--speed"),
        (["--url", "http://broker"], "mqtt://"),
        (["--cards-list", "0a0000ad,xyz"], "xyz"),
        (["--cards", "/nowhere/cards.txt"], "/nowhere/cards.txt"),
    ],
)
def test_options_that_make_no_sense_are_refused_with_a_sentence(options, complaint):
    with pytest.raises(CommandError, match=complaint):
        call_command("simulate_boards", *options)
