from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet, URLField
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from machines.admin.hours import hours_and_minutes
from machines.admin.maintenance_forms import InterventionForm, PlanForm
from machines.models import Intervention, MaintenancePlan
from members.admin import FindsCards, LabAdmin

HTTPS: dict[Any, Any] = {URLField: {"assume_scheme": "https"}}


class PlanInline(admin.StackedInline):
    model = MaintenancePlan
    form = PlanForm
    formfield_overrides = HTTPS
    extra = 0
    fields = (
        "description",
        "lcd_message",
        ("hours_between", "days_between"),
        ("hours_ago", "last_work_at"),
        "instructions_url",
        "is_active",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[MaintenancePlan]:
        return super().get_queryset(request).select_related("machine")


@admin.register(MaintenancePlan)
class MaintenancePlanAdmin(LabAdmin):
    form = PlanForm
    formfield_overrides = HTTPS
    list_display = ("description", "machine", "hours_between", "days_between", "last_work_at", "is_active")
    list_filter = ("is_active", "machine__type")
    list_select_related = ("machine",)
    search_fields = ("description", "lcd_message", "machine__name", "=machine__id")
    autocomplete_fields = ("machine",)
    readonly_fields = ("since_last_work",)
    fields = (
        "machine",
        "description",
        "lcd_message",
        ("hours_between", "days_between"),
        "since_last_work",
        ("hours_ago", "last_work_at"),
        "instructions_url",
        "is_active",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[MaintenancePlan]:
        return super().get_queryset(request).select_related("machine")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # The reading is one of this machine's odometer.
        return ("since_last_work",) if obj is None else ("since_last_work", "machine")

    @admin.display(description=_("used since the last work"))
    def since_last_work(self, plan: MaintenancePlan) -> str:
        if plan.pk is None:
            return hours_and_minutes(None)
        return hours_and_minutes(max(0, plan.machine.seconds_used - plan.reading_at_last_work))


@admin.register(Intervention)
class InterventionAdmin(FindsCards):
    form = InterventionForm
    list_display = ("at", "machine", "plan_description", "member", "odometer", "note")
    list_filter = ("at", "machine__type", "is_replay")
    card_lookup = "member__cards__uid"
    search_fields = ("note",)
    search_related: ClassVar = {
        "member": ("first_name", "last_name", "email"),
        "machine": ("name", "=id"),
        "plan": ("description",),
    }
    personal = frozenset({"member", "note"})
    autocomplete_fields = ("plan", "member")
    readonly_fields = ("machine", "is_replay")
    fields = ("plan", "machine", "member", "at", "reading", "note", "is_replay")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Intervention]:
        return super().get_queryset(request).select_related("plan__machine", "machine", "member")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # A plan follows its own interventions: one that moved away would leave the old plan behind.
        return ("machine", "is_replay") if obj is None else ("machine", "is_replay", "plan")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"member": request.user.pk, **super().get_changeform_initial_data(request)}

    @admin.display(description=_("maintenance plan"), ordering="plan__description")
    def plan_description(self, intervention: Intervention) -> str:
        return intervention.plan.description

    @admin.display(description=_("odometer"), ordering="reading")
    def odometer(self, intervention: Intervention) -> str:
        return hours_and_minutes(intervention.reading)
