"""The broker that `make run` starts, with Mosquitto and with amqtt: who may say and hear what."""

import os
import threading

import paho.mqtt.client as mqtt
import pytest

from deploy import brokers
from deploy.brokers import Listener, Login
from deploy.children import Supervisor
from deploy.environment import BASE_DIR

LOGINS = [Login("boards", "s3cret"), Login("backend", "other")]


@pytest.fixture(params=["mosquitto", "amqtt"])
def port(request, tmp_path):
    mosquitto = brokers.find_mosquitto() if request.param == "mosquitto" else ""
    if request.param == "mosquitto" and not mosquitto:
        pytest.skip("Mosquitto is not installed")
    port = brokers.first_free(18860)
    supervisor = Supervisor(BASE_DIR)
    command = brokers.prepare_broker(tmp_path, Listener(port, "127.0.0.1"), LOGINS, mosquitto)
    supervisor.start("broker", command, os.environ)
    assert supervisor.wait_until(lambda: brokers.answers("127.0.0.1", port), 20)
    yield port
    supervisor.stop()


class Client:
    def __init__(self, port, login, *topics):
        self.heard = []
        self._something = threading.Event()
        self._subscribed = threading.Semaphore(0)
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self._client.username_pw_set(login.user, login.password)
        self._client.on_subscribe = lambda *_: self._subscribed.release()
        self._client.on_message = self._hear
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        for topic in topics:
            self._client.subscribe(topic)
            assert self._subscribed.acquire(timeout=5)

    def _hear(self, _client, _userdata, message):
        self.heard.append((message.topic, message.payload))
        self._something.set()

    def hears(self):
        assert self._something.wait(5)
        return self.heard

    def say(self, topic, payload, **options):
        self._client.publish(topic, payload, **options).wait_for_publish(5)

    def leave(self):
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def connect(port):
    clients = []

    def connect(*topics, login=LOGINS[0]):
        clients.append(Client(port, login, *topics))
        return clients[-1]

    yield connect
    for client in clients:
        client.leave()


def test_retained_status_is_for_those_who_ask_only(connect):
    worker = connect("fabomatic/status/#", login=LOGINS[1])
    worker.say("fabomatic/status/7", b"free", retain=True)
    assert worker.hears()

    screen, board = connect("fabomatic/status/7", login=LOGINS[1]), connect("machine/7/reply")
    worker.say("machine/7/reply", b"yes")

    assert screen.hears() == [("fabomatic/status/7", b"free")]
    assert board.hears() == [("machine/7/reply", b"yes")]


def test_many_boards_may_come_at_once(connect):
    boards = [connect(f"machine/{number}/reply") for number in range(20)]

    connect().say("machine/19/reply", b"yes")

    assert boards[19].hears() == [("machine/19/reply", b"yes")]


def test_boards_cannot_speak_for_the_backend(connect):
    worker = connect("fabomatic/#", "machine/7", login=LOGINS[1])
    board = connect()
    board.say("fabomatic/worker/backend", b"its double")
    board.say("fabomatic/status/7", b"free", retain=True)
    board.say("machine/7", b"a tap")
    assert worker.hears() == [("machine/7", b"a tap")]


def test_boards_may_use_whatever_switch_topic_the_lab_chose(connect):
    switch = connect("cellar/lamps/3/set")
    connect().say("cellar/lamps/3/set", b"off")
    assert switch.hears() == [("cellar/lamps/3/set", b"off")]
