"""Maintenance fell due: to those who do maintenance and asked for it, all of it in one mail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabomatic.models import Notice
from fabomatic.notices.letters import MOST_LINES, Letter, in_a_subject, may_list, readers, settled
from machines.how_far import how_far
from machines.maintenance import PLAN_FIELDS, Plan
from machines.models import MaintenancePlan
from members.mail import link_to

_MACHINE = ("instructions_url", "machine__name", "machine__location", "machine__seconds_used")
_how_far = lazy(how_far, str)


@dataclass(frozen=True, slots=True)
class DuePlan:
    plan: Plan
    instructions_url: str
    machine: str
    location: str
    seconds_used: int
    progress: float
    how_far: str  # in the reader's language, whoever reads it

    @property
    def about(self) -> str:
        """Comes again only after the next work, or when somebody changes what the plan counts."""
        plan = self.plan
        interval = f"{plan.hours_between or 0}h{plan.days_between or 0}d"
        return f"{plan.id}:{int(plan.last_work_at.timestamp())}:{plan.reading_at_last_work}:{interval}"

    @property
    def name(self) -> str:
        return in_a_subject(self.machine, self.plan.machine_id)

    @property
    def url(self) -> str:
        return link_to("admin:machines_maintenanceplan_change", self.plan.id)


def maintenance_letters(now: datetime) -> Iterator[Letter]:
    if not settings.MAIL_MAINTENANCE_DUE:
        return
    members = readers(role__can_maintain=True, wants_maintenance_mail=True)
    people = list(members.annotate(lists_plans=may_list("machines.maintenanceplan")))
    plans = due_plans(now) if people else []
    if not plans:
        return
    told = settled(Notice.Kind.MAINTENANCE, [member.pk for member in people], [plan.about for plan in plans])
    for member in people:
        news = [plan for plan in plans if (member.pk, plan.about) not in told]
        if news:
            abouts = tuple(plan.about for plan in news)
            context = {
                "plans": news[:MOST_LINES],
                "more": max(0, len(news) - MOST_LINES),
                "lists_plans": member.lists_plans,
                "list_url": link_to("admin:machines_maintenanceplan_changelist"),
            }
            yield Letter(Notice.Kind.MAINTENANCE, member, abouts, _lazy_subject(news), "maintenance", context)


def due_plans(now: datetime) -> list[DuePlan]:
    """The most overdue first."""
    rows = MaintenancePlan.objects.filter(is_active=True).order_by("id").values_list(*PLAN_FIELDS, *_MACHINE)
    own = len(PLAN_FIELDS)
    plans = (_due_plan(Plan(*row[:own]), row[own:], now) for row in rows)
    return sorted((plan for plan in plans if plan.progress >= 1), key=lambda plan: -plan.progress)


def _due_plan(plan: Plan, machine: tuple[Any, ...], now: datetime) -> DuePlan:
    instructions_url, name, location, seconds_used = machine
    progress = plan.progress(seconds_used, now)
    return DuePlan(plan, instructions_url, name, location, seconds_used, progress, _how_far(plan, seconds_used, now))


def _subject(plans: list[DuePlan]) -> str:
    count = len({plan.plan.machine_id for plan in plans})
    if count == 1:
        return _("Maintenance is due: %(machine)s") % {"machine": plans[0].name}
    text = ngettext("Maintenance is due at %(count)d machine", "Maintenance is due at %(count)d machines", count)
    return text % {"count": count}


_lazy_subject = lazy(_subject, str)
