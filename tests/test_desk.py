"""From arrival to answer or silence: what protocol.md's first table and the design's page about the worker ask for."""

import json
import logging
from datetime import timedelta

import pytest
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, ProgrammingError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from machines import usage
from machines.models import Use
from telemetry import handlers
from telemetry.models import Board, Tap
from tests.at_the_desk import KEYS, Lab, database_fails
from tests.conftest import NOW, UIDS, UNKNOWN_UID

pytestmark = pytest.mark.django_db

ADA, CARLA = UIDS["ada"], UIDS["carla"]
FIELDS = {
    "checkuser": {"uid": ADA},
    "checkmachine": {},
    "synccache": {},
    "startuse": {"uid": ADA},
    "inuse": {"uid": ADA, "duration": 30},
    "stopuse": {"uid": ADA, "duration": 30},
    "maintenance": {"uid": CARLA},
}
QUESTIONS = ("checkuser", "checkmachine", "inuse", "synccache")
KEPT = ("startuse", "stopuse", "maintenance")


@pytest.fixture
def lab(ada, carla, laser):
    return Lab()


def ask(lab, action, machine=7, **more):
    return lab.ask(machine, action, **{**FIELDS[action], **more})


# ---- one reply -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", KEYS)
def test_every_query_gets_one_reply_with_all_its_keys(lab, action):
    assert ask(lab, action)["request_ok"] is True


def test_alive_gets_no_reply(lab):
    lab.alive(7, "A1B2C3")
    assert not lab.published


def test_alive_of_an_unknown_machine_gets_no_reply_and_leaves_nothing(lab):
    lab.alive(99, "A1B2C3")
    assert not lab.published
    assert not Board.objects.exists()


def test_the_answer_goes_to_the_topic_the_query_came_from(lab):
    lab.tap("machine/007", ADA)
    assert [topic for topic, _payload in lab.published] == ["machine/007/reply"]


def test_leading_zeros_are_the_same_machine(lab):
    lab.ask("machine/007", "startuse", uid=ADA)
    assert Use.objects.get().machine_id == 7


def test_replies_come_in_the_order_of_the_queries(lab):
    lab.tap(7, ADA)
    lab.ask(7, "startuse", uid=ADA)
    lab.ask(7, "checkmachine")
    assert ["is_valid" in json.loads(payload) for _topic, payload in lab.published] == [True, False, True]


def test_replies_fit_the_packet_limit_of_the_boards(make_member, laser, roles):
    make_member("Maximilian-Alexander" * 3, "0badcafe", last_name="von Österreich" * 4, role=roles.staff)
    lab = Lab(packet_limit=200)
    assert lab.tap(7, "0badcafe")["is_valid"] is True
    assert len(lab.published[0][1]) + len("machine/7/reply") + 5 <= 200


# ---- what can never be accepted --------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", KEYS)
@pytest.mark.parametrize("topic", ["machine/0", "machine/99", "machine/65535", "machine/0099"])
def test_an_unknown_machine_is_refused_at_once(lab, action, topic):
    assert lab.ask(topic, action, **FIELDS[action])["request_ok"] is False
    assert not Use.objects.exists()


WRONG_UIDS = [None, 7, -1, 1.5, True, [], [ADA], {}, "", "xyz", "0a1b2c3", "0a1b2c3d4", "g" * 8, "０a1b2c3d", "\0" * 8]


@pytest.mark.parametrize("action", ["checkuser", "startuse", "inuse", "stopuse", "maintenance"])
@pytest.mark.parametrize("uid", [*WRONG_UIDS, "a" * 3500, "\ud800"], ids=lambda uid: repr(uid)[:12])
def test_a_uid_of_the_wrong_kind_is_refused(lab, action, uid):
    assert ask(lab, action, uid=uid)["request_ok"] is False
    assert not Use.objects.exists()


@pytest.mark.parametrize("action", ["checkuser", "startuse", "inuse", "stopuse", "maintenance"])
def test_a_missing_uid_is_refused(lab, action):
    assert lab.ask(7, action, duration=3)["request_ok"] is False
    assert not Use.objects.exists()


