"""A message that cannot be sent says so soon, and why."""

import socket
import threading
from contextlib import contextmanager

import pytest

from telemetry.outbox import NotPublished, publish_once

NOT_AUTHORIZED = bytes([0x20, 2, 0, 5])
WELCOME = bytes([0x20, 2, 0, 0])


@contextmanager
def broker_that_says(answer: bytes):
    """To whoever connects; `received` is what it was told until the other side closed."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        received = []

        def serve():
            connection, _address = server.accept()
            with connection:
                connection.settimeout(5)
                received.append(connection.recv(4096))
                connection.sendall(answer)
                while more := connection.recv(4096):
                    received.append(more)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"mqtt://backend:secret-word@127.0.0.1:{server.getsockname()[1]}", received
        thread.join(5)


def sentence(settings, url, timeout=2.0):
    settings.MQTT_URL = url
    with pytest.raises(NotPublished) as refused:
        publish_once("machine/7/request", b"{}", timeout)
    return str(refused.value)


def test_a_broker_that_is_not_there_is_said(settings):
    assert sentence(settings, "mqtt://127.0.0.1:9") == "No broker answers at 127.0.0.1:9."


def test_a_broker_that_says_nothing_is_not_waited_for(settings):
    with broker_that_says(b"") as (url, _received):
        assert "does not answer" in sentence(settings, url, timeout=0.05)


def test_a_refusal_is_said_without_the_password(settings):
    with broker_that_says(NOT_AUTHORIZED) as (url, _received):
        text = sentence(settings, url)
    assert "Not authorized" in text
    assert "secret-word" not in text


def test_an_address_that_is_none_is_said(settings):
    assert "MQTT_URL" in sentence(settings, "http://backend:secret-word@127.0.0.1")


def test_what_is_sent_is_not_retained_and_ends_with_a_goodbye(settings):
    with broker_that_says(WELCOME) as (url, received):
        settings.MQTT_URL = url
        publish_once("machine/7/request", b"{}")
    told = b"".join(received[1:])
    publish = b"\x30" + bytes([2 + 17 + 2]) + b"\x00\x11machine/7/request" + b"{}"
    assert told == publish + b"\xe0\x00"
