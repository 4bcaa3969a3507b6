"""Tells the worker and the pages that staff changed something, so that screens show it within a second.

Best effort: the worker looks for changes by itself every few seconds.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import Model
from django.db.models.signals import post_delete, post_save

from machines.models import Intervention, Machine, MachineType, MaintenancePlan, Use
from members.models import Member, Role
from telemetry.models import Screen
from telemetry.outbox import publish_once

logger = logging.getLogger(__name__)

TOPIC = "fabomatic/nudge"
_waiting = threading.Event()
_sending = threading.Lock()


def listen_to_changes() -> None:
    """In processes that serve people; the worker itself knows what it writes."""
    shown, looking = (Machine, MachineType, MaintenancePlan, Intervention, Use), (Screen, Member, Role)
    for model in (*shown, *looking):
        name = f"nudge_{model.__name__}"
        post_save.connect(_on_change, sender=model, dispatch_uid=f"{name}_saved")
        post_delete.connect(_on_change, sender=model, dispatch_uid=f"{name}_deleted")


def _on_change(sender: type[Model], update_fields: Collection[str] | None = None, **kwargs: Any) -> None:
    if update_fields is None or set(update_fields) != {"last_login"}:
        transaction.on_commit(nudge)


def nudge() -> None:
    """Returns at once: the broker may be away, and nobody at a form should wait for it. Many at a time become one."""
    if not _waiting.is_set():
        _waiting.set()
        threading.Thread(target=_send, name="nudge", daemon=True).start()


def nudge_now() -> None:
    """For commands, which end sooner than a thread has spoken."""
    _send()


def _send() -> None:
    with _sending:
        _waiting.clear()
        try:
            publish_once(TOPIC, b"")
        except Exception as error:  # whatever a broker can do to us, a saved form stays saved
            logger.debug("The worker was not told of a change: %s", error)
