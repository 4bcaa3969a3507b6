"""What a web process makes of what it hears on the broker, and when it says that it hears nothing."""

import json
from types import SimpleNamespace

import pytest

from telemetry.link import Arrived, Connected, Disconnected
from telemetry.live.feed import FIRST_WORD, WORKER_LOST_AFTER, Feed, Trouble

HEART_BEAT = json.dumps({"Connected": True, "Received": 1, "Sent": 1}).encode()
LAST_WILL = json.dumps({"Connected": False}).encode()


class RememberingWall:
    def __init__(self):
        self.online = {}
        self.everything = 0
        self.forgotten = 0

    def note(self, machine_id, *, is_online):
        self.online[machine_id] = is_online

    def note_everything(self):
        self.everything += 1

    def forget_who_is_online(self):
        self.forgotten += 1


@pytest.fixture
def wall():
    return RememberingWall()


@pytest.fixture
def feed(wall, time):
    return Feed(wall, time)


def hear(feed, topic, payload=b"", retained=False):
    feed.take(Arrived(topic, payload, 0.0, retained))


def connected(feed):
    feed.take(Connected())
    hear(feed, "stats/backend", HEART_BEAT)
    return feed


def test_a_status_marks_its_machine_and_says_whether_it_is_online(feed, wall):
    hear(feed, "fabomatic/status/7", b'{"id":7,"is_online":true}', retained=True)
    hear(feed, "fabomatic/status/12", b'{"id":12,"is_online":false}', retained=True)
    assert wall.online == {7: True, 12: False}


def test_the_status_of_a_deleted_machine_is_empty(feed, wall):
    hear(feed, "fabomatic/status/7", b"")
    assert wall.online == {7: False}


@pytest.mark.parametrize(
    "payload", [b"\xff", b"[]", b"null", b"7", b'"x"', b"{", b"[" * 50_000, b'{"is_online":"yes"}']
)
def test_rubbish_on_a_status_topic_stops_nothing(feed, wall, payload):
    hear(feed, "fabomatic/status/7", payload)
    assert wall.online == {7: False}


@pytest.mark.parametrize("end", ["", "x", "7/8", "²", "9" * 30])
def test_a_topic_that_is_no_machine_is_left_out(feed, wall, end):
    hear(feed, f"fabomatic/status/{end}", b"{}")
    assert wall.online == {}


def test_a_nudge_marks_everything(feed, wall):
    hear(feed, "fabomatic/nudge")
    assert (wall.everything, feed.nudged) == (1, 1)


def test_a_new_connection_marks_everything(feed, wall):
    feed.take(Connected())
    assert wall.everything == 1


def test_listeners_are_called_for_whatever_comes(feed):
    calls = []

    def listener():
        calls.append(True)

    feed.listen(listener)
    hear(feed, "fabomatic/nudge")
    feed.unlisten(listener)
    hear(feed, "fabomatic/nudge")
    assert len(calls) == 1


def test_all_is_well_with_a_broker_and_a_heart_beat(feed):
    assert connected(feed).trouble() is None


def test_a_broker_that_is_gone_is_said_at_once(feed):
    connected(feed).take(Disconnected())
    assert feed.trouble() is Trouble.BROKER
    assert not feed.is_live


def test_a_broker_that_was_never_there_is_said_after_a_moment(feed, time):
    time.now += 2
    assert feed.trouble() is Trouble.BROKER


def test_a_worker_gets_a_moment_to_answer_our_first_nudge(feed, time):
    feed.take(Connected())
    assert feed.trouble() is None
    time.now += FIRST_WORD + 0.1
    assert feed.trouble() is Trouble.WORKER


def test_a_worker_whose_heart_stopped_is_missed(feed, time):
    connected(feed)
    time.now += WORKER_LOST_AFTER - 0.1
    assert feed.trouble() is None
    time.now += 0.2
    assert feed.trouble() is Trouble.WORKER


def test_a_worker_whose_will_the_broker_read_is_missed_at_once(feed):
    hear(connected(feed), "stats/backend", LAST_WILL)
    assert feed.trouble() is Trouble.WORKER


def test_another_workers_heart_beat_is_not_ours(feed, time):
    connected(feed)
    time.now += WORKER_LOST_AFTER + 1
    hear(feed, "stats/another", HEART_BEAT)
    assert feed.trouble() is Trouble.WORKER


def test_a_broker_that_refuses_us_is_no_broker(feed):
    connected(feed)._link = SimpleNamespace(fatal="The broker refuses us.")
    assert feed.trouble() is Trouble.BROKER
    assert not feed.is_live


@pytest.mark.parametrize("loss", ["broker", "worker"])
def test_once_nobody_tells_us_the_database_says_who_is_online(feed, wall, time, loss):
    connected(feed)
    feed._has_forgotten = False
    if loss == "broker":
        feed.take(Disconnected())
    time.now += WORKER_LOST_AFTER + 1
    feed.trouble()
    feed.trouble()
    assert wall.forgotten == 1


def test_an_address_that_is_none_starts_nothing(feed, settings):
    settings.MQTT_URL = "http://nowhere"
    feed.start()
    assert not feed.is_started
