from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import ForeignKey, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from members.admin.base import sees_people
from members.admin.cards import CardInline, warn_of_random_uid
from members.admin.deletion import DeletesMembers
from members.admin.forms import MemberForm, PasswordForm
from members.admin.member_columns import MemberColumns
from members.admin.member_filters import CardsFilter, ConsentFilter, MembershipFilter, StateFilter
from members.admin.search import FindsCards
from members.mail_wishes import WISHES, in_vain
from members.models import Card, Member
from members.power import may_touch, ordinary_roles, rules_all


@admin.register(Member)
class MemberAdmin(DeletesMembers, MemberColumns, FindsCards, UserAdmin):
    form = MemberForm
    add_form = MemberForm
    add_form_template = None
    change_password_form = PasswordForm
    card_lookup = "cards__uid"
    list_display: Any = ("full_name", "role", "card_numbers", "state", "validity", "consent")
    list_filter = (StateFilter, MembershipFilter, ConsentFilter, CardsFilter, "role", "is_superuser")
    list_select_related = ("role", "consent_to")
    search_fields = ("first_name", "last_name", "email")
    ordering = ("last_name", "first_name", "pk")
    filter_horizontal = ()
    readonly_fields: ClassVar[tuple[str, ...]] = ("deactivated_at", "created_at", "last_login")
    # A list, because machines add to it: this app knows nothing of them.
    inlines: ClassVar[list[Any]] = [CardInline]
    fieldsets = (
        (None, {"fields": ("first_name", "last_name", "email", "language")}),
        (_("Membership"), {"fields": ("role", "is_active", "valid_until", "consent_at", "consent_to", "notes")}),
        (_("Mails"), {"fields": WISHES}),
        (_("Login"), {"fields": ("password", "is_superuser")}),
        (_("Dates"), {"fields": ("created_at", "deactivated_at", "last_login"), "classes": ("collapse",)}),
    )

    add_view = admin.ModelAdmin.add_view
    response_add = admin.ModelAdmin.response_add

    class Media:
        css: ClassVar = {"all": ("telemetry/admin/members.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Member]:
        return super().get_queryset(request).select_related("role", "consent_to").prefetch_related("cards")

    # ---- the form ----------------------------------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        hidden = set()
        if not rules_all(request.user):
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
        form.actor = request.user  # type: ignore[attr-defined]
        if "password" not in flatten_fieldsets(self.get_fieldsets(request, obj)):
            form.base_fields.pop("password", None)
        return form

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None or rules_all(request.user):
            return self.readonly_fields
        return (*self.readonly_fields, "role")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        ordinary = ordinary_roles().filter(is_reserved=True).values_list("pk", flat=True).first()
        return {"role": ordinary, **super().get_changeform_initial_data(request)}

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "consent_to" and field is not None:  # versions are chosen here, and read and written there
            field.widget = field.widget.widget if hasattr(field.widget, "widget") else field.widget
        return field

    def formfield_for_foreignkey(self, db_field: ForeignKey, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "role" and not rules_all(request.user):
            kwargs["queryset"] = ordinary_roles()
        if db_field.name == "consent_to":
            kwargs.setdefault("empty_label", _("no version"))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        context["checkbox"] = ACTION_CHECKBOX_NAME
        context["may_record_consent"] = self.has_change_permission(request) and self.lacks_consent(
            context.get("original")
        )
        context["may_report_lost"] = self.has_report_lost_permission(request)
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Member, form: Any, change: bool) -> None:
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)
        if obj.is_staff and not obj.email:
            text = _("Without an e-mail address %(name)s cannot log in.")
            self.message_user(request, text % {"name": obj}, messages.WARNING)
        for sentence in in_vain(obj) if {*WISHES, "email", "role"} & set(form.changed_data) else ():
            self.message_user(request, f"{obj}: {sentence}", messages.WARNING)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        renumbered = [row for row, names in formset.changed_objects if "uid" in names]
        for row in (*formset.new_objects, *renumbered):
            if isinstance(row, Card):
                warn_of_random_uid(request, row)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        if not rules_all(request.user):
            raise PermissionDenied
        with transaction.atomic():  # nobody else in charge leaves between question and answer
            return super().user_change_password(request, id, form_url)

    # ---- who may -----------------------------------------------------------------------------------------------------

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may change members without seeing them, as Django would have it, sees nobody here, either."""
        return sees_people(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = super().has_change_permission(request, obj) and sees_people(request.user)
        return may and (obj is None or may_touch(request.user, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = super().has_delete_permission(request, obj) and sees_people(request.user)
        return may and (obj is None or may_touch(request.user, obj))