@pytest.mark.parametrize("action", ["inuse", "stopuse"])
@pytest.mark.parametrize(
    "duration",
    ["abc", "30", -1, float("nan"), float("inf"), 1e308, 1.0, True, None, [], {}, 2**63, 10**3000, 30 * 86400 + 1],
    ids=lambda duration: repr(duration)[:12],
)
def test_a_duration_of_the_wrong_kind_is_refused_with_the_reason(lab, action, duration):
    reply = ask(lab, action, duration=duration)
    assert reply["request_ok"] is False
    assert "duration" in reply["message"]
    assert not Use.objects.exists()


@pytest.mark.parametrize("action", ["inuse", "stopuse"])
def test_a_missing_duration_is_refused(lab, action):
    assert lab.ask(7, action, uid=ADA)["request_ok"] is False


@pytest.mark.parametrize("action", ["inuse", "stopuse"])
@pytest.mark.parametrize("duration", [0, 1, 30 * 86400])
def test_a_duration_from_0_to_30_days_is_accepted(lab, action, duration):
    assert ask(lab, action, duration=duration)["request_ok"] is True


@pytest.mark.parametrize("replay", [1, "true", [], {}])
@pytest.mark.parametrize("action", KEPT)
def test_a_replay_that_is_no_boolean_is_refused(lab, action, replay):
    assert ask(lab, action, replay=replay)["request_ok"] is False


def test_a_card_that_nobody_has_is_recorded_and_refused(lab):
    assert ask(lab, "startuse", uid=UNKNOWN_UID)["request_ok"] is False
    assert Use.objects.get().member is None


# ---- junk ------------------------------------------------------------------------------------------------------------

GOOD = b'{"action":"checkuser","uid":"0a1b2c3d"}'
JUNK = [
    *(b"", b"null", b"true", b"7", b"-1.5", b"1e999", b"NaN", b'"text"', b"[]", b"[[]]", b"{}", b"\xff\xfe", b"\x80"),
    *(b'{"action":"che\xffckuser","uid":"0a1b2c3d"}', b"\xef\xbb\xbf" + GOOD, GOOD.decode().encode("utf-16")),
    *(GOOD[:-1], GOOD + b"}", GOOD + GOOD, b"\0" + GOOD, b"'" + GOOD),
    *(
        b'{"action":null}',
        b'{"action":7}',
        b'{"action":[]}',
        b'{"action":{}}',
        b'{"action":true}',
        b'{"uid":"0a1b2c3d"}',
    ),
    *(
        b'{"action":""}',
        b'{"action":"CHECKUSER","uid":"0a1b2c3d"}',
        b'{"action":"drop table"}',
        b'{"action":"\\ud800"}',
    ),
    *(b"[" * 3000, b"[" * 100_000, b'{"a":' * 3000, b"{" * 100_000, b"1" * 5000, b"x" * 1_000_000),
    b'{"action":"checkuser","uid":"' + b"a" * 10_240 + b'"}',
    b'{"action":"checkuser","uid":"0a1b2c3d","more":"' + b"a" * 1_000_000 + b'"}',
]


def one_short_line(caplog):
    lines = [record.getMessage() for record in caplog.records]
    return len(lines) == 1 and len(lines[0]) < 200 and lines[0].isascii() and "\n" not in lines[0]


@pytest.mark.parametrize("payload", JUNK, ids=lambda payload: repr(payload[:24]))
def test_junk_gets_one_log_line_and_nothing_more(lab, caplog, payload):
    assert lab.replies("machine/7", payload) == []
    assert one_short_line(caplog)
    assert not Use.objects.exists()
    assert not lab.taps()
    assert lab.tap(7, ADA)["is_valid"] is True


