import os
import threading

import paho.mqtt.client as mqtt
import pytest

from deploy import brokers
from deploy.brokers import Listener, Login
from deploy.children import Supervisor
from deploy.environment import BASE_DIR


@pytest.fixture
def port(tmp_path):
    port = brokers.first_free(18860)
    supervisor = Supervisor(BASE_DIR)
    command = brokers.prepare_broker(tmp_path, Listener(port, "127.0.0.1"), [Login("boards", "s3cret")], mosquitto="")
    supervisor.start("broker", command, os.environ)
    assert supervisor.wait_until(lambda: brokers.answers("127.0.0.1", port), 20)
    yield port
    supervisor.stop()


class Client:
    def __init__(self, port, *topics):
        self.heard = []
        self._something = threading.Event()
        self._subscribed = threading.Semaphore(0)
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self._client.username_pw_set("boards", "s3cret")
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

    def connect(*topics):
        clients.append(Client(port, *topics))
        return clients[-1]

    yield connect
    for client in clients:
        client.leave()


def test_retained_status_is_for_those_who_ask_only(connect):
    worker = connect("fabomatic/status/#")
    worker.say("fabomatic/status/7", b"free", retain=True)
    assert worker.hears()

    screen, board = connect("fabomatic/status/7"), connect("machine/7/reply")
    worker.say("machine/7/reply", b"yes")

    assert screen.hears() == [("fabomatic/status/7", b"free")]
    assert board.hears() == [("machine/7/reply", b"yes")]


def test_many_boards_may_come_at_once(connect):
    boards = [connect(f"machine/{number}/reply") for number in range(20)]

    connect().say("machine/19/reply", b"yes")

    assert boards[19].hears() == [("machine/19/reply", b"yes")]
