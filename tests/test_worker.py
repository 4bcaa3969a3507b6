"""The life of the worker, turn by turn, without a broker and without waiting."""

import json
from datetime import timedelta
from queue import SimpleQueue

import pytest
from django.db import InterfaceError, OperationalError

from machines.models import Machine, Use
from telemetry.link import Arrived, Connected, Disconnected
from telemetry.models import Tap
from telemetry.protocol import Topics
from telemetry.worker import Worker
from tests.at_the_desk import Time, database_fails
from tests.conftest import NOW, UIDS, UNKNOWN_UID

pytestmark = pytest.mark.django_db

ADA = UIDS["ada"]


class FakeLink:
    def __init__(self):
        self.own_address = "127.0.0.1"
        self.inbox = SimpleQueue()
        self.fatal = None
        self.is_connected = True
        self.published, self.subscribed, self.unsubscribed = [], [], []

    def will(self, topic, payload):
        self.last_words = (topic, payload)

    def start(self):
        self.inbox.put(Connected())

    def stop(self, timeout=1.0):
        self.is_connected = False

    def publish(self, topic, payload, retain=False):
        self.published.append((topic, payload, retain))

    def subscribe(self, topic):
        self.subscribed.append(topic)

    def unsubscribe(self, topic):
        self.unsubscribed.append(topic)


class Shift:
    """A worker at work: what it hears is put into its inbox, then it takes its turns."""

    def __init__(self):
        self.time, self.link = Time(), FakeLink()
        self.worker = Worker(
            self.link,
            Topics(),
            client_id="backend",
            stats_topic="stats",
            packet_limit=300,
            clock=self.time.clock,
            monotonic=self.time.monotonic,
        )

    def hear(self, topic, payload=b"", *, is_retained=False, **fields):
        payload = json.dumps(fields).encode() if fields else payload
        self.link.inbox.put(Arrived(topic, payload, self.time.seconds, is_retained))
        self.turn()

    def turn(self):
        self.worker.turn()
        while not self.link.inbox.empty() or self.worker.desk.pending:
            self.worker.turn()

    def pass_time(self, seconds, step=1.0):
        for _step in range(round(seconds / step)):
            self.time.travel(step)
            self.worker.turn()

    def said(self, topic):
        return [payload for published, payload, _retain in self.link.published if published == topic]

    def state(self, machine=7):
        return json.loads(self.said(f"fabomatic/status/{machine}")[-1])["state"]


@pytest.fixture
def shift(ada, laser, monkeypatch):
    monkeypatch.setattr("telemetry.worker.IDLE", 0.0)
    shift = Shift()
    shift.link.start()
    shift.turn()
    return shift


def test_a_query_is_answered_and_a_retained_one_is_not(shift):
    shift.hear("machine/7", action="checkuser", uid=ADA, is_retained=True)
    assert shift.said("machine/7/reply") == []
    shift.hear("machine/7", action="checkuser", uid=ADA)
    assert len(shift.said("machine/7/reply")) == 1


def test_a_tap_is_written_within_a_second(shift):
    shift.hear("machine/7", action="checkuser", uid=UNKNOWN_UID)
    shift.pass_time(1, step=0.1)
    assert Tap.objects.get().uid == UNKNOWN_UID


def test_that_a_machine_came_is_written_soon(shift):
    shift.hear("machine/7", action="checkmachine")
    shift.pass_time(2)
    assert Machine.objects.get(pk=7).last_seen_at == NOW


def test_that_a_machine_is_there_is_written_twice_a_minute(shift):
    for _time in range(4):
        shift.hear("machine/7", action="checkmachine")
        shift.pass_time(30)
    assert Machine.objects.get(pk=7).last_seen_at >= NOW + timedelta(seconds=60)


def test_a_machine_silent_for_90_seconds_is_said_to_be_offline(shift):
    shift.hear("machine/7", action="checkmachine")
    shift.pass_time(88)
    assert shift.state() == "free"
    shift.pass_time(4)
    assert shift.state() == "offline"
    shift.hear("machine/7", action="checkmachine")
    assert shift.state() == "free"


def test_a_use_without_a_sign_of_life_is_closed_after_an_hour(shift):
    shift.hear("machine/7", action="startuse", uid=ADA)
    shift.pass_time(3500, step=10)
    assert Use.objects.get().ended_at is None
    shift.pass_time(200, step=10)
    assert Use.objects.get().end_reason == "lost"


