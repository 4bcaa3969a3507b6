"""`mqtt_worker --check`: says in one line what is wrong with broker, credentials or database. Boards notice nothing."""

from __future__ import annotations

import os
import time
from queue import Empty

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _

from machines.models import Machine
from telemetry import database
from telemetry.broker_address import BrokerAddress
from telemetry.link import Arrived, Connected, Disconnected, Link

BROKER_SECONDS = 5.0
DATABASE_SECONDS = 5.0


class CheckFailed(Exception):
    """With the sentence to print."""


def check_broker(address: BrokerAddress, client_id: str) -> float:
    """Milliseconds for a message to the broker and back; raises CheckFailed."""
    own_id = f"{client_id}-check-{os.getpid()}"
    topic = f"fabomatic/check/{own_id}"
    link = Link(address, own_id, (topic,))
    link.start()
    try:
        deadline = time.monotonic() + BROKER_SECONDS
        _wait_for(link, Connected, deadline, _("No broker answers at %(address)s.") % {"address": address})
        sent_at = time.monotonic()
        link.publish(topic, b"check")
        _wait_for(
            link,
            Arrived,
            deadline,
            _("The broker at %(address)s does not pass our messages on.") % {"address": address},
        )
        return (time.monotonic() - sent_at) * 1000
    finally:
        link.stop()


def check_database() -> int:
    """The number of machines; raises CheckFailed."""
    database.configure(connect_seconds=DATABASE_SECONDS)
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CheckFailed(_("The database is not up to date: run `manage.py migrate`."))
        return Machine.objects.count()
    except DatabaseError as error:
        raise CheckFailed(_("The database cannot be used: %(error)s.") % {"error": database.in_a_line(error)}) from None


def _wait_for(link: Link, kind: type, deadline: float, sentence: str) -> None:
    while link.fatal is None and time.monotonic() < deadline:
        try:
            news = link.inbox.get(timeout=0.05)
        except Empty:
            continue
        if isinstance(news, kind):
            return
        if isinstance(news, Disconnected):
            break
    raise CheckFailed(link.fatal or sentence)
