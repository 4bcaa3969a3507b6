from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from machines.admin.authorization_forms import AuthorizationRow, GrantingFormSet
from machines.models import Authorization
from members.admin import FindsCards, MemberAdmin


class AuthorizationInline(admin.TabularInline):
    model = Authorization
    form = AuthorizationRow
    formset = GrantingFormSet
    fk_name = "member"
    extra = 0
    autocomplete_fields = ("machine",)
    fields = ("machine", "valid_until", "note", "granted_by", "granted_at")
    readonly_fields = ("granted_by", "granted_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Authorization]:
        return super().get_queryset(request).select_related("machine", "member", "granted_by")

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        formset.granted_by = request.user  # type: ignore[attr-defined]
        return formset


MemberAdmin.inlines.append(AuthorizationInline)


@admin.register(Authorization)
class AuthorizationAdmin(FindsCards):
    card_lookup = "member__cards__uid"
    list_display = ("member", "machine", "valid_until", "granted_by", "granted_at", "note")
    list_filter = ("machine__type", "valid_until", "granted_at")
    list_select_related = ("member", "machine", "granted_by")
    search_fields = ("note",)
    search_related: ClassVar = {"member": ("first_name", "last_name", "email"), "machine": ("name", "=id")}
    personal = frozenset({"member", "granted_by", "note"})
    autocomplete_fields = ("member", "machine")
    fields = ("member", "machine", "valid_until", "note", "granted_by", "granted_at")
    readonly_fields = ("granted_by", "granted_at")

    def save_model(self, request: HttpRequest, obj: Authorization, form: Any, change: bool) -> None:
        if not change:
            obj.granted_by_id = request.user.pk
        super().save_model(request, obj, form, change)
