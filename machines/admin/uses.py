from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from machines.admin.hours import hours_and_minutes
from machines.admin.use_forms import UseForm
from machines.models import Use
from members.admin import FindsCards, OneOfFilter, PersonFilter, SpanFilter


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
    list_filter = (
        RunningFilter,
        ("machine", OneOfFilter),
        ("member", PersonFilter),
        ("started_at", SpanFilter),
        "is_replay",
        "end_reason",
    )
    list_select_related = ("machine", "member")
    search_fields = ("machine", "member")
    search_related: ClassVar = {"member": ("first_name", "last_name", "email"), "machine": ("name", "=id")}
    personal = frozenset({"member", "card_uid", "note"})
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
