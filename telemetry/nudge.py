"""Tells the worker that staff changed something, so that screens show it within a second.

Best effort: the worker looks for changes by itself every few seconds.
"""

from __future__ import annotations

import logging
import ssl
import threading
import uuid
from typing import Any, cast

from django.conf import settings
from django.db import transaction
from django.db.models import Model
from django.db.models.signals import post_delete, post_save
from paho.mqtt import publish

from machines.models import Intervention, Machine, MachineType, MaintenancePlan, Use
from telemetry.broker_address import BrokerAddress

logger = logging.getLogger(__name__)

TOPIC = "fabomatic/nudge"
_waiting = threading.Event()
_sending = threading.Lock()


def listen_to_changes() -> None:
    """In processes that serve people; the worker itself knows what it writes."""
    for model in (Machine, MachineType, MaintenancePlan, Intervention, Use):
        name = f"nudge_{model.__name__}"
        post_save.connect(_on_change, sender=model, dispatch_uid=f"{name}_saved")
        post_delete.connect(_on_change, sender=model, dispatch_uid=f"{name}_deleted")


def _on_change(sender: type[Model], **kwargs: Any) -> None:
    transaction.on_commit(nudge)


def nudge() -> None:
    """Returns at once: the broker may be away, and nobody at a form should wait for it. Many at a time become one."""
    if not _waiting.is_set():
        _waiting.set()
        threading.Thread(target=_send, name="nudge", daemon=True).start()


def _send() -> None:
    with _sending:
        _waiting.clear()
        try:
            _publish(BrokerAddress.from_url(settings.MQTT_URL))
        except Exception as error:  # whatever a broker can do to us, a saved form stays saved
            logger.debug("The worker was not told of a change: %s", error)


def _publish(address: BrokerAddress) -> None:
    publish.single(
        TOPIC,
        b"",
        hostname=address.host,
        port=address.port,
        client_id=f"{settings.MQTT_CLIENT_ID}-nudge-{uuid.uuid4().hex[:8]}",
        auth={"username": address.user, "password": address.password} if address.user else None,
        tls=cast("Any", ssl.create_default_context() if address.is_tls else None),  # the stub knows no context
        keepalive=5,
    )
