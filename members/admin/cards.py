from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.admin.base import sees_people
from members.admin.forms import CardForm, CardOfMemberForm
from members.admin.search import FindsCards
from members.models import Card
from members.power import may_touch
from members.uids import looks_random


class CardFormSet(BaseInlineFormSet):
    """Django says which field has to be unique, and not what to do."""

    def get_form_error(self) -> Any:
        return _("This card number stands here twice: empty one of the rows.")

    def get_unique_error_message(self, unique_check: Any) -> Any:
        return self.get_form_error()


class CardInline(admin.TabularInline):
    model = Card
    formset = CardFormSet
    form = CardForm
    extra = 0

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        formset.form.actor = request.user  # type: ignore[attr-defined]
        return formset


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

    @admin.display(description=gettext_lazy("state"), ordering="is_lost", empty_value="")
    def lost(self, card: Card) -> Any:
        return _("lost") if card.is_lost else None

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        form.actor = request.user  # type: ignore[attr-defined]
        return form

    def save_model(self, request: HttpRequest, obj: Card, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "uid" in form.changed_data:
            warn_of_random_uid(request, obj)

    # A card without its number and its member is none: who may not see them has no pages of cards.

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and sees_people(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and sees_people(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = super().has_change_permission(request, obj) and sees_people(request.user)
        return may and (obj is None or may_touch(request.user, obj.member))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = super().has_delete_permission(request, obj) and sees_people(request.user)
        return may and (obj is None or may_touch(request.user, obj.member))


def warn_of_random_uid(request: HttpRequest, card: Card) -> None:
    if looks_random(card.uid):
        text = _("%(uid)s looks like a number that a phone makes up anew at each tap: it may never open anything.")
        messages.warning(request, text % {"uid": card.uid})
