"""Whether the odometers agree with the uses that they count, and how they are put right.

A use and its machine's odometer change in one transaction: whatever is used meanwhile, the difference between the two
stays what it is. So it is measured in one statement, which sees one moment and holds nobody up, and added afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Greatest
from django.utils.translation import gettext_noop

from machines.expressions import SecondsBetween
from machines.models import Intervention, Machine, MaintenancePlan, Use
from machines.models.uses import hold_machines
from members import changes
from members.models import Change

MOST_LISTED = 20
MENDED = gettext_noop("Odometer mended")


@dataclass(frozen=True, slots=True)
class Measured:
    """What a machine showed, and what it came with and was used for, at one moment."""

    machine_id: int
    name: str
    shown: int
    true: int

    @property
    def difference(self) -> int:
        """What has to be added to what it shows."""
        return self.true - self.shown


def measured(machine_id: int | None = None) -> Iterator[Measured]:
    """All of them in one statement: it sees what had been stored when it began."""
    of_machine = Use.objects.filter(machine=OuterRef("pk"), duration__isnull=False).order_by().values("machine")
    hours = Subquery(of_machine.annotate(total=Sum("duration")).values("total"))
    machines = Machine.objects.annotate(true=F("initial_seconds") + Coalesce(hours, 0)).order_by("pk")
    for row in _of(machines, machine_id, "pk").values_list("pk", "name", "seconds_used", "true"):
        machine_id, name, shown, true = row
        yield Measured(machine_id, name, shown, int(true))


def differing(machine_id: int | None = None) -> list[Measured]:
    return [machine for machine in measured(machine_id) if machine.difference]


def mend(found: Measured) -> Measured | None:
    """Adds what was found missing, if it is missing still; what the odometer showed, and shows now, is returned.

    None: somebody else changes it, too, and nothing was done.
    """
    again = next(iter(differing(found.machine_id)), None)
    if again is None or again.difference != found.difference:
        return None
    with transaction.atomic():
        hold_machines(Q(pk=found.machine_id))
        machine = Machine.objects.filter(pk=found.machine_id)
        old = machine.values_list("seconds_used", flat=True).first()
        if old is None:
            return None
        machine.update(seconds_used=Greatest(F("seconds_used") + found.difference, Value(0)))
        new = machine.values_list("seconds_used", flat=True).get()
        _lower_readings(found.machine_id)
        _note(found.machine_id, old, new)
    return Measured(found.machine_id, found.name, shown=old, true=new)


def _note(machine_id: int, old: int, new: int) -> None:
    entry = changes.value("odometer, seconds", old, new)
    details = [{**changes.said(MENDED)[0], "values": [entry]}]
    changes.note(None, Machine.objects.get(pk=machine_id), Change.Kind.CHANGED, details)


# ---- readings --------------------------------------------------------------------------------------------------------

_READINGS: tuple[tuple[type[Any], str], ...] = (
    (MaintenancePlan, "reading_at_last_work"),
    (MaintenancePlan, "base_reading"),
    (Intervention, "reading"),
)
# A lost use that runs again has given its hours back, and what was read off meanwhile waits for them.
_of_running_use = Subquery(
    Use.objects.filter(machine=OuterRef("machine"), ended_at__isnull=True)
    .order_by()
    .values_list(SecondsBetween("started_at", "last_seen_at"))
)


def readings_ahead(machine_id: int | None = None) -> list[int]:
    """Machines of which plans or interventions were read off further than the odometer has come."""
    found: set[int] = set()
    for model, field in _READINGS:
        rows = model._default_manager.annotate(furthest=F("machine__seconds_used") + Coalesce(_of_running_use, 0))
        ahead = _of(rows.filter(**{f"{field}__gt": F("furthest")}), machine_id, "machine")
        found.update(ahead.order_by().values_list("machine_id", flat=True).distinct())
    return sorted(found)


def lower_readings(machine_id: int) -> None:
    """To what the machine shows: a plan would count from work that is yet to come."""
    with transaction.atomic():
        hold_machines(Q(pk=machine_id))
        _lower_readings(machine_id)


def _lower_readings(machine_id: int) -> None:
    shown = Machine.objects.filter(pk=machine_id).values_list("seconds_used", flat=True).first() or 0
    running = Use.objects.filter(machine_id=machine_id, ended_at__isnull=True)
    furthest = shown + sum(int(seen.total_seconds()) for seen in _seen(running))
    for model, field in _READINGS:
        rows = model._default_manager.filter(machine_id=machine_id, **{f"{field}__gt": furthest})
        rows.order_by().update(**{field: furthest})


def _seen(running: QuerySet[Use]) -> Iterator[timedelta]:
    for started_at, last_seen_at in running.values_list("started_at", "last_seen_at"):
        yield last_seen_at - started_at


# ---- uses ------------------------------------------------------------------------------------------------------------


def odd_uses(machine_id: int | None = None) -> list[int]:
    """What the database forbids, unless somebody made it forget that: durations that are not end minus start, running
    uses with hours, ended ones without."""
    is_odd = (
        Q(ended_at__isnull=True, duration__isnull=False)
        | Q(ended_at__isnull=False, duration__isnull=True)
        | Q(duration__isnull=False) & ~Q(duration=SecondsBetween("started_at", "ended_at"))
    )
    odd = _of(Use.objects.filter(is_odd), machine_id, "machine").order_by()
    return list(odd.values_list("pk", flat=True)[:MOST_LISTED])


def _of(rows: QuerySet[Any], machine_id: int | None, field: str) -> QuerySet[Any]:
    return rows if machine_id is None else rows.filter(**{field: machine_id})
