"""How far plans are, as the database sorts and filters them: `machines.maintenance.Plan.progress` in its words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import DateTimeField, F, FloatField, QuerySet, Value
from django.db.models.functions import Cast, Coalesce, Greatest
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from machines.expressions import SecondsBetween
from machines.maintenance import PLAN_FIELDS, Plan
from machines.models import MaintenancePlan

SECONDS_PER_HOUR, SECONDS_PER_DAY = 3600.0, 86400.0
SOON = 0.8


def progress(now: datetime) -> Any:
    """By hours or by days, whichever is further; from 1.0 on the plan is due."""
    used = _real(F("machine__seconds_used") - F("reading_at_last_work"))
    passed = _real(SecondsBetween(F("last_work_at"), Value(now, DateTimeField())))
    by_hours = used / (_real(F("hours_between")) * SECONDS_PER_HOUR)
    by_days = passed / (_real(F("days_between")) * SECONDS_PER_DAY)
    return Greatest(Coalesce(by_hours, 0.0), Coalesce(by_days, 0.0))


def _real(expression: Any) -> Cast:
    return Cast(expression, FloatField())


def as_plan(row: MaintenancePlan) -> Plan:
    return Plan(*(getattr(row, name) for name in PLAN_FIELDS))


class DueFilter(admin.SimpleListFilter):
    title = _("maintenance")
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("due now")), ("soon", _("soon: four fifths have passed")), ("no", _("not yet"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Who asks for what is due means plans that count."""
        match self.value():
            case "yes":
                return queryset.filter(is_active=True, progress__gte=1)
            case "soon":
                return queryset.filter(is_active=True, progress__gte=SOON, progress__lt=1)
            case "no":
                return queryset.filter(is_active=True, progress__lt=SOON)
            case _:
                return queryset
