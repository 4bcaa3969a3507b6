"""The connection to the broker. Its thread only hands on what arrives: to the worker's queue, or to a web process."""

from __future__ import annotations

import logging
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import paho.mqtt.client as mqtt
from django.utils.translation import gettext as _
from paho.mqtt.enums import CallbackAPIVersion

from telemetry.broker_address import BrokerAddress
from telemetry.protocol import MAX_PAYLOAD_BYTES

logger = logging.getLogger(__name__)

SAID_AGAIN_AFTER = 60.0
KEEP_ALIVE = 5  # seconds; as long a worker that hangs times its boards out
MAX_WAITING = 20_000
MAX_TOPIC = 200
# MQTT 3.1.1 return codes, as paho names them, that no retry will mend.
_FINAL_REFUSALS = {
    "Unsupported protocol version",
    "Client identifier not valid",
    "Bad user name or password",
    "Not authorized",
}


@dataclass(frozen=True, slots=True)
class Arrived:
    topic: str
    payload: bytes
    at: float
    is_retained: bool


@dataclass(frozen=True, slots=True)
class Connected:
    pass


@dataclass(frozen=True, slots=True)
class Disconnected:
    pass


News = Arrived | Connected | Disconnected


class Link:
    """`fatal` holds the sentence to end with when trying again makes no sense, `own_address` where we connect from."""

    def __init__(
        self,
        address: BrokerAddress,
        client_id: str,
        subscriptions: tuple[str, ...],
        *,
        deliver: Callable[[News], object] | None = None,
        retry_seconds: tuple[float, float] = (1, 30),
    ) -> None:
        """`deliver` is called in the network's thread; without it news wait in `inbox`."""
        self.address = address
        self.inbox: SimpleQueue[News] = SimpleQueue()
        self._deliver = deliver or self.inbox.put
        self._said, self._said_at = "", 0.0
        self.fatal: str | None = None
        self.own_address = ""
        self._subscriptions = subscriptions
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=True)
        if address.user:
            self._client.username_pw_set(address.user, address.password)
        if address.is_tls:
            self._client.tls_set()
        self._client.reconnect_delay_set(*retry_seconds)  # type: ignore[arg-type]  # waits for fractions, too
        self._client.on_socket_open = self._on_socket_open
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    @property
    def is_connected(self) -> bool:
        return self._client.is_connected()

    def will(self, topic: str, payload: bytes) -> None:
        """What the broker says for us when we are gone without a word; before `start`."""
        self._client.will_set(topic, payload)

    def start(self) -> None:
        """In a thread of our own: with paho's `loop_start` each `publish` would wake that thread to send it."""
        self._client.connect_async(self.address.host, self.address.port, keepalive=KEEP_ALIVE)
        self._thread.start()

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        """At most once; while there is no broker it is lost, which is right: it would only come late."""
        self._client.publish(topic, payload, qos=0, retain=retain)

    def subscribe(self, topic: str) -> None:
        self._client.subscribe(topic, qos=0)

    def unsubscribe(self, topic: str) -> None:
        self._client.unsubscribe(topic)

    def stop(self, timeout: float = 1.0) -> None:
        """Lets what was published leave, then says goodbye."""
        deadline = time.monotonic() + timeout
        while self._client.want_write() and time.monotonic() < deadline:
            time.sleep(0.005)
        self._client.disconnect()
        self._thread.join(timeout)

    # ---- in the network's thread ------------------------------------------------------------------------------------

    def _run(self) -> None:
        self._client.loop_forever(retry_first_connection=True)

    def _on_socket_open(self, client: mqtt.Client, userdata: Any, sock: Any) -> None:
        # Without it a reply may wait 40 ms for the other side's acknowledgement.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.own_address = str(sock.getsockname()[0])

    def _on_connect(self, client: mqtt.Client, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            if str(reason) in _FINAL_REFUSALS:
                sentence = _("The broker at %(address)s refuses us: %(reason)s. Check MQTT_URL.")
                self._give_up(sentence % {"address": self.address, "reason": reason})
            else:
                self._warn(f"The broker at {self.address} refuses us: {reason}. Trying again.")
            return
        logger.info("Connected to the broker at %s.", self.address)
        self.fatal, self._said = None, ""
        for topic in self._subscriptions:
            client.subscribe(topic, qos=0)
        self._deliver(Connected())

    def _on_connect_fail(self, client: mqtt.Client, userdata: Any) -> None:
        self._warn(f"The broker at {self.address} cannot be reached ({sys.exc_info()[1]}). Trying again.")
        self._deliver(Disconnected())

    def _on_disconnect(self, client: mqtt.Client, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._warn(f"The connection to the broker is lost ({reason}). Trying again.")
        self._deliver(Disconnected())

    def _on_subscribe(self, client: mqtt.Client, userdata: Any, mid: int, reasons: Any, properties: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            sentence = _("The broker at %(address)s does not let us listen to the boards. Check its access list.")
            self._give_up(sentence % {"address": self.address})

    def _on_message(self, client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        arrived = time.monotonic()
        if self.inbox.qsize() >= MAX_WAITING:
            return
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return
        # A byte more than any message is enough to see that it is none; megabytes must not pile up here.
        payload = bytes(message.payload[: MAX_PAYLOAD_BYTES + 1])
        self._deliver(Arrived(topic[:MAX_TOPIC], payload, arrived, message.retain))

    def _give_up(self, sentence: str) -> None:
        """A worker ends with it; a web process goes on trying, for somebody may mend the broker."""
        self.fatal = sentence
        self._warn(sentence)

    def _warn(self, sentence: str) -> None:
        """The same thing once a minute: who retries twice a second need not say so each time."""
        now = time.monotonic()
        if sentence != self._said or now - self._said_at > SAID_AGAIN_AFTER:
            logger.warning(sentence)
            self._said, self._said_at = sentence, now
