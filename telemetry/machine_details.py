"""What the page of one machine tells beside its card. Nothing here grows with the history."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from machines.maintenance import PLAN_FIELDS, Plan
from machines.models import Intervention, MaintenancePlan, Use
from members.names import Names, shown_name

LATEST_USES = 20
LATEST_INTERVENTIONS = 10
SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True)
class PlanLine:
    """`left` is whole hours of use, or days, of `interval`; `over` the same beyond it."""

    description: str
    instructions_url: str
    hours_between: int | None
    days_between: int | None
    last_work_at: datetime
    percent: int
    is_due: bool
    left: int
    is_by_days: bool

    @property
    def over(self) -> int:
        return -self.left

    @property
    def interval(self) -> int | None:
        return self.days_between if self.is_by_days else self.hours_between


@dataclass(frozen=True, slots=True)
class UseLine:
    person: str
    started_at: datetime
    duration: str
    ending: str
    is_running: bool
    is_estimated: bool


@dataclass(frozen=True, slots=True)
class WorkLine:
    at: datetime
    what: str
    person: str
    note: str
    is_estimated: bool


def plan_lines(machine_id: int, seconds_used: int, now: datetime) -> list[PlanLine]:
    plans = MaintenancePlan.objects.filter(machine_id=machine_id, is_active=True).order_by("id")
    rows = plans.values_list("instructions_url", *PLAN_FIELDS)
    return [_plan_line(url, Plan(*fields), seconds_used, now) for url, *fields in rows]


def latest_uses(machine_id: int) -> list[Use]:
    """The running one, then those that ended last: two queries that follow an index to its end."""
    uses = Use.objects.filter(machine_id=machine_id).select_related("member")
    uses = uses.only(
        *("started_at", "last_seen_at", "ended_at", "duration", "end_reason", "is_replay", "card_uid"),
        *("member__first_name", "member__last_name"),
    )
    running = uses.filter(ended_at__isnull=True).order_by()
    ended = uses.filter(ended_at__isnull=False).order_by("-ended_at", "-id")
    return [*running, *ended[:LATEST_USES]][:LATEST_USES]


def use_lines(uses: Iterable[Use], names: Names, now: datetime) -> list[UseLine]:
    return [
        UseLine(
            person="" if use.member is None else shown_name(use.member.first_name, use.member.last_name, names),
            started_at=use.started_at,
            duration=spoken_duration(_seconds(use, now)),
            ending=use.get_end_reason_display(),
            is_running=use.ended_at is None,
            is_estimated=use.is_replay,
        )
        for use in uses
    ]


def work_lines(machine_id: int, names: Names, *, with_notes: bool) -> list[WorkLine]:
    done = Intervention.objects.filter(machine_id=machine_id).order_by("-at", "-id")
    fields = ("at", "plan__description", "member__first_name", "member__last_name", "note", "is_replay")
    return [
        WorkLine(at, what, shown_name(first_name or "", last_name or "", names), note if with_notes else "", estimated)
        for at, what, first_name, last_name, note, estimated in done.values_list(*fields)[:LATEST_INTERVENTIONS]
    ]


def linkable(url: str) -> str:
    """Empty for what a browser should not follow: a `javascript:` from an imported table, for example."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.netloc else ""


def spoken_duration(seconds: int) -> str:
    if seconds < 60:
        return _("%(seconds)d s") % {"seconds": seconds}
    hours, rest = divmod(seconds, SECONDS_PER_HOUR)
    return _("%(hours)d:%(minutes)02d h") % {"hours": hours, "minutes": rest // 60}


def _plan_line(url: str, plan: Plan, seconds_used: int, now: datetime) -> PlanLine:
    progress = plan.progress(seconds_used, now)
    left, is_by_days = plan.left(seconds_used, now)
    return PlanLine(
        description=plan.description,
        instructions_url=linkable(url),
        hours_between=plan.hours_between,
        days_between=plan.days_between,
        last_work_at=plan.last_work_at,
        percent=min(100, math.floor(100 * progress)),
        is_due=progress >= 1,
        left=math.trunc(left),  # as on the card: towards zero on both sides
        is_by_days=is_by_days,
    )


def _seconds(use: Use, now: datetime) -> int:
    if use.duration is not None:
        return use.duration
    return max(0, int((now - use.started_at).total_seconds()))
