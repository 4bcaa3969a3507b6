from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import CASCADE, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from machines.admin.blocking import BlocksMachines
from machines.admin.hours import hours_and_minutes
from machines.admin.machine_forms import MachineForm, NumberForm
from machines.admin.machine_list import DueFilter, MachineList, PlaceFilter, TypeFilter, read_plans
from machines.admin.maintenance import HTTPS, PlanInline
from machines.how_far import how_far
from machines.models import Machine
from machines.removal import remove
from machines.renumbering import (
    NUMBER_OF_RESET_BOARDS,
    RESET_BOARDS,
    is_running,
    lowest_free_number,
    references,
    what_moves,
)
from members.changes import note_many, state_of, value
from members.models import Change

Complete = Callable[[HttpRequest, list[Any], datetime], None]


@admin.register(Machine)
class MachineAdmin(BlocksMachines):
    form = MachineForm
    formfield_overrides = HTTPS
    # Lists, because telemetry adds to them what boards tell: this app knows nothing of it.
    list_display: Any = ["id", "name", "type", "odometer", "plans"]
    list_filter: ClassVar[list[Any]] = ["is_blocked", DueFilter, TypeFilter, PlaceFilter]
    completions: ClassVar[list[Complete]] = [read_plans]
    additions: ClassVar[list[Callable[[HttpRequest, Machine], dict[str, Any]]]] = []
    list_display_links = ("id", "name")
    list_select_related = ("type",)
    search_fields = ("=id", "name", "location", "type__name")
    readonly_fields = ("odometer", "last_seen_at", "blocked_at")
    actions = ("block_selected", "unblock_selected")
    inlines = (PlanInline,)
    fieldsets = (
        (None, {"fields": ("id", "name", "type", "location", "documentation_url")}),
        (_("Blocking"), {"fields": ("is_blocked", "blocked_reason", "blocked_at")}),
        (_("Hours"), {"fields": ("odometer", "initial_seconds", "last_seen_at")}),
    )

    # ---- the list ----------------------------------------------------------------------------------------------------

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return MachineList

    @admin.display(description=_("hours"), ordering="seconds_used")
    def odometer(self, machine: Machine) -> str:
        return hours_and_minutes(machine.seconds_used)

    @admin.display(description=_("maintenance"), empty_value="")
    def plans(self, machine: Any) -> Any:
        lines = format_html_join("", '<div class="plan {}"><bdi>{}</bdi>: {}</div>', self._plan_lines(machine))
        return format_html("<div>{}</div>", lines) if lines else None

    def _plan_lines(self, machine: Any) -> list[tuple[str, str, str]]:
        seconds, now = machine.seconds_used, machine.read_at
        return [
            ("due" if plan.progress(seconds, now) >= 1 else "", plan.description, how_far(plan, seconds, now))
            for plan in machine.active_plans
        ]

    # ---- the form ----------------------------------------------------------------------------------------------------

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("odometer", "last_seen_at", "blocked_at", *(() if obj is None else ("id",)))

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"id": lowest_free_number(), **super().get_changeform_initial_data(request)}

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        machine = kwargs.get("obj")
        if machine is not None:
            for addition in self.additions:
                context |= addition(request, machine)
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Machine, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            self._warn_of_reset_boards(request, obj)

    def _warn_of_reset_boards(self, request: HttpRequest, machine: Machine) -> None:
        if machine.pk == NUMBER_OF_RESET_BOARDS:
            self.message_user(request, RESET_BOARDS, messages.WARNING)

    # ---- another number ----------------------------------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        renumbering = self.admin_site.admin_view(self.renumber_view)
        return [path("<path:object_id>/renumber/", renumbering, name="machines_machine_renumber"), *super().get_urls()]

    def renumber_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        machine: Any = self.get_object(request, unquote(object_id))
        if machine is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        if not self.has_change_permission(request, machine):
            raise PermissionDenied
        form = NumberForm(request.POST or None, initial={"number": lowest_free_number()})
        moved = form.renumber(machine.pk, request.user.pk) if request.method == "POST" else None
        if moved is not None:
            text = _("Machine %(old)d is now machine %(new)d. Set the number in its board, too.")
            self.message_user(request, text % {"old": machine.pk, "new": moved.pk}, messages.SUCCESS)
            self._warn_of_reset_boards(request, moved)
            return redirect("admin:machines_machine_change", moved.pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Another number for this machine"),
            "machine": machine,
            "form": form,
            "counts": what_moves(machine.pk),
            "is_running": is_running(machine.pk),
            "has_view_permission": self.has_view_permission(request, machine),
            "media": self.media,
        }
        return TemplateResponse(request, "admin/machines/machine/renumber.html", context)

    # ---- deleting ----------------------------------------------------------------------------------------------------

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Counts what goes along instead of listing it: a busy machine has a hundred thousand uses."""
        machines = list(objs)
        going = _going_with(machines)
        perms_needed = {model._meta.verbose_name for model in going if not self._may_delete(request, model)}
        counts = {model._meta.verbose_name_plural: count for model, count in going.items()}
        counts = {self.opts.verbose_name_plural: len(machines), **counts}
        return [str(machine) for machine in machines], counts, perms_needed, []

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """With how much went along, which nobody lists."""
        things = []
        for machine in queryset:
            with override(None):
                along = [
                    value(str(model._meta.verbose_name_plural), count, None)
                    for model, count in _going_with([machine]).items()
                ]
            things.append((machine, [{"did": "deleted", "values": [*state_of(machine), *along]}]))
        return note_many(request.user.pk, things, Change.Kind.DELETED)

    def _may_delete(self, request: HttpRequest, model: Any) -> bool:
        """What has no page of its own goes with its machine, as Django does it."""
        if not self.admin_site.is_registered(model):
            return True
        return self.admin_site.get_model_admin(model).has_delete_permission(request)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Without Django's transaction around it all: boards are heard between the pieces."""
        return self._delete_view(request, object_id, extra_context)  # type: ignore[attr-defined]

    def delete_model(self, request: HttpRequest, obj: Machine) -> None:
        remove(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Machine]) -> None:
        for machine in queryset:
            remove(machine)


def _going_with(machines: list[Machine]) -> dict[Any, int]:
    """How many rows of which model are deleted along with them."""
    fields: Any = references()
    counts = {}
    for model, field in fields:
        if field.remote_field.on_delete is CASCADE:
            rows = model._default_manager.filter(**{f"{field.name}__in": [machine.pk for machine in machines]})
            counts[model] = rows.count()
    return {model: count for model, count in counts.items() if count}
