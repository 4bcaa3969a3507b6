"""The access log: to read. Beside it the pages that begin with a tap: enrolling, and what a tap would give."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from machines.access import Outcome
from members.admin import FindsCards, OneOfFilter, PersonFilter, SpanFilter
from members.uids import looks_random
from telemetry.admin import could_she, enrolling
from telemetry.models import Tap
from telemetry.taps import STAFF_LEVEL, sentence


class StoppedFilter(admin.SimpleListFilter):
    title = _("board")
    parameter_name = "stopped"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("blocked", _("stopped it: machine blocked")), ("maintenance", _("stopped it: maintenance due"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("blocked", "maintenance"):
            return queryset
        # Only who was let in has a level. As the index says it that holds these few, asked before anything is sorted.
        let_in = Tap.objects.filter(Q(is_machine_blocked=True) | Q(is_maintenance_due=True), level__gt=0)
        if self.value() == "blocked":
            stopped = let_in.filter(is_machine_blocked=True)
        else:
            stopped = let_in.filter(is_machine_blocked=False, is_maintenance_due=True, level__lt=STAFF_LEVEL)
        return queryset.filter(pk__in=stopped.order_by().values("pk"))


@admin.register(Tap)
class TapAdmin(FindsCards):
    """It goes only with its machine."""

    list_display = ("at", "what_became", "machine", "member", "number")
    list_filter = (
        ("at", SpanFilter),
        ("machine", OneOfFilter),
        ("member", PersonFilter),
        "outcome",
        StoppedFilter,
    )
    list_select_related = ("machine", "member")
    sortable_by = ("at",)
    search_fields = ("machine", "member")
    search_related: ClassVar = {"member": ("first_name", "last_name", "email"), "machine": ("name", "=id")}
    is_history = True
    personal = frozenset({"uid", "number", "card", "member"})
    fields = ("at", "what_became", "machine", "member", "number", "card", "level", "circumstances")
    readonly_fields = ("what_became", "number", "circumstances")

    class Media:
        css = {"all": ("telemetry/admin/enrol.css",)}

    @admin.display(description=_("outcome"))
    def what_became(self, tap: Tap) -> str:
        return str(sentence(tap))

    @admin.display(description=_("card number"))
    def number(self, tap: Tap) -> str:
        mark = _mark(tap)
        return format_html('{} <span class="mark">{}</span>', tap.uid, mark) if mark else tap.uid

    @admin.display(description=_("circumstances"))
    def circumstances(self, tap: Tap) -> str:
        """What else was so at that moment, in the words of the fields."""
        names = ("is_machine_blocked", "is_maintenance_due", "is_enrolled")
        return ", ".join(str(label_for_field(name, Tap)) for name in names if getattr(tap, name))

    def with_card(self, uid: str) -> Q:
        return Q(uid__gte=uid, uid__lt=f"{uid}g")  # as the index knows it: a pattern would read them all

    def get_urls(self) -> list[Any]:
        return [*enrolling.urls(), *could_she.urls(), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        user = request.user
        tools = {"may_enrol": enrolling.may_enrol(user), "may_ask": could_she.may_ask(user)}
        return super().changelist_view(request, {**tools, **(extra_context or {})})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_about_machines(request) and super().has_delete_permission(request, obj)


def _mark(tap: Tap) -> Promise | None:
    if looks_random(tap.uid):
        return _("random, of a phone")
    if tap.is_enrolled:
        return _("enrolled")
    return _("unknown") if tap.outcome == Outcome.UNKNOWN_CARD else None


def _is_about_machines(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and (match.url_name or "").startswith("machines_machine_")
