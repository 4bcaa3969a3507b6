"""Boards in the admin: who they are, and the say over which of them belongs where. The rest they tell themselves."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from members.admin import LabAdmin
from members.changes import differences, note_many, value
from members.models import Change
from telemetry.admin.board_states import StateFilter, is_speaking, sentences_about, with_states
from telemetry.boards import conflicts, settle_conflict
from telemetry.models import Board

REPLACED_BY = gettext_noop("replaced by")


@admin.register(Board)
class BoardAdmin(LabAdmin):
    list_display = (
        "__str__",
        "machine",
        "state",
        "belongs",
        "ip_address",
        "firmware_and_build",
        "memory",
        "last_seen_at",
    )
    list_filter = (StateFilter, "firmware", "last_seen_at")
    list_select_related = ("machine", "conflict_machine")
    search_fields = ("serial", "ip_address", "machine__name", "=machine__id", "conflict_machine__name")
    autocomplete_fields = ("machine",)
    readonly_fields = ("serial", "state", "ip_address", "running", "build", "memory", "first_seen_at", "last_seen_at")
    fields = ("machine", *readonly_fields)
    change_list_template = "admin/telemetry/board/change_list.html"
    change_form_template = "admin/telemetry/board/change_form.html"

    class Media:
        css = {"all": ("telemetry/admin/boards.css",)}

    # ---- what is shown ----------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Board]:
        return with_states(super().get_queryset(request))

    def get_list_display(self, request: HttpRequest) -> Any:
        shown = super().get_list_display(request)
        return [name for name in shown if name != "belongs" or self.has_change_permission(request)]

    @admin.display(description=gettext_lazy("state"))
    def state(self, board: Any) -> str:
        about = sentences_about(board, timezone.now())
        return format_html_join("", "<div>{}</div>", ((sentence,) for sentence in about)) or "–"

    @admin.display(description=gettext_lazy("firmware"), ordering="firmware")
    def running(self, board: Any) -> str:
        if not board.is_behind:
            return board.firmware or "–"
        return format_html('{} <span class="behind">{}</span>', board.firmware, _("behind"))

    @admin.display(description=gettext_lazy("firmware"), ordering="firmware")
    def firmware_and_build(self, board: Any) -> str:
        return format_html('{} <small class="build">{}</small>', self.running(board), board.build)

    @admin.display(description=gettext_lazy("free memory"), ordering="free_heap")
    def memory(self, board: Board) -> str:
        return "–" if board.free_heap is None else filesizeformat(board.free_heap)

    @admin.display(description=gettext_lazy("decision"))
    def belongs(self, board: Any) -> str:
        """Sends the form around the list to another address: forms do not stand in forms."""
        places = [board.conflict_machine, board.machine if board.is_contested else None]
        url = reverse("admin:telemetry_board_belongs", args=[board.pk])
        buttons = [
            (url, place.pk, _("Belongs to %(machine)s") % {"machine": place}) for place in places if place is not None
        ]
        return format_html_join(
            " ", '<button class="button belongs" formaction="{}" name="place" value="{}">{}</button>', buttons
        )

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        asked = {"conflicts": conflicts(), "has_change_permission": self.has_change_permission(request)}
        return super().changelist_view(request, {**asked, **(extra_context or {})})

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        own = [found for found in conflicts() if object_id in {str(board.pk) for board in found.boards}]
        return super().change_view(request, object_id, form_url, {"conflicts": own, **(extra_context or {})})

    # ---- what may be done -------------------------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """One that speaks would be there again within two minutes, as a newcomer."""
        return super().has_delete_permission(request, obj) and (obj is None or not is_speaking(obj, timezone.now()))

    def get_urls(self) -> list[Any]:
        belongs = self.admin_site.admin_view(self.belongs_view)
        return [path("<path:object_id>/belongs/", belongs, name="telemetry_board_belongs"), *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: Board, form: Any, change: bool) -> None:
        """Writes the machine only: the worker notes the rest while the form is open."""
        if "machine" not in form.changed_data:
            return
        if obj.machine_id is not None:
            self._settle(request, obj, obj.machine_id, is_noted=True)
        else:
            obj.conflict_machine = obj.conflict_since = None
            obj.save(update_fields=["machine", "conflict_machine", "conflict_since"])

    def belongs_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """One click on the board that belongs there, for the machine that was shown beside it."""
        board = self.get_object(request, unquote(object_id))
        if not self.has_change_permission(request, board):
            raise PermissionDenied
        if request.method == "POST" and board is not None:
            self._settle_what_was_shown(request, board, request.POST.get("place", ""))
            if "back" in request.POST:
                return redirect("admin:telemetry_board_change", board.pk)
        return redirect("admin:telemetry_board_changelist")

    def _settle_what_was_shown(self, request: HttpRequest, board: Board, place: str) -> None:
        contested = {str(found.machine.pk): found for found in conflicts()}
        found = contested.get(place)
        if found is None or board not in found.boards:
            text = _("This conflict is no longer there: somebody else has settled it.")
            self.message_user(request, text, messages.WARNING)
            return
        self._settle(request, board, found.machine.pk)
        text = _("%(board)s belongs to %(machine)s: cards are accepted there again.")
        self.message_user(request, text % {"board": board, "machine": found.machine}, messages.SUCCESS)

    def _settle(self, request: HttpRequest, board: Board, place: int, *, is_noted: bool = False) -> None:
        """Notes it with all boards that it moves; of the first one a form may have noted its machine already."""
        concerned = Board.objects.filter(Q(pk=board.pk) | Q(machine=place) | Q(conflict_machine=place))
        concerned = concerned.select_related("machine", "conflict_machine")
        with transaction.atomic():
            before = {one.pk: one for one in concerned}
            settle_conflict(place, board)
            after = Board.objects.select_related("machine", "conflict_machine").in_bulk(list(before))
            noted = {board.pk: ("conflict_machine",)} if is_noted else {}
            moved = {
                pk: differences(was, after[pk], noted.get(pk, ("machine", "conflict_machine")))
                for pk, was in before.items()
            }
            replaced = [one for one in after.values() if one.machine is None and before[one.pk].machine is not None]
            for one in replaced:
                moved[one.pk].append(value(REPLACED_BY, None, str(board)))
            notes = [(after[pk], [{"did": "changed", "values": values}]) for pk, values in moved.items() if values]
            note_many(request.user.pk, notes, Change.Kind.CHANGED)
        for one in replaced:
            text = _("%(board)s has no machine any more. If it speaks again, it is asked again.") % {"board": one}
            self.message_user(request, text, messages.INFO)
