"""What is due at a machine, and what was done. Nothing here reads the history."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from machines.models import Intervention, MaintenancePlan
from machines.prepared import Prepared

PLAN_FIELDS = (
    "id",
    "machine_id",
    "description",
    "lcd_message",
    "hours_between",
    "days_between",
    "reading_at_last_work",
    "last_work_at",
)


@dataclass(frozen=True, slots=True)
class Plan:
    id: int
    machine_id: int
    description: str
    lcd_message: str
    hours_between: int | None
    days_between: int | None
    reading_at_last_work: int
    last_work_at: datetime

    @property
    def board_message(self) -> str:
        return self.lcd_message or self.description

    def progress(self, seconds_used: int, now: datetime) -> float:
        """How much of the interval has passed, by hours or by days, whichever is further; from 1.0 on it is due."""
        return max(*self._progresses(seconds_used, now), 0.0)

    def left(self, seconds_used: int, now: datetime) -> tuple[float, bool]:
        """What remains of the interval that is further: hours of use, or days (True). Below zero when overdue."""
        by_hours, by_days = self._progresses(seconds_used, now)
        if self.days_between and (by_days >= by_hours or not self.hours_between):
            return self.days_between - (now - self.last_work_at) / timedelta(days=1), True
        return (self.hours_between or 0) - (seconds_used - self.reading_at_last_work) / 3600, False

    def _progresses(self, seconds_used: int, now: datetime) -> tuple[float, float]:
        by_hours = by_days = 0.0
        if self.hours_between:
            by_hours = (seconds_used - self.reading_at_last_work) / (self.hours_between * 3600)
        if self.days_between:
            by_days = (now - self.last_work_at) / timedelta(days=self.days_between)
        return by_hours, by_days

    def fell_due_at(self) -> datetime | None:
        """By the calendar; None for a plan that counts hours only."""
        return self.last_work_at + timedelta(days=self.days_between) if self.days_between else None


_plans = Prepared(
    lambda machine_id: (
        MaintenancePlan.objects.filter(machine_id=machine_id, is_active=True).order_by("id").values_list(*PLAN_FIELDS)
    ),
    machine_id=int,
)


def active_plans(machine_id: int) -> list[Plan]:
    return [Plan(*row) for row in _plans.rows(machine_id=machine_id)]


def plans_of(machine_ids: Collection[int] | None = None) -> dict[int, list[Plan]]:
    """The active plans of all machines, or of these, by machine."""
    plans: dict[int, list[Plan]] = defaultdict(list)
    of_these = {} if machine_ids is None else {"machine_id__in": list(machine_ids)}
    for row in MaintenancePlan.objects.filter(is_active=True, **of_these).order_by("id").values_list(*PLAN_FIELDS):
        plan = Plan(*row)
        plans[plan.machine_id].append(plan)
    return plans


def due(plans: Sequence[Plan], seconds_used: int, now: datetime) -> list[Plan]:
    """The due ones, the most overdue first."""
    return sorted(
        (plan for plan in plans if plan.progress(seconds_used, now) >= 1),
        key=lambda plan: plan.progress(seconds_used, now),
        reverse=True,
    )


def record_work(
    machine_id: int, member_id: int, seconds_used: int, now: datetime, *, is_replay: bool = False
) -> list[Intervention]:
    """An intervention for each plan that is due; nothing due, nothing recorded."""
    with transaction.atomic(savepoint=False):
        return [
            Intervention.objects.create(
                plan_id=plan.id, member_id=member_id, at=now, reading=seconds_used, is_replay=is_replay
            )
            for plan in due(active_plans(machine_id), seconds_used, now)
        ]
