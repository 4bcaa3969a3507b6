from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from members.admin import LabAdmin
from telemetry.boards import contested_place, settle_conflict
from telemetry.models import Board


@admin.register(Board)
class BoardAdmin(LabAdmin):
    list_display = (
        "__str__",
        "machine",
        "conflict_machine",
        "conflict_since",
        "ip_address",
        "firmware",
        "last_seen_at",
    )
    list_filter = (("conflict_machine", admin.EmptyFieldListFilter), "firmware", "last_seen_at")
    list_select_related = ("machine", "conflict_machine")
    search_fields = ("serial", "ip_address", "machine__name", "=machine__id", "conflict_machine__name")
    autocomplete_fields = ("machine",)
    readonly_fields = (
        "serial",
        "conflict_machine",
        "conflict_since",
        "ip_address",
        "build",
        "firmware",
        "free_heap",
        "first_seen_at",
        "last_seen_at",
    )
    fields = ("machine", *readonly_fields)
    actions = ("belongs_where_it_speaks",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Board, form: Any, change: bool) -> None:
        """Writes the machine only: the worker notes the rest while the form is open."""
        if "machine" not in form.changed_data:
            return
        if obj.machine_id is not None:
            settle_conflict(obj.machine_id, obj)
        else:
            obj.conflict_machine = obj.conflict_since = None
            obj.save(update_fields=["machine", "conflict_machine", "conflict_since"])

    @admin.action(description=_("Selected boards belong where they speak now"), permissions=["change"])
    def belongs_where_it_speaks(self, request: HttpRequest, queryset: QuerySet[Board]) -> None:
        contested = [(place, board) for board in queryset if (place := contested_place(board)) is not None]
        if len({place for place, _board in contested}) < len(contested):
            self.message_user(request, _("Select one board per machine."), messages.ERROR)
            return
        for place, board in contested:
            settle_conflict(place, board)
            self.log_change(request, board, str(_("Said where it belongs.")))
        text = ngettext("%(count)d conflict was settled.", "%(count)d conflicts were settled.", len(contested))
        self.message_user(request, text % {"count": len(contested)}, messages.SUCCESS)
