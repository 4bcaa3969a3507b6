from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from machines.admin.authorization_forms import AuthorizationForm, AuthorizationRow, GrantingFormSet, granted_again
from machines.admin.granting import GrantingPages, chosen
from machines.admin.granting_forms import lab_today
from machines.granting import still_valid
from machines.models import Authorization
from members.admin import FindsCards, MemberAdmin, OneOfFilter, PersonFilter, sees_people
from members.admin.pickers import LabFields, is_key

SOON = timedelta(days=30)


class AuthorizationInline(LabFields, admin.TabularInline):
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


class ExpiryFilter(admin.SimpleListFilter):
    title = _("validity")
    parameter_name = "expiry"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("valid", _("valid")),
            ("soon", _("ends within 30 days")),
            ("expired", _("expired")),
            ("unlimited", _("unlimited")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        today = lab_today()
        chosen = {
            "valid": still_valid(today),
            "soon": Q(valid_until__gte=today, valid_until__lte=today + SOON),
            "expired": Q(valid_until__lt=today),
            "unlimited": Q(valid_until=None),
        }
        return queryset.filter(chosen.get(self.value() or "", Q()))


class GranterFilter(OneOfFilter):
    """Those who ever granted a right that is still there: a handful among thousands."""

    @cached_property
    def options(self) -> list[tuple[str, str]]:
        granters = Authorization.objects.order_by().values("granted_by").distinct()
        return [(str(member.pk), str(member)) for member in self._all().filter(pk__in=granters)]


@admin.register(Authorization)
class AuthorizationAdmin(GrantingPages, FindsCards):
    form = AuthorizationForm
    card_lookup = "member__cards__uid"
    list_display = ("member", "machine", "validity", "granted_by", "granted_at", "note")
    list_filter = (
        ExpiryFilter,
        ("machine", OneOfFilter),
        ("member", PersonFilter),
        ("granted_by", GranterFilter),
        "machine__type",
    )
    list_select_related = ("member", "machine", "granted_by")
    search_fields = ("note",)
    search_related: ClassVar = {"member": ("first_name", "last_name", "email"), "machine": ("name", "=id")}
    personal = frozenset({"member", "granted_by", "note"})
    autocomplete_fields = ("member", "machine")
    ordering = ("-pk",)  # as they were given; the index is there
    fields = ("member", "machine", "valid_until", "note", "granted_by", "granted_at")
    readonly_fields = ("granted_by", "granted_at")
    actions = ("revoke_selected",)
    change_list_template = "admin/machines/authorization/change_list.html"

    class Media:
        css = {"all": ("telemetry/admin/maintenance.css",)}

    @admin.display(description=_("valid until"), ordering="valid_until")
    def validity(self, right: Authorization) -> str:
        if right.valid_until is None:
            return str(_("unlimited"))
        days = (right.valid_until - lab_today()).days
        state = "over" if days < 0 else "soon" if days <= SOON.days else "fine"
        day = date_format(right.valid_until, "DATE_FORMAT")
        line = '<span><span class="right-{}">{}</span> <small>{}</small></span>'
        return format_html(line, state, in_words(days), day)

    # ---- a right names a person ---------------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and sees_people(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and (obj is None or sees_people(request.user))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and sees_people(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or sees_people(request.user))

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return super().has_delete_permission(request) and sees_people(request.user)

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        return super().get_list_display_links(request, list_display) if sees_people(request.user) else None

    # ---- giving and taking --------------------------------------------------------------------------------------

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {name: raw for name, raw in request.GET.items() if name in ("member", "machine") and is_key(raw)}

    def save_model(self, request: HttpRequest, obj: Authorization, form: Any, change: bool) -> None:
        if not change or "valid_until" in form.changed_data:
            granted_again(obj, request.user)
        super().save_model(request, obj, form, change)

    def get_actions(self, request: HttpRequest) -> Any:
        """None for who sees no people: the box at a row says whose right it is."""
        if not sees_people(request.user):
            return {}
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)  # is called revoking
        return actions

    @admin.action(description=_("Revoke selected authorizations"), permissions=["revoke"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[Authorization]) -> HttpResponse | None:
        """Asks first, and names them."""
        if not (rights := chosen(self, request, queryset.select_related("member", "machine", "granted_by"))):
            return None
        if "sure" not in request.POST:
            return self._ask_to_revoke(request, rights)
        with transaction.atomic():
            self.log_deletions(request, rights)
            Authorization.objects.filter(pk__in=[right.pk for right in rights]).delete()
        text = ngettext("%(count)d authorization was revoked.", "%(count)d authorizations were revoked.", len(rights))
        self.message_user(request, text % {"count": len(rights)}, messages.SUCCESS)
        return None

    def _ask_to_revoke(self, request: HttpRequest, rights: list[Authorization]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Revoke authorizations"),
            "rights": sorted(rights, key=lambda right: (str(right.member), str(right.machine))),
            "checkbox": ACTION_CHECKBOX_NAME,
            "media": self.media,
        }
        return TemplateResponse(request, "admin/machines/authorization/revoke.html", context)


def in_words(days: int) -> str:
    """How far its last day is from today."""
    if days < 0:
        return ngettext("expired %(days)d day ago", "expired %(days)d days ago", -days) % {"days": -days}
    if days == 0:
        return gettext("ends today")
    return ngettext("ends in %(days)d day", "ends in %(days)d days", days) % {"days": days}
