from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet, URLField
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from machines.admin.hours import hours_and_minutes
from machines.admin.maintenance_forms import InterventionForm, PlanForm, PlanFormSet, kept_works, to_instructions
from machines.admin.plan_copies import CopiesPlans
from machines.admin.plan_progress import DueFilter, as_plan, progress
from machines.how_far import how_far
from machines.models import Intervention, MaintenancePlan
from members.admin import FindsCards, OneOfFilter, PersonFilter, SpanFilter, sees_people
from members.admin.base import LabChangeList
from members.admin.pickers import LabFields, is_key
from members.changes import value

HTTPS: dict[Any, Any] = {URLField: {"assume_scheme": "https"}}


class PlanInline(LabFields, admin.StackedInline):
    model = MaintenancePlan
    form = PlanForm
    formset = PlanFormSet
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


class PlanList(LabChangeList):
    def _get_default_ordering(self) -> list[str]:
        """The heading that shows it; `get_ordering` does it."""
        return ["-progress"]


@admin.register(MaintenancePlan)
class MaintenancePlanAdmin(CopiesPlans):
    form = PlanForm
    formfield_overrides = HTTPS
    list_display = ("description", "machine", "how_far", "last_work_at", "instructions", "work")
    list_filter = (DueFilter, ("machine", OneOfFilter), "machine__type", "is_active")
    list_select_related = ("machine",)
    search_fields = ("description", "lcd_message", "machine__name", "=machine__id")
    autocomplete_fields = ("machine",)
    # A list, because telemetry adds what the board makes of the text: this app knows nothing of it.
    readonly_fields: ClassVar[list[Any]] = ["since_last_work"]
    actions = ("copy_selected", "switch_off", "switch_on")
    delete_confirmation_template = "admin/machines/maintenanceplan/delete.html"
    delete_selected_confirmation_template = "admin/machines/maintenanceplan/delete_selected.html"
    fields: ClassVar[Any] = [
        "machine",
        "description",
        "lcd_message",
        ("hours_between", "days_between"),
        "since_last_work",
        ("hours_ago", "last_work_at"),
        "instructions_url",
        "is_active",
    ]

    class Media:
        css = {"all": ("telemetry/admin/maintenance.css",)}

    # ---- the list, what is most overdue first ------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[MaintenancePlan]:
        return super().get_queryset(request).select_related("machine").annotate(progress=progress(timezone.now()))

    def get_ordering(self, request: HttpRequest) -> Any:
        return ("-is_active", progress(timezone.now()).desc(), "pk")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[PlanList]:
        return PlanList

    def get_list_display(self, request: HttpRequest) -> Any:
        shown = super().get_list_display(request)
        return shown if self._may_record(request) else [name for name in shown if name != "work"]

    @admin.display(description=_("how far"), ordering="progress")
    def how_far(self, row: MaintenancePlan) -> Any:
        if not row.is_active:
            return _("switched off")
        plan, seconds, now = as_plan(row), row.machine.seconds_used, timezone.now()
        state = "due" if plan.progress(seconds, now) >= 1 else "fine"
        return format_html('<span class="plan-{}">{}</span>', state, how_far(plan, seconds, now))

    @admin.display(description=_("instructions"), empty_value="")
    def instructions(self, plan: MaintenancePlan) -> Any:
        return to_instructions(plan)

    @admin.display(description=_("work"))
    def work(self, plan: MaintenancePlan) -> str:
        return format_html('<a class="button" href="{}?plan={}">{}</a>', _new_work(), plan.pk, _("Record work"))

    def _may_record(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("machines.add_intervention"))

    # ---- the form ----------------------------------------------------------------------------------------------------

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        # The reading is one of this machine's odometer.
        return self.readonly_fields if obj is None else [*self.readonly_fields, "machine"]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        plan = kwargs.get("obj")
        if plan is not None:
            context |= {"may_record": self._may_record(request), "instructions": to_instructions(plan)}
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=_("used since the last work"))
    def since_last_work(self, plan: MaintenancePlan) -> str:
        if plan.pk is None:
            return hours_and_minutes(None)
        return hours_and_minutes(max(0, plan.machine.seconds_used - plan.reading_at_last_work))

    # ---- switching off, because what was done is kept ----------------------------------------------------------------

    @admin.action(description=_("Switch off selected plans"), permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[MaintenancePlan]) -> None:
        changed = self._switch(request, queryset, is_active=False)
        text = ngettext("%(count)d plan was switched off.", "%(count)d plans were switched off.", changed)
        self.message_user(request, text % {"count": changed}, messages.SUCCESS)

    @admin.action(description=_("Switch on selected plans"), permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[MaintenancePlan]) -> None:
        changed = self._switch(request, queryset, is_active=True)
        text = ngettext("%(count)d plan was switched on.", "%(count)d plans were switched on.", changed)
        self.message_user(request, text % {"count": changed}, messages.SUCCESS)

    def _switch(self, request: HttpRequest, queryset: QuerySet[MaintenancePlan], *, is_active: bool) -> int:
        plans = list(queryset.filter(is_active=not is_active))
        for plan in plans:
            plan.is_active = is_active
            plan.save(update_fields=["is_active"])
            values = [value("active", not is_active, is_active)]
            self.log_change(request, plan, [{"did": "changed", "values": values}])
        return len(plans)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        plans = list(objs)
        return [str(plan) for plan in plans], {self.opts.verbose_name_plural: len(plans)}, set(), kept_works(plans)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        context = {"checkbox": ACTION_CHECKBOX_NAME, "may_change": self.has_change_permission(request)}
        return super().delete_view(request, object_id, {**context, **(extra_context or {})})


