from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import ForeignKey, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from members.admin.forms import LAST_SUPERUSER, CardForm, MemberForm, PasswordForm
from members.admin.search import FindsCards
from members.models import Card, Member
from members.power import is_last_superuser, may_touch, ordinary_roles


class MembershipFilter(admin.SimpleListFilter):
    title = _("membership")
    parameter_name = "membership"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("valid", _("valid")), ("ended", _("ended"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        ended = Q(valid_until__lt=timezone.localdate(timezone=timezone.get_default_timezone()))
        match self.value():
            case "valid":
                return queryset.filter(~ended | Q(valid_until=None))
            case "ended":
                return queryset.filter(ended)
            case _:
                return queryset


class CardInline(admin.TabularInline):
    model = Card
    form = CardForm
    extra = 0


@admin.register(Member)
class MemberAdmin(FindsCards, UserAdmin):
    form = MemberForm
    add_form = MemberForm
    add_form_template = None
    change_password_form = PasswordForm
    card_lookup = "cards__uid"
    list_display = ("full_name", "email", "role", "is_active", "valid_until", "card_numbers")
    list_filter = ("is_active", MembershipFilter, "role", "is_superuser", "wants_weekly_summary")
    list_select_related = ("role",)
    search_fields = ("first_name", "last_name", "email")
    ordering = ("last_name", "first_name", "pk")
    filter_horizontal = ()
    readonly_fields: ClassVar[tuple[str, ...]] = ("deactivated_at", "created_at", "last_login")
    # A list, because machines add to it: this app knows nothing of them.
    inlines: ClassVar[list[Any]] = [CardInline]
    fieldsets = (
        (None, {"fields": ("first_name", "last_name", "email", "language", "wants_weekly_summary")}),
        (_("Membership"), {"fields": ("role", "is_active", "valid_until", "consent_at", "notes")}),
        (_("Login"), {"fields": ("password", "is_superuser")}),
        (_("Dates"), {"fields": ("created_at", "deactivated_at", "last_login"), "classes": ("collapse",)}),
    )

    add_view = admin.ModelAdmin.add_view
    response_add = admin.ModelAdmin.response_add

    @admin.display(description=_("name"), ordering=("last_name"))
    def full_name(self, member: Member) -> str:
        return member.get_full_name()

    @admin.display(description=_("cards"))
    def card_numbers(self, member: Member) -> str:
        return ", ".join(card.uid for card in member.cards.all())

    def get_queryset(self, request: HttpRequest) -> QuerySet[Member]:
        return super().get_queryset(request).select_related("role").prefetch_related("cards")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        hidden = set()
        if not request.user.is_superuser:
            hidden |= {"is_superuser", "password"}
        if obj is None:
            hidden |= {"password", *self.readonly_fields}
        shown = [
            (title, {**options, "fields": tuple(name for name in options["fields"] if name not in hidden)})
            for title, options in self.fieldsets or ()
        ]
        return [(title, options) for title, options in shown if options["fields"]]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if "password" not in flatten_fieldsets(self.get_fieldsets(request, obj)):
            form.base_fields.pop("password", None)
        return form

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None or request.user.is_superuser:
            return self.readonly_fields
        return (*self.readonly_fields, "role")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        ordinary = ordinary_roles().filter(is_reserved=True).values_list("pk", flat=True).first()
        return {"role": ordinary, **super().get_changeform_initial_data(request)}

    def formfield_for_foreignkey(self, db_field: ForeignKey, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "role" and not request.user.is_superuser:
            kwargs["queryset"] = ordinary_roles()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Member, form: Any, change: bool) -> None:
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        if not request.user.is_superuser:
            raise PermissionDenied
        return super().user_change_password(request, id, form_url)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or may_touch(request.user, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or may_touch(request.user, obj))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        to_delete, counts, perms_needed, protected = super().get_deleted_objects(objs, request)
        if is_last_superuser(*objs):
            protected.append(str(LAST_SUPERUSER))
        return to_delete, counts, perms_needed, protected
