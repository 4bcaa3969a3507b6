"""One message to the broker, from a process that keeps no connection for speaking."""

from __future__ import annotations

import ssl
import time
import uuid
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as mqtt
from django.conf import settings
from django.utils.translation import gettext as _
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from telemetry.broker_address import BrokerAddress

TIMEOUT = 2.0  # somebody may be waiting for the page that says whether it went
KEEP_ALIVE = 5


class NotPublished(Exception):
    """Why, in a sentence; the password is not in it."""


def publish_once(topic: str, payload: bytes, timeout: float = TIMEOUT) -> None:
    """At most once, and never retained: whoever connects later must not hear it. Raises NotPublished."""
    try:
        address = BrokerAddress.from_url(settings.MQTT_URL)
    except ValueError as error:
        raise NotPublished(f"MQTT_URL: {error}.") from None
    answers: list[Any] = []
    client = _client(address, answers, timeout)
    deadline = time.monotonic() + timeout
    try:
        client.connect(address.host, address.port, keepalive=KEEP_ALIVE)
        _turn_until(client, lambda: bool(answers), deadline)
        if not answers:
            raise NotPublished(_("The broker at %(address)s does not answer.") % {"address": address})
        if answers[0].is_failure:
            facts = {"address": address, "reason": answers[0]}
            raise NotPublished(_("The broker at %(address)s refuses us: %(reason)s.") % facts)
        sent = client.publish(topic, payload, qos=0, retain=False)
        _turn_until(client, lambda: sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS or sent.is_published(), deadline)
        if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS or not sent.is_published():
            raise NotPublished(_("The connection to the broker at %(address)s was lost.") % {"address": address})
        client.disconnect()
    except OSError:  # TLS says no in the same way
        raise NotPublished(_("No broker answers at %(address)s.") % {"address": address}) from None
    finally:
        if (left_open := client.socket()) is not None:
            left_open.close()


def _client(address: BrokerAddress, answers: list[Any], timeout: float) -> mqtt.Client:
    own_id = f"{settings.MQTT_CLIENT_ID}-once-{uuid.uuid4().hex[:8]}"
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=own_id, clean_session=True)
    client.connect_timeout = timeout
    if address.user:
        client.username_pw_set(address.user, address.password)
    if address.is_tls:
        client.tls_set_context(ssl.create_default_context())
    client.on_connect = lambda _client, _data, _flags, reason, _properties: answers.append(reason)
    return client


def _turn_until(client: mqtt.Client, is_done: Callable[[], bool], deadline: float) -> None:
    while not is_done() and (left := deadline - time.monotonic()) > 0:
        if client.loop(timeout=left) != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return