NO_MACHINES = [
    *("machine/abc", "machine/", "machine", "machine/-1", "machine/+7", "machine/7 ", "machine/7.0", "machine/0x7"),
    *(
        "machine/999999",
        "machine/65536",
        f"machine/{2**63}",
        "machine/" + "9" * 5000,
        "machine/٧",
        "machine/²",
        "x/7",
        "",
    ),
    *("machine/7/reply", "machine/7/request", "machine/7/", "Machine/7", "machines/7", "/machine/7", "machine//7"),
]


@pytest.mark.parametrize("topic", NO_MACHINES, ids=lambda topic: repr(topic[:24]))
def test_a_topic_that_names_no_machine_gets_one_log_line_and_nothing_more(lab, caplog, topic):
    assert lab.replies(topic, GOOD) == []
    assert one_short_line(caplog)
    assert not lab.taps()
    assert lab.tap(7, ADA)["is_valid"] is True


def test_the_same_complaint_is_logged_once_a_minute(lab, caplog):
    for _time in range(50):
        lab.replies("machine/7", b"junk")
    assert len(caplog.records) == 1
    lab.time.travel(61)
    lab.replies("machine/7", b"junk")
    assert len(caplog.records) == 2
    assert "49" in caplog.records[1].getMessage()


def test_junk_in_any_language_of_control_characters_stays_one_line(lab, caplog):
    lab.replies("machine/7\n2026-01-01 CRITICAL \x1b[31m all is lost", b"junk")
    assert one_short_line(caplog)


def test_junk_on_ever_new_topics_does_not_fill_the_log(lab, caplog):
    for number in range(3000):
        lab.replies(f"machine/x{number}", b"junk")
    assert len(caplog.records) <= 100


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
almost_messages = st.fixed_dictionaries(
    {},
    optional={
        "action": st.sampled_from([*KEYS, "alive", "no such"]) | json_values,
        "uid": st.sampled_from([ADA, CARLA, UNKNOWN_UID]) | json_values,
        "duration": st.integers(-5, 3 * 10**6) | json_values,
        "replay": st.booleans() | json_values,
        **dict.fromkeys(("version", "ip", "serial", "heap"), json_values),
    },
).map(lambda fields: json.dumps(fields).encode())
topics = st.sampled_from(["machine/7", "machine/007", "machine/8", "machine/0"]) | st.text(max_size=20)


@settings(max_examples=300)
@given(topic=topics, payload=st.binary(max_size=80) | almost_messages)
@example(topic="machine/7", payload=b'{"action":"alive","serial":"\\u0000","heap":1e400}')
@example(topic="machine/7", payload=b'{"action":"alive","ip":"fe80::1%eth0","heap":"99999999999"}')
def test_no_bytes_on_any_topic_break_anything(lab, topic, payload):
    replies = lab.replies(topic, payload)
    assert len(replies) <= 1
    assert not lab.desk.counts.failed
    assert lab.tap(7, ADA)["is_valid"] is True


@settings(max_examples=200)
@given(topic=st.text(max_size=20), payload=st.binary(max_size=60))
def test_nothing_is_stored_for_junk(lab, topic, payload):
    assert lab.replies(topic, payload) == []
    assert not lab.replies("machine/7", payload)
    assert not Use.objects.exists()
    assert not lab.taps()


# ---- our own failure -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", QUESTIONS)
def test_a_question_hears_at_once_that_we_could_not_decide(lab, action):
    with database_fails():
        reply = ask(lab, action)
    assert reply["request_ok"] is False
    assert reply.get("is_valid") in (None, False)


@pytest.mark.parametrize("action", KEPT)
def test_what_the_board_keeps_gets_silence_and_is_recorded_when_it_comes_again(lab, action, make_plan, laser):
    make_plan(laser, days_between=1, last_work_at=NOW - timedelta(days=2))
    with database_fails():
        assert ask(lab, action) is None
        assert ask(lab, action, replay=True) is None
    assert ask(lab, action, replay=True)["request_ok"] is True
    assert Use.objects.count() + laser.interventions.count() == 1


def test_a_tap_that_could_not_be_decided_is_noted(lab):
    with database_fails():
        lab.tap(7, ADA)
    assert [(tap.outcome, tap.uid) for tap in lab.taps()] == [("unanswered", ADA)]


