"""A request for a board, through a real Mosquitto."""

import json
import time
from datetime import UTC, datetime

import pytest

from telemetry import remote
from telemetry.outbox import NotPublished, publish_once
from telemetry.remote import Asked, Kind
from tests.broker import lab

pytestmark = lab.needs_broker
TOPIC = "machine/7/request"


def asked(kind=Kind.START):
    return Asked(7, kind, lab.CARLA, datetime.now(UTC), running_use=None, last_use=0, last_tap=0)


@pytest.fixture
def ours(settings, broker):
    settings.MQTT_URL = broker.url
    return broker


@pytest.mark.parametrize("kind", Kind)
def test_it_reaches_the_board_once_and_fits_its_buffer(ours, connect, kind):
    board = connect(lab.Client, TOPIC)
    remote.send(asked(kind))
    publish_once(TOPIC, b"the end")
    lab.until(lambda: board.latest(TOPIC) == b"the end")
    (topic, payload, _retained), _end = board.heard
    assert (topic, json.loads(payload)) == (TOPIC, {"request_type": kind.value, "uid": lab.CARLA})
    assert len(topic) + len(payload) < 200


def test_a_board_that_connects_later_hears_nothing_of_it(ours, connect):
    early = connect(lab.Client, TOPIC)
    remote.send(asked())
    lab.until(lambda: early.heard)
    late = connect(lab.Client, "machine/#")
    publish_once("machine/7/end", b"")
    lab.until(lambda: late.heard)
    assert [topic for topic, _payload, _retained in late.heard] == ["machine/7/end"]


def test_a_broker_that_hangs_is_given_up_in_time(ours):
    ours.signal(lab.signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(NotPublished, match="does not answer"):
        remote.send(asked())
    assert time.monotonic() - began < 4


def test_a_wrong_password_is_said(tmp_path, settings):
    if lab.PASSWORDS is None:
        pytest.skip("mosquitto_passwd is not installed")
    broker = lab.Broker(tmp_path, passwords={"backend": "right"}).start()
    try:
        settings.MQTT_URL = f"mqtt://backend:wrong@{lab.HOST}:{broker.port}"
        with pytest.raises(NotPublished, match="refuses us"):
            remote.send(asked())
        settings.MQTT_URL = f"mqtt://backend:right@{lab.HOST}:{broker.port}"
        remote.send(asked())
    finally:
        broker.end()
