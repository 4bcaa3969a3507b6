"""A board's line over paho. No thread of paho's: like the firmware, the board's own loop does the network."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import paho.mqtt.client as mqtt
from django.utils.translation import gettext as _
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from telemetry.broker_address import BrokerAddress
from telemetry.simulation.line import ConnectionRefused, NoConnection
from telemetry.simulation.wire import Arrival, BoardTopics

KEEP_ALIVE = 10
ANSWER_WITHIN = 1.0  # the firmware's patience with CONNECT and SUBSCRIBE
_LASTING = {"Not authorized", "Bad user name or password"}


class PahoLine:
    def __init__(self, address: BrokerAddress) -> None:
        self._address = address
        self._client: mqtt.Client | None = None
        self._arrivals: deque[Arrival] = deque()
        self._connack: ReasonCode | None = None
        self._subacks: list[bool] = []
        self._is_up = False

    @property
    def is_connected(self) -> bool:
        return self._client is not None and self._is_up

    def connect(self, client_id: str, topics: BoardTopics) -> None:
        self.close()
        self._arrivals.clear()
        self._connack, self._subacks = None, []
        self._client = client = self._new_client(client_id)
        try:
            client.connect(self._address.host, self._address.port, keepalive=KEEP_ALIVE)
        except (OSError, ValueError):
            self._fail(_("No broker answers at {address}"))
        self._wait_for(lambda: self._connack is not None)
        self._check_connack()
        for topic in (topics.reply, topics.request):
            client.subscribe(topic, qos=0)
        self._wait_for(lambda: len(self._subacks) == 2)
        if not all(self._subacks):
            self._fail(_("The broker at {address} refuses a subscription"))
        self._is_up = True

    def disconnect(self) -> None:
        if self._client is not None and self._is_up:
            self._client.disconnect()
        self.close()

    def close(self) -> None:
        client, self._client = self._client, None
        self._is_up = False
        if client is not None and (open_socket := client.socket()) is not None:
            with suppress(OSError):
                open_socket.close()

    def publish(self, topic: str, payload: bytes) -> bool:
        if self._client is None or not self._is_up:
            return False
        return self._client.publish(topic, payload, qos=0).rc == MQTTErrorCode.MQTT_ERR_SUCCESS and self._is_up

    def receive(self, seconds: float) -> Arrival | None:
        if not self.is_connected and not self._arrivals:
            time.sleep(seconds)
            return None
        until = time.monotonic() + seconds
        self._turn(0.0)
        while not self._arrivals and self._is_up and (left := until - time.monotonic()) > 0:
            self._turn(left)
        return self._arrivals.popleft() if self._arrivals else None

    # ---- paho --------------------------------------------------------------------------------------------------------

    def _new_client(self, client_id: str) -> mqtt.Client:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=True)
        if self._address.user:
            client.username_pw_set(self._address.user, self._address.password)
        if self._address.is_tls:
            client.tls_set()
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _turn(self, seconds: float) -> None:
        if self._client is not None and self._client.loop(timeout=seconds) != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._is_up = False

    def _wait_for(self, is_there: Callable[[], bool]) -> None:
        until = time.monotonic() + ANSWER_WITHIN
        while not is_there():
            left = until - time.monotonic()
            if left <= 0 or self._client is None:
                self._fail(_("The broker at {address} does not answer"))
                return
            if self._client.loop(timeout=left) != MQTTErrorCode.MQTT_ERR_SUCCESS and not is_there():
                self._fail(_("The broker at {address} closed the connection"))

    def _check_connack(self) -> None:
        if self._connack is None or not self._connack.is_failure:
            return
        if self._connack.getName() in _LASTING:
            self.close()
            user = self._address.user or _("(none)")
            raise ConnectionRefused(
                _("The broker at {address} refuses user {user}: wrong name or password").format(
                    address=self._address, user=user
                )
            )
        self._fail(_("The broker at {address} refuses the connection"))

    def _fail(self, sentence: str) -> None:
        self.close()
        raise NoConnection(sentence.format(address=self._address))

    def _on_connect(self, client: Any, userdata: Any, flags: Any, reason_code: ReasonCode, properties: Any) -> None:
        self._connack = reason_code

    def _on_subscribe(
        self, client: Any, userdata: Any, mid: int, reason_codes: list[ReasonCode], properties: Any
    ) -> None:
        self._subacks += [not code.is_failure for code in reason_codes]

    def _on_disconnect(self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any) -> None:
        if client is self._client:
            self._is_up = False

    def _on_message(self, client: Any, userdata: Any, message: mqtt.MQTTMessage) -> None:
        self._arrivals.append(Arrival(message.topic, bytes(message.payload)))