def test_a_database_that_fails_is_one_line_in_the_log(lab, caplog):
    with database_fails():
        for _time in range(20):
            lab.tap(7, ADA)
    assert one_short_line(caplog)


def test_all_is_well_after_the_database_is_back(lab):
    with database_fails():
        for action in KEYS:
            ask(lab, action)
        lab.alive(7)
    for action in KEYS:
        assert ask(lab, action)["request_ok"] is True


def test_a_lock_that_ends_in_time_is_noticed_by_nobody(lab):
    lab.time.step = 0.001
    started = lab.time.seconds
    with database_fails("database is locked", when=lambda sql: lab.time.seconds - started < 1.0):
        for action in KEPT:
            assert ask(lab, action)["request_ok"] is True
            started = lab.time.seconds
    assert not lab.desk.counts.failed


@pytest.mark.parametrize("action", KEYS)
def test_a_lock_that_does_not_end_is_given_up_in_time(lab, action):
    lab.time.step = 0.001
    started = lab.time.seconds
    with database_fails("database is locked"):
        reply = ask(lab, action)
    assert lab.time.seconds - started < 1.6
    assert reply is None if action in KEPT else reply["request_ok"] is False


def fail_with(monkeypatch, error):
    def fail(*args, **kwargs):
        raise error

    for name in ("start", "stop", "sign_of_life"):
        monkeypatch.setattr(usage, name, fail)


@pytest.mark.parametrize(
    "error", [IntegrityError("CHECK constraint failed"), DataError("out of range"), ValueError("a bug")]
)
def test_what_fails_for_a_reason_of_its_own_is_kept_by_the_board_once_and_then_refused(lab, monkeypatch, error):
    """Silence for ever would keep the board from sending anything else."""
    fail_with(monkeypatch, error)
    assert ask(lab, "stopuse") is None
    assert ask(lab, "stopuse", replay=True)["request_ok"] is False
    monkeypatch.undo()
    assert lab.tap(7, ADA)["is_valid"] is True


@pytest.mark.parametrize(
    "error",
    [
        DatabaseError("database disk image is malformed"),
        ProgrammingError('relation "machines_use" does not exist'),
        InterfaceError("connection already closed"),
    ],
)
def test_what_a_broken_database_cannot_hold_the_boards_keep_for_ever(lab, monkeypatch, error, caplog):
    fail_with(monkeypatch, error)
    for _time in range(3):
        assert ask(lab, "stopuse", replay=True) is None
        assert ask(lab, "inuse")["request_ok"] is False
    assert one_short_line(caplog)
    monkeypatch.undo()
    assert ask(lab, "stopuse", replay=True)["request_ok"] is True


def test_a_bug_in_a_rule_does_not_end_the_worker(lab, monkeypatch):
    monkeypatch.setattr(handlers.access, "find_machine", lambda machine_id: 1 / 0)
    for action in QUESTIONS:
        assert ask(lab, action)["request_ok"] is False
    lab.alive(7)
    monkeypatch.undo()
    assert lab.tap(7, ADA)["is_valid"] is True


def test_a_bug_in_a_rule_does_not_fill_the_log(lab, monkeypatch, caplog):
    monkeypatch.setattr(handlers.access, "find_machine", lambda machine_id: 1 / 0)
    for _time in range(50):
        ask(lab, "checkuser")
    assert len(caplog.records) == 1
    assert caplog.records[0].exc_info is not None


def queue(lab, action, machine=7, **fields):
    payload = json.dumps({"action": action, **FIELDS[action], **fields}).encode()
    lab.desk.accept(f"machine/{machine}", payload, lab.time.seconds)


