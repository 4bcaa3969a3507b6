from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from machines.admin.hours import hours_and_minutes
from machines.admin.use_actions import delete_each, delete_selected, end_now, end_when_last_seen, move_to_machine
from machines.admin.use_changes import note_uses, overlapping, what_changed
from machines.admin.use_forms import UseForm
from machines.models import Use
from members.admin import FindsCards, OneOfFilter, PersonFilter, SpanFilter
from members.admin.search import MOST_RELATED
from members.models import Card, Change

SHOWN_BEFORE_DELETING = 20


class RunningFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "running"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("running")), ("no", _("ended"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those that run are few, and have an index of their own."""
        if self.value() == "yes":
            running = Use.objects.filter(ended_at__isnull=True).order_by().values_list("pk", flat=True)
            return queryset.filter(pk__in=list(running))
        return queryset.filter(ended_at__isnull=False) if self.value() == "no" else queryset


class ReplayFilter(admin.SimpleListFilter):
    title = _("times")
    parameter_name = "is_replay__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("estimated")), ("0", _("as they happened"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(is_replay=self.value() == "1") if self.value() in ("0", "1") else queryset


@admin.register(Use)
class UseAdmin(FindsCards):
    """No date hierarchy, no full count, one order: anything else reads a history that grows for years."""

    form = UseForm
    list_display = ("started_at", "machine", "person", "lasted", "ended_at", "how_it_ended")
    sortable_by = ("started_at",)
    list_filter = (
        RunningFilter,
        ("machine", OneOfFilter),
        ("member", PersonFilter),
        ("started_at", SpanFilter),
        ReplayFilter,
    )
    list_select_related = ("machine", "member")
    search_fields = ("machine", "member")
    search_related: ClassVar = {"member": ("first_name", "last_name", "email"), "machine": ("name", "=id")}
    is_history = True
    personal = frozenset({"member", "person", "card_uid", "note"})
    autocomplete_fields = ("member",)
    readonly_fields = ("how_it_ended", "card_uid", "last_seen_at", "recorded_at")
    actions = (end_now, end_when_last_seen, move_to_machine, delete_selected)

    class Media:
        css = {"all": ("telemetry/admin/uses.css",)}

    # ---- the list ---------------------------------------------------------------------------------------------------

    @admin.display(description=_("member"))
    def person(self, use: Use) -> Any:
        if use.member is not None or not use.card_uid:
            return use.member
        return _("card %(number)s") % {"number": use.card_uid}

    @admin.display(description=_("duration"))
    def lasted(self, use: Use) -> Any:
        if use.ended_at is not None:
            return hours_and_minutes(use.duration)
        so_far = hours_and_minutes(max(0, int((timezone.now() - use.started_at).total_seconds())))
        return format_html('<span class="use-running">{}</span>', _("running for %(time)s") % {"time": so_far})

    @admin.display(description=_("how it ended"))
    def how_it_ended(self, use: Use) -> Any:
        ended = use.get_end_reason_display() if use.ended_at is not None else "–"
        if not use.is_replay:
            return ended
        return format_html('{} <span class="use-estimated">{}</span>', ended, _("times estimated"))

    def with_card(self, uid: str) -> Q:
        """By its owner, whose uses have an index; of cards that nobody owned, too."""
        owners = list(Card.objects.filter(uid__startswith=uid).values_list("member_id", flat=True)[:MOST_RELATED])
        number = Q(card_uid__gte=uid, card_uid__lt=f"{uid}g")
        return (Q(member__in=owners) & number) | (Q(member__isnull=True) & number)

    # ---- one use ----------------------------------------------------------------------------------------------------

    def get_fields(self, request: HttpRequest, obj: Use | None = None) -> Any:
        if obj is None:
            return ("machine", "member", "started_at", "ended_at", "lasted", "note")
        estimated = ("is_estimated",) if obj.is_replay and self.has_change_permission(request, obj) else ()
        return ("machine", "member", "started_at", "ended_at", "lasted", *estimated, "note", *self.readonly_fields)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        use = kwargs.get("obj")
        context["checkbox"] = ACTION_CHECKBOX_NAME
        context["runs_since"] = use.started_at if use is not None and use.ended_at is None else None
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Use, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        others = overlapping(obj)
        if others:
            text = ngettext(
                "It overlaps with another use of this machine (%(when)s): two people cannot be there at once.",
                "It overlaps with other uses of this machine (%(when)s): two people cannot be there at once.",
                len(others),
            )
            self.message_user(request, text % {"when": ", ".join(_span(other) for other in others)}, messages.WARNING)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        values = what_changed(None if add else form.before, form.instance)
        return [{"did": "added" if add else "changed", "values": values}] if values or add else []

    # ---- deleting ---------------------------------------------------------------------------------------------------

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Nothing goes along with a use."""
        uses = list(objs)
        shown = [str(use) for use in uses[:SHOWN_BEFORE_DELETING]]
        if more := len(uses) - len(shown):
            shown.append(ngettext("and %(count)d more", "and %(count)d more", more) % {"count": more})
        lacking = set() if self.has_delete_permission(request) else {self.opts.verbose_name}
        return shown, {self.opts.verbose_name_plural: len(uses)}, lacking, []

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        if not isinstance(queryset, QuerySet):  # `delete_queryset` notes each as it goes
            note_uses(request, [(use, what_changed(use, None)) for use in queryset], Change.Kind.DELETED)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Use]) -> None:
        delete_each(request, queryset)


def _span(use: Use) -> str:
    begin = date_format(timezone.localtime(use.started_at), "SHORT_DATETIME_FORMAT")
    end = date_format(timezone.localtime(use.ended_at), "TIME_FORMAT") if use.ended_at else "…"
    return f"{begin}–{end}"
