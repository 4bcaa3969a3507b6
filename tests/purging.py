"""A purge as of NOW, and what of the history must stay as it is."""

from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command

from fabomatic.housekeeping.command import Done
from fabomatic.privacy.purge_span import Span
from fabomatic.privacy.purging import Teller, purge
from machines.models import Intervention, Machine, MaintenancePlan, Use
from telemetry.models import Tap
from tests.conftest import NOW

YEAR = timedelta(days=365)
MONTH = timedelta(days=30)
SECOND = timedelta(seconds=1)
CUTOFF = NOW - YEAR


def span(days: int = 365, unknown_days: int = 30) -> Span:
    return Span.until(NOW, days, unknown_days)


def purged(days: int = 365, unknown_days: int = 30, **options: Any) -> dict[str, int]:
    """What was done of each kind, without what was not."""
    lines: list[str] = []
    done: Done = purge(span(days, unknown_days), teller=Teller(say=lines.append), **options)
    assert done.is_ok, done.text
    return counts(lines)


def counts(lines: list[str]) -> dict[str, int]:
    pairs = [line.rpartition(": ")[::2] for line in lines]
    return {what: int(count) for what, count in pairs if count.isdigit() and int(count)}


def would_purge() -> dict[str, int]:
    """What a dry run counts."""
    lines: list[str] = []
    done = purge(span(), is_dry=True, teller=Teller(say=lines.append))
    assert "would be" in done.text
    pairs = [line.rpartition(": would be ")[::2] for line in lines]
    return {what: int(count) for what, count in pairs if int(count)}


def exact_things() -> dict[str, list[Any]]:
    """Hours, counts, outcomes and times: everything but who it was."""
    uses = Use.objects.order_by("pk").values_list(
        *("pk", "machine", "started_at", "last_seen_at", "ended_at", "duration", "end_reason"),
        *("is_replay", "recorded_at"),
    )
    return {
        "uses": list(uses),
        "taps": list(
            Tap.objects.order_by("pk").values_list(
                *("pk", "at", "machine", "outcome", "level", "is_machine_blocked", "is_maintenance_due", "is_enrolled")
            )
        ),
        "interventions": list(
            Intervention.objects.order_by("pk").values_list("pk", "plan", "machine", "at", "reading", "note")
        ),
        "odometers": list(Machine.objects.order_by("pk").values_list("pk", "seconds_used", "initial_seconds")),
        "plans": list(MaintenancePlan.objects.order_by("pk").values_list("pk", "reading_at_last_work", "last_work_at")),
    }


def names() -> list[tuple[Any, ...]]:
    return [
        *Use.objects.order_by("pk").values_list("pk", "member", "card_uid", "note"),
        *Tap.objects.order_by("pk").values_list("pk", "member", "card", "uid"),
        *Intervention.objects.order_by("pk").values_list("pk", "member"),
    ]


def use_ended(machine: Any, at: Any, seconds: int = 600, **fields: Any) -> Use:
    return Use.objects.create(machine=machine, started_at=at - timedelta(seconds=seconds), ended_at=at, **fields)


def tap(machine: Any, at: Any, member: Any = None, **fields: Any) -> Tap:
    if member is not None:
        fields = {"uid": member.uid, "card": member.cards.first(), "member": member, **fields}
    return Tap.objects.create(at=at, machine=machine, **{"outcome": "granted", **fields})


def purge_gdpr(*arguments: str, at: datetime = NOW, **options: Any) -> str:
    """What the command says at that time."""
    said = StringIO()
    with time_machine.travel(at, tick=False):
        call_command("purge_gdpr", *arguments, stdout=said, stderr=said, **options)
    return said.getvalue()


def refusal(*arguments: str, at: datetime = NOW, **options: Any) -> str:
    before = named()
    with pytest.raises(CommandError) as refused:
        purge_gdpr(*arguments, at=at, **options)
    assert named() == before
    return str(refused.value)


def named() -> int:
    return Use.objects.filter(member__isnull=False).count()
