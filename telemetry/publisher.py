"""Keeps the retained status of every machine on the broker as it is in the database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from telemetry.collected import LastHeard
from telemetry.status import TOPIC, MachineStatus, snapshot, snapshot_of, topic_of

EVERYTHING = f"{TOPIC}/+"


class StatusPublisher:
    def __init__(self, publish: Callable[[str, bytes, bool], object], heard: LastHeard) -> None:
        self._publish = publish
        self._heard = heard
        self._published: dict[int, bytes] = {}
        self._retained: set[int] = set()
        self.swept: list[MachineStatus] = []

    def forget(self) -> None:
        """After a connect: what the broker holds is unknown."""
        self._published.clear()

    def note_retained(self, topic: str) -> None:
        """The broker holds a status of this machine, perhaps of one that is gone."""
        digits = topic.removeprefix(f"{TOPIC}/")
        if digits.isascii() and digits.isdigit() and len(digits) < 10:
            self._retained.add(int(digits))

    def publish_changed(self, machine_id: int, now: datetime) -> None:
        status = snapshot_of(machine_id, now, self._heard.at)
        if status is None:
            self._clear(machine_id)
        else:
            self._publish_one(status)

    def sweep(self, now: datetime) -> None:
        """Finds what changed without our being told: the admin, a restored backup, the calendar."""
        self.swept = snapshot(now, heard=self._heard.at)
        for status in self.swept:
            self._publish_one(status)
        present = {status.id for status in self.swept}
        for machine_id in (self._retained | set(self._published)) - present:
            self._clear(machine_id)
        self._retained.clear()

    def _publish_one(self, status: MachineStatus) -> None:
        payload = status.to_json()
        if self._published.get(status.id) != payload:
            self._publish(topic_of(status.id), payload, True)
            self._published[status.id] = payload

    def _clear(self, machine_id: int) -> None:
        self._publish(topic_of(machine_id), b"", True)
        self._published.pop(machine_id, None)
        self._heard.forget(machine_id)
