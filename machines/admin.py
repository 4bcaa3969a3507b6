from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import CASCADE, Count, QuerySet, URLField
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from machines.admin_forms import (
    AuthorizationRow,
    GrantingFormSet,
    InterventionForm,
    MachineForm,
    PlanForm,
    UseForm,
    hours_and_minutes,
)
from machines.models import Authorization, Intervention, Machine, MachineType, MaintenancePlan, Use
from members.admin import FindsCards, MemberAdmin

NUMBER_OF_RESET_BOARDS = 1
HTTPS: dict[Any, Any] = {URLField: {"assume_scheme": "https"}}


@admin.register(MachineType)
class MachineTypeAdmin(admin.ModelAdmin):
    list_display = (
        "name",
        "needs_authorization",
        "auto_logoff_minutes",
        "grace_minutes",
        "allow_remote_start",
        "machine_count",
    )
    list_filter = ("needs_authorization", "allow_remote_start")
    search_fields = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[MachineType]:
        return super().get_queryset(request).annotate(machines_of_type=Count("machines"))

    @admin.display(description=_("machines"), ordering="machines_of_type")
    def machine_count(self, machine_type: Any) -> int:
        return machine_type.machines_of_type


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


@admin.register(Machine)
class MachineAdmin(admin.ModelAdmin):
    form = MachineForm
    formfield_overrides = HTTPS
    list_display = ("id", "name", "type", "location", "blocked", "odometer", "last_seen_at", "uses")
    list_display_links = ("id", "name")
    list_filter = ("is_blocked", "type", "location")
    list_select_related = ("type",)
    search_fields = ("=id", "name", "location", "type__name")
    readonly_fields = ("odometer", "last_seen_at", "blocked_at")
    inlines = (PlanInline,)
    fieldsets = (
        (None, {"fields": ("id", "name", "type", "location", "documentation_url")}),
        (_("Blocking"), {"fields": ("is_blocked", "blocked_reason", "blocked_at")}),
        (_("Hours"), {"fields": ("odometer", "initial_seconds", "last_seen_at")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("odometer", "last_seen_at", "blocked_at", *(() if obj is None else ("id",)))

    @admin.display(description=_("blocked"), ordering="is_blocked", empty_value="")
    def blocked(self, machine: Machine) -> Any:
        return (machine.blocked_reason or _("blocked")) if machine.is_blocked else None

    @admin.display(description=_("odometer"), ordering="seconds_used")
    def odometer(self, machine: Machine) -> str:
        return hours_and_minutes(machine.seconds_used)

    @admin.display(description=_("uses"))
    def uses(self, machine: Machine) -> str:
        return format_html(
            '<a href="{}?machine__id__exact={}">{}</a>', reverse("admin:machines_use_changelist"), machine.pk, _("uses")
        )

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Counts what goes along instead of listing it: a busy machine has a hundred thousand uses."""
        counts = {self.opts.verbose_name_plural: len(objs)}
        perms_needed = set()
        for relation in Machine._meta.related_objects:
            model: Any = relation.related_model
            going = model._default_manager.filter(**{f"{relation.field.name}__in": [machine.pk for machine in objs]})
            if relation.on_delete is not CASCADE or not (count := going.count()):
                continue
            counts[model._meta.verbose_name_plural] = count
            if not self.admin_site.get_model_admin(model).has_delete_permission(request):
                perms_needed.add(model._meta.verbose_name)
        return [str(machine) for machine in objs], counts, perms_needed, []

    def save_model(self, request: HttpRequest, obj: Machine, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change and obj.pk == NUMBER_OF_RESET_BOARDS:
            text = _("A board that was reset calls itself machine 1 and would be let in by this machine's rights.")
            self.message_user(request, text, messages.WARNING)


class AuthorizationInline(admin.TabularInline):
    model = Authorization
    form = AuthorizationRow
    formset = GrantingFormSet
    fk_name = "member"
    extra = 0
    autocomplete_fields = ("machine",)
    fields = ("machine", "valid_until", "note", "granted_by", "granted_at")
    readonly_fields = ("granted_by", "granted_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Authorization]:
        return super().get_queryset(request).select_related("machine", "member", "granted_by")

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        formset.granted_by = request.user  # type: ignore[attr-defined]
        return formset


MemberAdmin.inlines.append(AuthorizationInline)


@admin.register(Authorization)
class AuthorizationAdmin(FindsCards):
    card_lookup = "member__cards__uid"
    list_display = ("member", "machine", "valid_until", "granted_by", "granted_at", "note")
    list_filter = ("machine__type", "valid_until", "granted_at")
    list_select_related = ("member", "machine", "granted_by")
    search_fields = ("member__first_name", "member__last_name", "machine__name", "note")
    autocomplete_fields = ("member", "machine")
    fields = ("member", "machine", "valid_until", "note", "granted_by", "granted_at")
    readonly_fields = ("granted_by", "granted_at")

    def save_model(self, request: HttpRequest, obj: Authorization, form: Any, change: bool) -> None:
        if not change:
            obj.granted_by_id = request.user.pk
        super().save_model(request, obj, form, change)


@admin.register(MaintenancePlan)
class MaintenancePlanAdmin(admin.ModelAdmin):
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
class InterventionAdmin(admin.ModelAdmin):
    form = InterventionForm
    list_display = ("at", "machine", "plan_description", "member", "odometer", "note")
    list_filter = ("at", "machine__type", "is_replay")
    search_fields = ("plan__description", "machine__name", "member__first_name", "member__last_name", "note")
    autocomplete_fields = ("plan", "member")
    date_hierarchy = "at"
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


class RunningFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "running"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("running")), ("no", _("ended"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in ("yes", "no"):
            return queryset.filter(ended_at__isnull=self.value() == "yes")
        return queryset


@admin.register(Use)
class UseAdmin(FindsCards):
    """No date hierarchy and no full count: either reads a history that grows for years."""

    form = UseForm
    card_lookup = "card_uid"
    list_display = ("started_at", "machine", "member", "hours", "ended_at", "end_reason", "card_uid")
    list_filter = (RunningFilter, "started_at", "machine__type", "end_reason", "is_replay")
    list_select_related = ("machine", "member")
    search_fields = ("machine__name", "member__first_name", "member__last_name", "note")
    show_full_result_count = False
    autocomplete_fields = ("machine", "member")
    readonly_fields = ("hours", "end_reason", "card_uid", "last_seen_at", "is_replay", "recorded_at")
    fields = ("machine", "member", "started_at", "ended_at", "note", *readonly_fields)
    actions = ("end_now",)

    @admin.display(description=_("hours"), ordering="duration")
    def hours(self, use: Use) -> str:
        return hours_and_minutes(use.duration)

    @admin.action(description=_("End selected running uses now"), permissions=["change"])
    def end_now(self, request: HttpRequest, queryset: QuerySet[Use]) -> None:
        running = list(queryset.filter(ended_at__isnull=True))
        for use in running:
            use.ended_at = max(timezone.now(), use.started_at)
            use.save()
            self.log_change(request, use, str(_("Ended by hand.")))
        text = ngettext("%(count)d use was ended.", "%(count)d uses were ended.", len(running))
        self.message_user(request, text % {"count": len(running)}, messages.SUCCESS)
