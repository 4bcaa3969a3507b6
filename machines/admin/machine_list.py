"""The list of machines: what its columns need is read for a whole page at once, and filters share what they read."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from machines.how_far import most_overdue_first
from machines.maintenance import PLAN_FIELDS, Plan, due, plans_of
from machines.models import Machine, MaintenancePlan
from members.admin.base import LabChangeList


class MachineList(LabChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        machines, now = list(self.result_list), timezone.now()
        for complete in self.model_admin.completions:  # type: ignore[attr-defined]
            complete(request, machines, now)


def read_plans(request: Any, machines: list[Any], now: datetime) -> None:
    """Where a filter has read all plans, they are not read again."""
    plans = getattr(request, "all_plans", None) or plans_of([machine.pk for machine in machines])
    for machine in machines:
        machine.active_plans = most_overdue_first(plans.get(machine.pk, []), machine.seconds_used, now)
        machine.read_at = now


class DueFilter(admin.SimpleListFilter):
    title = _("maintenance due")
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Machine]) -> QuerySet[Machine]:
        if self.value() not in ("yes", "no"):
            return queryset
        shared: Any = request
        plans, now = all_plans(request), timezone.now()
        ids = [pk for pk, plans_here in plans.items() if due(plans_here, shared.odometers[pk], now)]
        return queryset.filter(pk__in=ids) if self.value() == "yes" else queryset.exclude(pk__in=ids)


class TypeFilter(admin.SimpleListFilter):
    title = _("type")
    parameter_name = "type__id__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        names = {type_id: name for type_id, name, _place in _types_and_places(request)}
        return [(str(type_id), name) for type_id, name in sorted(names.items(), key=lambda item: item[1].casefold())]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Machine]) -> QuerySet[Machine]:
        chosen = self.value() or ""
        if not chosen:
            return queryset
        return queryset.filter(type_id=int(chosen)) if _is_number(chosen) else queryset.none()


class PlaceFilter(admin.SimpleListFilter):
    title = _("place")
    parameter_name = "location"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        places = {place for _type_id, _name, place in _types_and_places(request) if place}
        return [(place, place) for place in sorted(places, key=str.casefold)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Machine]) -> QuerySet[Machine]:
        return queryset.filter(location=self.value()) if self.value() else queryset


def all_plans(request: Any) -> dict[int, list[Plan]]:
    """With the odometers of their machines: one question for all filters."""
    if not hasattr(request, "all_plans"):
        request.all_plans, request.odometers = defaultdict(list), {}
        plans = MaintenancePlan.objects.filter(is_active=True).order_by("id")
        for seconds, *fields in plans.values_list("machine__seconds_used", *PLAN_FIELDS):
            plan = Plan(*fields)
            request.all_plans[plan.machine_id].append(plan)
            request.odometers[plan.machine_id] = seconds
    found: dict[int, list[Plan]] = request.all_plans
    return found


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _types_and_places(request: Any) -> list[tuple[int, str, str]]:
    """That machines have: one question for both filters."""
    if not hasattr(request, "types_and_places"):
        rows = Machine.objects.order_by().values_list("type_id", "type__name", "location").distinct()
        request.types_and_places = list(rows)
    found: list[tuple[int, str, str]] = request.types_and_places
    return found
