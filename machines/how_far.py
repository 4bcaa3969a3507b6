"""How far a maintenance plan is, in words."""

from __future__ import annotations

import math
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from machines.maintenance import Plan


def how_far(plan: Plan, seconds_used: int, now: datetime) -> str:
    """“7 of 10 h, in 3 h”, or by how much it is overdue."""
    left, is_by_days = plan.left(seconds_used, now)
    whole = math.trunc(left)  # as on the live page: towards zero on both sides
    if plan.progress(seconds_used, now) >= 1:
        return _overdue(-whole, is_by_days)
    interval = (plan.days_between if is_by_days else plan.hours_between) or 0
    if is_by_days:
        progress, when = ngettext("%(done)d of %(all)d day", "%(done)d of %(all)d days", interval), _in_days(whole)
    else:
        progress, when = _("%(done)d of %(all)d h"), _in_hours(whole)
    return f"{progress % {'done': interval - whole, 'all': interval}}, {when}"


def most_overdue_first(plans: list[Plan], seconds_used: int, now: datetime) -> list[Plan]:
    return sorted(plans, key=lambda plan: plan.progress(seconds_used, now), reverse=True)


def _overdue(over: int, is_by_days: bool) -> str:
    if not over:
        return _("due now")
    if is_by_days:
        return ngettext("%(count)d day overdue", "%(count)d days overdue", over) % {"count": over}
    return _("%(count)d h overdue") % {"count": over}


def _in_days(left: int) -> str:
    if not left:
        return _("in less than a day")
    return ngettext("in %(count)d day", "in %(count)d days", left) % {"count": left}


def _in_hours(left: int) -> str:
    return _("in %(count)d h") % {"count": left} if left else _("in less than 1 h")
