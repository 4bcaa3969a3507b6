from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from members.admin import FindsCards
from telemetry.models import Tap


@admin.register(Tap)
class TapAdmin(FindsCards):
    """The access log: to read. It goes only with its machine."""

    list_display = ("at", "outcome", "machine", "uid", "member", "level", "circumstances")
    list_filter = ("at", "outcome", "is_machine_blocked", "is_maintenance_due", "is_enrolled", "machine__type")
    list_select_related = ("machine", "member")
    search_fields = ("machine", "member")
    search_related: ClassVar = {"member": ("first_name", "last_name", "email"), "machine": ("name", "=id")}
    personal = frozenset({"uid", "card", "member"})

    @admin.display(description=_("circumstances"))
    def circumstances(self, tap: Tap) -> str:
        """What else the board or staff made of it, in the words of the fields."""
        names = ("is_machine_blocked", "is_maintenance_due", "is_enrolled")
        return ", ".join(str(label_for_field(name, Tap)) for name in names if getattr(tap, name))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_about_machines(request) and super().has_delete_permission(request, obj)


def _is_about_machines(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and (match.url_name or "").startswith("machines_machine_")
