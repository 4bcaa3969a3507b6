"""Start and stop from afar: who may ask for it, how it is asked, and whether the board obeyed.

The board gets a request with the card of the staff member who asks, and runs its normal check of that card.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from machines import access, maintenance
from machines.access import Decision, Outcome
from machines.models import EndReason, MachineType, Use
from members.models import Card
from members.uids import is_reader_uid
from telemetry import boards
from telemetry.models import Tap
from telemetry.outbox import publish_once
from telemetry.protocol import Topics, encode_request

PATIENCE = timedelta(seconds=10)
DOUBLE_CLICK = timedelta(seconds=2)
REMEMBERED = timedelta(minutes=10)
STAFF_LEVEL = 2


class Kind(StrEnum):
    START = "start"
    STOP = "stop"


class Obstacle(StrEnum):
    """Why there are no buttons."""

    TYPE = "type"
    NO_CARD = "no_card"
    SILENT = "silent"

    @property
    def sentence(self) -> Promise:
        return _OBSTACLES[self]


_OBSTACLES: dict[Obstacle, Promise] = {
    Obstacle.TYPE: _("Machines of this type are not started or stopped from afar: the type does not allow it."),
    Obstacle.NO_CARD: _(
        "You need a card of your own that the readers can read and that is not lost: "
        "the board checks it as if you held it there."
    ),
    Obstacle.SILENT: _("The board is silent: it would not hear a request."),
}


def usable_cards(member_id: int) -> list[Card]:
    """Those the board can check: a number of another length makes it read random memory."""
    cards = Card.objects.filter(member_id=member_id, is_lost=False).order_by("pk")
    return [card for card in cards if is_reader_uid(card.uid)]


def obstacle(machine_type: MachineType, cards: Sequence[Card], *, is_online: bool) -> Obstacle | None:
    if not machine_type.allow_remote_start:
        return Obstacle.TYPE
    if not cards:
        return Obstacle.NO_CARD
    return None if is_online else Obstacle.SILENT


# ---- what the board will say -----------------------------------------------------------------------------------------

_BLOCKED = _("The machine is blocked, and then its board stops everybody.")
_MAINTENANCE = _("Maintenance is due, and then its board stops ordinary members.")


def warning(machine_id: int, uid: str, now: datetime) -> str:
    """Why the board would say no to this card; empty where it would say yes. All cards of a person fare alike."""
    machine = access.find_machine(machine_id)
    holder = access.find_holder(machine_id, uid)
    decision = access.judge(machine, holder, now, has_conflict=boards.has_conflict(machine_id))
    if machine is None or not decision.is_granted:
        return str(decision.outcome.sentence)
    if machine.is_blocked:
        return str(_BLOCKED)
    is_stopped_by_maintenance = decision.level < STAFF_LEVEL and maintenance.due(
        maintenance.active_plans(machine_id), machine.seconds_used, now
    )
    return str(_MAINTENANCE) if is_stopped_by_maintenance else ""


# ---- asking ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asked of a board. What came later is told by row numbers: the worker's clock may be another."""

    machine_id: int
    kind: Kind
    uid: str
    at: datetime
    running_use: int | None
    last_use: int
    last_tap: int

    def to_session(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {"at": self.at.isoformat()}

    @classmethod
    def from_session(cls, kept: Any, machine_id: int, now: datetime) -> Asked | None:
        """None where nothing was asked of this machine lately, or what is kept is of another version."""
        try:
            asked = cls(**{**kept, "kind": Kind(kept["kind"]), "at": datetime.fromisoformat(kept["at"])})
        except (TypeError, KeyError, ValueError):
            return None
        return asked if asked.machine_id == machine_id and now - asked.at < REMEMBERED else None


def prepare(machine_id: int, kind: Kind, uid: str, now: datetime) -> Asked:
    running = Use.objects.filter(machine_id=machine_id, ended_at__isnull=True).order_by()
    return Asked(
        machine_id=machine_id,
        kind=kind,
        uid=uid,
        at=now,
        running_use=running.values_list("pk", flat=True).first(),
        last_use=_last_key(Use),
        last_tap=_last_key(Tap),
    )


def send(asked: Asked) -> None:
    """Never retained: the board would do it again at each connect. Raises outbox.NotPublished."""
    topics = Topics(settings.MQTT_TOPIC, settings.MQTT_REPLY_SUBTOPIC, settings.MQTT_REQUEST_SUBTOPIC)
    publish_once(topics.request_to(asked.machine_id), encode_request(asked.kind.value, asked.uid))


def _last_key(model: Any) -> int:
    return model.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


# ---- did the board obey? ---------------------------------------------------------------------------------------------


class Result(StrEnum):
    WAITING = "waiting"
    STARTED = "started"
    STOPPED = "stopped"
    REFUSED = "refused"
    NOTHING_RAN = "nothing_ran"
    NOT_OBEYED = "not_obeyed"


@dataclass(frozen=True, slots=True)
class Echo:
    result: Result
    at: datetime
    reason: str = ""

    @property
    def is_awaited(self) -> bool:
        return self.result is Result.WAITING


def taps_since(asked: Asked) -> list[Tap]:
    """Of that card at that machine, the latest first."""
    taps = Tap.objects.filter(pk__gt=asked.last_tap, machine_id=asked.machine_id, uid=asked.uid)
    return list(taps.order_by("-pk")[:5])


def echo(asked: Asked, uses: Iterable[Use], taps: Sequence[Tap], now: datetime) -> Echo:
    """`uses` are the machine's latest ones, `taps` those of that card since it was asked."""
    if asked.kind is Kind.STOP:
        return _echo_of_stop(asked, uses, now)
    for use in uses:
        if use.pk > asked.last_use and use.card_uid == asked.uid:
            return Echo(Result.STARTED, use.started_at)
    if taps and (reason := _refusal(taps[0])):
        return Echo(Result.REFUSED, taps[0].at, reason)
    return _silence(asked, now)


def _echo_of_stop(asked: Asked, uses: Iterable[Use], now: datetime) -> Echo:
    if asked.running_use is None:
        return Echo(Result.NOTHING_RAN, asked.at)
    for use in uses:
        if use.pk == asked.running_use and use.ended_at is not None and use.end_reason == EndReason.STOP:
            return Echo(Result.STOPPED, use.ended_at)
    return _silence(asked, now)


def _silence(asked: Asked, now: datetime) -> Echo:
    return Echo(Result.WAITING if now - asked.at < PATIENCE else Result.NOT_OBEYED, asked.at)


def _refusal(tap: Tap) -> str:
    """Empty for a yes, and where the board had to decide by itself."""
    outcome = Outcome(tap.outcome)
    if outcome is Outcome.UNANSWERED:
        return ""
    if not Decision(outcome).is_granted:
        return str(outcome.sentence)
    if tap.is_machine_blocked:
        return str(_BLOCKED)
    return str(_MAINTENANCE) if tap.is_maintenance_due and tap.level < STAFF_LEVEL else ""
