"""The invented lab's maintenance, and when its machines were switched off or repaired."""

from __future__ import annotations

from datetime import datetime, timedelta

from fabomatic.sample_data import SamplePlan
from fabomatic.sample_lab.ground import Ground
from machines.models import Intervention, Machine, MaintenancePlan
from telemetry.models import Downtime


def add_plan(ground: Ground, sample: SamplePlan) -> None:
    machine = next(machine for machine in ground.lab.machines if machine.pk == sample.machine)
    beyond_hours, beyond_days = (sample.overdue or 0, 0) if sample.hours else (0, sample.overdue or 0)
    overdue_since = ((sample.hours or 0) + beyond_hours) * 3600
    plan = MaintenancePlan.objects.create(
        machine=machine,
        description=sample.description,
        lcd_message=sample.lcd_message,
        hours_between=sample.hours,
        days_between=sample.days,
        reading_at_last_work=max(0, machine.seconds_used - overdue_since),
        last_work_at=ground.now - timedelta(days=(sample.days or 0) + beyond_days if not sample.hours else 25),
    )
    if sample.done is not None:
        _add_intervention(ground, plan, ground.now - timedelta(days=sample.done))


def _add_intervention(ground: Ground, plan: MaintenancePlan, at: datetime) -> None:
    uses = ground.lab.uses_of(plan.machine_id)
    before = sum(use.duration or 0 for use in uses if use.ended_at is not None and use.ended_at <= at)
    staff = [member for member in ground.lab.members if member.role.can_maintain]
    Intervention.objects.create(
        plan=plan,
        member=ground.rng.choice(staff),
        at=at,
        reading=plan.machine.initial_seconds + ground.lab.earlier_seconds[plan.machine_id] + before,
    )


def add_downtimes(ground: Ground, machine: Machine) -> None:
    """On some nights it is switched off, and sometimes repaired in the morning."""
    for days_ago in range(ground.latest_days - 1, 1, -1):
        _opens, closes = ground.hours_of(ground.day(days_ago))
        switched_off, switched_on = closes + ground.minutes(60, 150), closes + ground.minutes(11 * 60, 12 * 60 - 20)
        repaired = switched_on + ground.minutes(10, 90)
        if ground.rng.random() < 0.4 and _is_unused(ground, machine, switched_off, switched_on):
            _add_downtime(machine, Downtime.Kind.OFFLINE, switched_off, switched_on)
            if ground.rng.random() < 0.3 and _is_unused(ground, machine, switched_on, repaired):
                _add_downtime(machine, Downtime.Kind.BLOCKED, switched_on, repaired)


def _add_downtime(machine: Machine, kind: Downtime.Kind, started_at: datetime, ended_at: datetime) -> None:
    Downtime.objects.create(machine=machine, kind=kind, started_at=started_at, ended_at=ended_at)


def _is_unused(ground: Ground, machine: Machine, start: datetime, end: datetime) -> bool:
    uses = ground.lab.uses_of(machine.pk)
    return not any(use.started_at < end and use.last_seen_at > start for use in uses)