def test_one_message_that_fails_takes_no_other_with_it(lab, printer, monkeypatch):
    stop = usage.stop

    def stop_unless_12(machine_id, *args, **kwargs):
        if machine_id == 12:
            raise IntegrityError("CHECK constraint failed")
        return stop(machine_id, *args, **kwargs)

    monkeypatch.setattr(usage, "stop", stop_unless_12)
    queue(lab, "stopuse", 7)
    queue(lab, "stopuse", 12)
    queue(lab, "maintenance", 7)
    while lab.desk.pending:
        lab.desk.serve_pending()
    assert sorted(topic for topic, _payload in lab.published) == ["machine/7/reply"] * 2
    assert Use.objects.get().machine_id == 7


def test_nothing_is_answered_before_it_is_written(lab, monkeypatch):
    queue(lab, "startuse", 7)
    assert not lab.published
    lab.desk.serve_pending()
    assert len(lab.published) == 1


def test_a_question_waits_for_what_its_own_board_said_before(lab):
    queue(lab, "startuse", 7)
    queue(lab, "checkmachine", 7)
    assert not lab.published
    while lab.desk.pending:
        lab.desk.serve_pending()
    assert ["message" in json.loads(payload) for _topic, payload in lab.published] == [True, False]


def test_a_question_of_another_board_does_not_wait(lab, printer):
    queue(lab, "startuse", 7)
    queue(lab, "checkmachine", 12)
    assert [topic for topic, _payload in lab.published] == ["machine/12/reply"]


def test_a_reply_that_cannot_be_sent_takes_no_other_with_it(lab, printer, monkeypatch):
    publish = lab._publish

    def publish_not_to_7(topic, payload):
        if topic == "machine/7/reply":
            raise ValueError("a bug")
        publish(topic, payload)

    monkeypatch.setattr(lab.desk, "_publish", publish_not_to_7)
    queue(lab, "startuse", 7)
    queue(lab, "startuse", 12)
    while lab.desk.pending:
        lab.desk.serve_pending()
    assert [topic for topic, _payload in lab.published] == ["machine/12/reply"]
    assert Use.objects.count() == 2


# ---- late ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["checkuser", "checkmachine", "synccache"])
def test_a_late_question_is_dropped(lab, action):
    assert ask(lab, action, waited=1.6) is None


@pytest.mark.parametrize("action", ["checkuser", "checkmachine", "synccache", "startuse"])
def test_a_query_in_time_is_answered(lab, action):
    assert ask(lab, action, waited=1.3)["request_ok"] is True


@pytest.mark.parametrize("action", ["startuse", "inuse", "stopuse"])
def test_late_events_are_recorded_without_an_answer(lab, action):
    assert ask(lab, action, waited=1.6) is None
    assert Use.objects.count() == 1


@pytest.mark.parametrize("action", ["startuse", "stopuse"])
def test_the_replay_of_a_late_event_finds_it_recorded(lab, action):
    ask(lab, action, waited=1.6)
    assert ask(lab, action, replay=True)["request_ok"] is True
    assert Use.objects.count() == 1


def test_late_maintenance_is_recorded_once(lab, laser, make_plan):
    make_plan(laser, days_between=1, last_work_at=NOW - timedelta(days=2))
    assert ask(lab, "maintenance", waited=1.6) is None
    assert ask(lab, "maintenance", replay=True)["request_ok"] is True
    assert laser.interventions.count() == 1


def test_a_late_tap_is_logged_as_unanswered_at_the_time_it_was_made(lab):
    lab.tap(7, ADA, waited=30)
    assert [(tap.outcome, tap.at) for tap in lab.taps()] == [("unanswered", NOW - timedelta(seconds=30))]


def test_an_answer_that_took_too_long_stays_here(lab, monkeypatch):
    find = handlers.access.find_machine

    def find_slowly(machine_id):
        lab.time.travel(1.6)
        return find(machine_id)

    monkeypatch.setattr(handlers.access, "find_machine", find_slowly)
    assert lab.tap(7, ADA) is None
    assert [tap.outcome for tap in lab.taps()] == ["unanswered"]