def test_after_our_own_absence_boards_are_listened_to_first(shift):
    """Nobody spoke for hours, because we were away; the board reports within 30 s of our return."""
    shift.hear("machine/7", action="startuse", uid=ADA)
    shift.link.inbox.put(Disconnected())
    shift.turn()
    shift.pass_time(7200, step=10)
    assert Use.objects.get().ended_at is None
    shift.link.inbox.put(Connected())
    shift.turn()
    shift.pass_time(60)
    shift.hear("machine/7", action="inuse", uid=ADA, duration=7260)
    shift.pass_time(600, step=10)
    assert Use.objects.get().ended_at is None


def test_statistics_go_out_every_five_seconds(shift):
    shift.link.published.clear()
    shift.pass_time(20)
    assert len(shift.said("stats/backend")) == 4


def test_statistics_of_a_worker_without_broker_stay_here(shift):
    shift.link.is_connected = False
    shift.link.published.clear()
    shift.pass_time(20)
    assert shift.said("stats/backend") == []


def test_a_nudge_looks_for_changes_at_once(shift, laser):
    shift.pass_time(5)
    laser.is_blocked = True
    laser.save()
    shift.hear("fabomatic/nudge")
    shift.pass_time(0.3, step=0.1)
    assert shift.state() == "blocked"


def test_a_thousand_nudges_a_second_are_not_a_thousand_looks(shift, monkeypatch):
    looks = []
    monkeypatch.setattr(shift.worker._publisher, "sweep", looks.append)
    shift.pass_time(5)
    looks.clear()
    for _time in range(100):
        shift.hear("fabomatic/nudge")
        shift.pass_time(0.01, step=0.01)
    assert 2 <= len(looks) <= 6


def test_a_change_nobody_told_is_found_within_seconds(shift, laser):
    shift.pass_time(5)
    laser.is_blocked = True
    laser.save()
    shift.pass_time(5)
    assert shift.state() == "blocked"


def test_every_connection_publishes_all_statuses_again(shift):
    shift.pass_time(3)
    shift.link.published.clear()
    shift.link.inbox.put(Disconnected())
    shift.link.inbox.put(Connected())
    shift.turn()
    shift.pass_time(3)
    assert len(shift.said("fabomatic/status/7")) == 1


# ---- replies that leave together -------------------------------------------------------------------------------------


@pytest.fixture
def crowd(shift, printer):
    """More is waiting to be read: the reply to the first may leave together with others."""
    shift.pass_time(10)
    for uid in (ADA, UNKNOWN_UID):
        payload = json.dumps({"action": "checkuser", "uid": uid}).encode()
        shift.link.inbox.put(Arrived("machine/12", payload, shift.time.seconds, False))
    return shift


def test_no_answer_leaves_late_because_it_waited_for_others(crowd):
    crowd.worker.turn()
    crowd.time.travel(2)
    crowd.turn()
    assert crowd.said("machine/12/reply") == []


def said_when_called(crowd, monkeypatch, owner, name):
    said = []
    monkeypatch.setattr(owner, name, lambda *args: said.append(len(crowd.said("machine/12/reply"))))
    return said


def test_no_answer_waits_for_a_transaction(crowd, monkeypatch):
    for _number in range(32):
        crowd.worker.desk.accept("machine/7", b'{"action":"startuse","uid":"0a1b2c3d"}', crowd.time.seconds)
    said = said_when_called(crowd, monkeypatch, crowd.worker.desk, "serve_pending")
    crowd.worker.turn()
    assert said == [1]


def test_no_answer_waits_for_the_housekeeping(crowd, monkeypatch):
    crowd.time.travel(1)
    said = said_when_called(crowd, monkeypatch, crowd.worker._ticks[0], "run")
    crowd.worker.turn()
    assert said == [1]


# ---- two workers -----------------------------------------------------------------------------------------------------

CLAIM = "fabomatic/worker/backend"


def test_what_one_before_us_left_on_the_broker_is_no_second_worker(shift):
    shift.hear(CLAIM, b"somebody-before-us", is_retained=True)
    assert shift.link.fatal is None


def test_who_claims_after_us_ends_us(shift):
    (own,) = shift.said(CLAIM)
    shift.hear(CLAIM, own)
    shift.hear(CLAIM, b"somebody-after-us", is_retained=True)
    assert "MQTT_CLIENT_ID" in shift.link.fatal


