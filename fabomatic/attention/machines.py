"""Machines at which maintenance is due, which staff blocked, or whose board says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabomatic.attention.box import Box, Line, may_list, moment
from machines.how_far import how_far
from machines.maintenance import PLAN_FIELDS, Plan
from machines.models import Machine, MaintenancePlan
from telemetry.status import is_online


class _Machine(NamedTuple):
    id: int
    name: str
    seconds_used: int
    is_blocked: bool
    blocked_reason: str
    blocked_at: datetime | None
    last_seen_at: datetime | None


def machine_boxes(user: Any, now: datetime) -> Iterator[Box]:
    if not may_list(user, "machines.machine"):
        return
    machines = machines_of_lab()
    yield _blocked(machines)
    yield _due(machines, now)
    yield _silent(machines, now)


def machines_of_lab() -> list[_Machine]:
    return [_Machine._make(row) for row in Machine.objects.values_list(*_Machine._fields)]


def silent_of(machines: list[_Machine], now: datetime) -> list[_Machine]:
    """The one that fell silent last first: its board may only have been unplugged."""
    silent = [machine for machine in machines if not is_online(machine.last_seen_at, now)]
    silent.sort(key=lambda machine: machine.last_seen_at.timestamp() if machine.last_seen_at else 0, reverse=True)
    return silent


def _blocked(machines: list[_Machine]) -> Box:
    blocked = [machine for machine in machines if machine.is_blocked]
    count = len(blocked)
    title = ngettext("%(count)d machine is blocked", "%(count)d machines are blocked", count) % {"count": count}
    lines = [_line(machine, machine.blocked_reason) for machine in blocked]
    return Box("blocked", title, count, _list("is_blocked__exact=1"), lines)


def _due(machines: list[_Machine], now: datetime) -> Box:
    """The most overdue first; each once, with its most overdue plan."""
    by_id = {machine.id: machine for machine in machines}
    rows = MaintenancePlan.objects.filter(is_active=True).order_by("id").values_list(*PLAN_FIELDS)
    furthest: dict[int, tuple[float, Plan]] = {}
    for plan in (Plan(*row) for row in rows):
        if (machine := by_id.get(plan.machine_id)) is None:
            continue
        progress = plan.progress(machine.seconds_used, now)
        if progress >= max(1.0, furthest.get(machine.id, (0.0, plan))[0]):
            furthest[machine.id] = progress, plan
    due = sorted(furthest.items(), key=lambda entry: -entry[1][0])
    lines = [
        _line(by_id[machine_id], f"{plan.description}: {how_far(plan, by_id[machine_id].seconds_used, now)}")
        for machine_id, (_progress, plan) in due
    ]
    count = len(lines)
    title = ngettext("%(count)d machine needs maintenance", "%(count)d machines need maintenance", count)
    return Box("due", title % {"count": count}, count, _list("due=yes"), lines)


def _silent(machines: list[_Machine], now: datetime) -> Box:
    silent = silent_of(machines, now)
    count = len(silent)
    title = ngettext("%(count)d machine is silent", "%(count)d machines are silent", count) % {"count": count}
    lines = [
        _line(machine, moment(machine.last_seen_at) if machine.last_seen_at else _("never heard yet"))
        for machine in silent
    ]
    return Box("silent", title, count, _list("silent=yes"), lines)


def _line(machine: _Machine, detail: str) -> Line:
    return Line(f"{machine.name} ({machine.id})", detail, reverse("admin:machines_machine_change", args=[machine.id]))


def _list(query: str) -> str:
    return f"{reverse('admin:machines_machine_changelist')}?{query}"