def _new_work() -> str:
    return reverse("admin:machines_intervention_add")


@admin.register(Intervention)
class InterventionAdmin(FindsCards):
    form = InterventionForm
    list_display = ("at", "machine", "plan_description", "member", "odometer", "note")
    list_filter = (
        ("at", SpanFilter),
        ("machine", OneOfFilter),
        ("member", PersonFilter),
        "machine__type",
        "is_replay",
    )
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

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """New work has no odometer yet. Who sees no people still writes, and reads, what they did themselves."""
        ((title, options),) = super().get_fieldsets(request, obj)
        fields = tuple(name for name in options["fields"] if obj is not None or name not in ("machine", "is_replay"))
        is_own = obj is None or obj.member_id == request.user.pk
        if is_own and "note" not in fields:
            fields = (*fields, "note")
        return [(title, {**options, "fields": fields, "description": to_instructions(self._plan_of(request, obj))})]

    def _plan_of(self, request: HttpRequest, work: Intervention | None) -> MaintenancePlan | None:
        if work is not None:
            return work.plan
        asked = request.GET.get("plan", "")
        return MaintenancePlan.objects.filter(pk=int(asked)).first() if is_key(asked) else None

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        asked = {name: raw for name, raw in request.GET.items() if name in ("plan", "member") and is_key(raw)}
        return {"member": request.user.pk, **asked}

    def save_model(self, request: HttpRequest, obj: Intervention, form: Any, change: bool) -> None:
        if not change and not sees_people(request.user):
            obj.member_id = request.user.pk
        super().save_model(request, obj, form, change)
        counts_from = MaintenancePlan.objects.values_list("last_work_at", flat=True).get(pk=obj.plan_id)
        if counts_from > obj.at:
            text = _("The plan goes on counting from %(when)s, which is later.")
            when = date_format(timezone.localtime(counts_from), "DATETIME_FORMAT")
            self.message_user(request, text % {"when": when}, messages.WARNING)

    def response_post_save_add(self, request: HttpRequest, obj: Intervention) -> HttpResponseRedirect:
        """Back to the plans, where the next one is due."""
        if request.GET.get("plan") and request.user.has_perm("machines.view_maintenanceplan"):
            return redirect("admin:machines_maintenanceplan_changelist")
        return super().response_post_save_add(request, obj)

    @admin.display(description=_("maintenance plan"), ordering="plan__description")
    def plan_description(self, intervention: Intervention) -> str:
        return intervention.plan.description

    @admin.display(description=_("odometer"), ordering="reading")
    def odometer(self, intervention: Intervention) -> str:
        return hours_and_minutes(intervention.reading)