def test_who_answers_our_boards_under_another_name_ends_us(shift):
    """Two answers to one query: every later one would be one off."""
    (own,) = shift.said("fabomatic/answers/machine")
    shift.hear("fabomatic/answers/machine", own)
    shift.hear("fabomatic/answers/machine", b"somebody-after-us", is_retained=True)
    assert "two answers" in shift.link.fatal


def test_our_own_claim_after_a_reconnection_harms_nobody(shift):
    (own,) = shift.said(CLAIM)
    shift.hear(CLAIM, own)
    shift.link.inbox.put(Connected())
    shift.turn()
    shift.hear(CLAIM, own, is_retained=True)
    assert shift.link.fatal is None
    assert shift.said(CLAIM) == [own]


def test_a_claim_that_got_lost_is_made_again(shift):
    shift.link.inbox.put(Connected())
    shift.turn()
    assert len(shift.said(CLAIM)) == 2


# ---- trouble ---------------------------------------------------------------------------------------------------------


def test_housekeeping_that_fails_is_done_later(shift, caplog):
    shift.hear("machine/7", action="checkuser", uid=ADA)
    with database_fails():
        shift.pass_time(60)
    assert len(caplog.records) <= 2
    shift.pass_time(2)
    assert Tap.objects.count() == 1


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("connection already closed")])
def test_a_lost_connection_in_housekeeping_is_one_line_in_the_log(shift, caplog, monkeypatch, error):
    def fail(*args):
        raise error

    monkeypatch.setattr(shift.worker._publisher, "sweep", fail)
    shift.pass_time(60)
    assert len(caplog.records) == 1
    assert caplog.records[0].exc_info is None


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("gone"), ValueError("a bug")])
def test_a_status_that_cannot_be_made_is_tried_with_patience_and_found_by_the_sweep(shift, monkeypatch, error):
    attempts = []

    def fail(*args):
        attempts.append(1)
        raise error

    monkeypatch.setattr(shift.worker._publisher, "publish_changed", fail)
    monkeypatch.setattr(shift.worker._publisher, "sweep", fail)
    shift.hear("machine/7", action="startuse", uid=ADA)
    shift.pass_time(10, step=0.01)
    assert len(attempts) < 20
    monkeypatch.undo()
    shift.pass_time(3)
    assert shift.state() == "in_use"


def test_a_bug_in_housekeeping_does_not_end_the_worker(shift, monkeypatch):
    monkeypatch.setattr(shift.worker._publisher, "sweep", lambda *args: 1 / 0)
    shift.pass_time(10)
    shift.hear("machine/7", action="checkuser", uid=ADA)
    assert len(shift.said("machine/7/reply")) == 1


def test_a_bug_in_housekeeping_does_not_fill_the_log(shift, monkeypatch, caplog):
    monkeypatch.setattr(shift.worker._publisher, "sweep", lambda *args: 1 / 0)
    shift.pass_time(600)
    assert len(caplog.records) <= 20


def test_it_says_goodbye_and_forgets_nothing(shift, monkeypatch):
    monkeypatch.setattr(shift.link, "start", lambda: None)
    shift.hear("machine/7", action="checkuser", uid=ADA)
    shift.worker.is_stopping = True
    assert shift.worker.run() is None
    assert Tap.objects.count() == 1
    assert json.loads(shift.said("stats/backend")[-1])["Connected"] is False
    assert shift.said(CLAIM)[-1] == b""


def test_its_last_will_says_that_it_is_gone(shift):
    topic, payload = shift.link.last_words
    assert topic == "stats/backend"
    assert json.loads(payload)["Connected"] is False


def test_retained_statuses_are_read_once_after_each_connect(shift):
    shift.pass_time(10)
    assert shift.link.unsubscribed == ["fabomatic/status/+"]
    shift.link.start()
    shift.pass_time(10)
    assert shift.link.unsubscribed == ["fabomatic/status/+"] * 2


def test_a_nudge_right_after_the_connect_does_not_end_the_reading_of_retained_statuses(shift):
    shift.hear("fabomatic/nudge")
    assert shift.link.unsubscribed == []
    shift.hear("fabomatic/status/999", b"{}", is_retained=True)
    shift.pass_time(3)
    assert shift.said("fabomatic/status/999") == [b""]
