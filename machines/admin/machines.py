from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import CASCADE
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from machines.admin.hours import hours_and_minutes
from machines.admin.machine_forms import MachineForm
from machines.admin.maintenance import HTTPS, PlanInline
from machines.models import Machine
from members.admin import LabAdmin

NUMBER_OF_RESET_BOARDS = 1


@admin.register(Machine)
class MachineAdmin(LabAdmin):
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
