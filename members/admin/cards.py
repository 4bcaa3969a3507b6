from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from members.admin.forms import CardOfMemberForm
from members.admin.search import FindsCards
from members.models import Card
from members.power import may_touch


@admin.register(Card)
class CardAdmin(FindsCards):
    form = CardOfMemberForm
    list_display = ("uid", "member", "label", "lost", "created_at")
    list_filter = ("is_lost", "created_at")
    list_select_related = ("member",)
    search_fields = ("label",)
    search_related: ClassVar = {"member": ("first_name", "last_name")}
    personal = frozenset({"uid", "member", "label"})
    autocomplete_fields = ("member",)
    readonly_fields = ("created_at",)

    @admin.display(description=_("state"), ordering="is_lost", empty_value="")
    def lost(self, card: Card) -> Any:
        return _("lost") if card.is_lost else None

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        form.actor = request.user  # type: ignore[attr-defined]
        return form

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or may_touch(request.user, obj.member))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or may_touch(request.user, obj.member))