def test_what_was_recorded_too_slowly_is_found_by_the_replay(lab, monkeypatch):
    find = handlers.access.find_machine

    def find_slowly(machine_id):
        lab.time.travel(1.6)
        return find(machine_id)

    monkeypatch.setattr(handlers.access, "find_machine", find_slowly)
    assert ask(lab, "stopuse", duration=600) is None
    monkeypatch.undo()
    assert ask(lab, "stopuse", duration=600, replay=True)["request_ok"] is True
    assert [use.duration for use in Use.objects.all()] == [600]


def test_the_time_of_an_event_is_that_of_its_arrival(lab):
    lab.ask(7, "startuse", uid=ADA, waited=1.0)
    assert Use.objects.get().started_at == NOW - timedelta(seconds=1)


def test_what_came_late_is_recorded_also_when_the_board_goes_on_without_bringing_it_again(lab, printer):
    """A board that reconnected while it waited believes that it was answered."""
    queue(lab, "stopuse", 7, duration=600)
    lab.time.travel(1.6)
    queue(lab, "startuse", 12)
    lab.desk.serve_pending()
    queue(lab, "startuse", 7, uid=CARLA)
    while lab.desk.pending:
        lab.desk.serve_pending()
    recorded = Use.objects.filter(machine_id=7).order_by("pk")
    assert [(use.card_uid, use.duration) for use in recorded] == [(ADA, 600), (CARLA, None)]


def test_what_came_late_and_again_is_recorded_once(lab, printer):
    queue(lab, "stopuse", 7, duration=600)
    lab.time.travel(1.6)
    queue(lab, "startuse", 12)
    lab.desk.serve_pending()
    queue(lab, "stopuse", 7, duration=600, replay=True)
    while lab.desk.pending:
        lab.desk.serve_pending()
    assert Use.objects.filter(machine_id=7).count() == 1
    assert [topic for topic, _payload in lab.published].count("machine/7/reply") == 1


# ---- taps ------------------------------------------------------------------------------------------------------------


def test_every_checkuser_leaves_one_tap(lab):
    for uid in (ADA, CARLA, UNKNOWN_UID):
        lab.tap(7, uid)
    assert [(tap.uid, tap.outcome, tap.level) for tap in lab.taps()] == [
        (ADA, "granted", 1),
        (CARLA, "granted", 2),
        (UNKNOWN_UID, "unknown_card", 0),
    ]


def test_nothing_is_written_before_a_tap_is_answered(lab):
    assert lab.tap(7, ADA)["is_valid"] is True
    assert not Tap.objects.exists()


def test_only_checkuser_leaves_taps(lab):
    for action in set(KEYS) - {"checkuser"}:
        ask(lab, action)
    lab.alive(7)
    assert not lab.taps()


@pytest.mark.parametrize("waited", [0, 1.6])
def test_taps_of_machines_that_do_not_exist_are_not_kept(lab, waited):
    lab.tap(99, ADA, waited=waited)
    assert not lab.taps()


def test_a_tap_without_a_card_number_leaves_none(lab):
    lab.tap(7, "what?")
    assert not lab.taps()


def test_one_machine_fills_neither_memory_nor_table(lab, caplog):
    for _time in range(500):
        assert lab.tap(7, UNKNOWN_UID)["request_ok"] is True
    assert len(lab.taps()) <= 60
    assert one_short_line(caplog)


def test_a_new_card_is_seen_after_a_flood_of_a_minute(lab):
    for _time in range(100):
        lab.tap(7, UNKNOWN_UID)
    lab.time.travel(61)
    lab.tap(7, ADA)
    assert lab.taps()[-1].uid == ADA


def test_a_flood_at_one_machine_hides_no_tap_at_another(lab, printer):
    for _time in range(100):
        lab.tap(7, UNKNOWN_UID)
    lab.tap(12, ADA)
    assert lab.taps()[-1].machine_id == 12


def test_a_failing_database_leaves_no_traceback_in_the_log(lab, caplog):
    with database_fails("unable to open database file"), caplog.at_level(logging.DEBUG):
        ask(lab, "startuse")
    assert all(record.exc_info is None for record in caplog.records)
