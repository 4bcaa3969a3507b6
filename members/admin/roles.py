from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.db.models import Count, ManyToManyField, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from members.admin.base import LabAdmin
from members.admin.forms import RoleForm
from members.apps import OUR_APPS
from members.models import Role
from members.power import rules_all


@admin.register(Role)
class RoleAdmin(LabAdmin):
    form = RoleForm
    list_display = ("name", "authorize_all", "can_maintain", "is_backend_admin", "member_count", "is_reserved")
    list_filter = ("authorize_all", "can_maintain", "is_backend_admin")
    search_fields = ("name",)
    filter_horizontal = ("permissions",)
    readonly_fields = ("is_reserved",)
    actions = ("delete_selected",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Role]:
        return super().get_queryset(request).annotate(members_in_role=Count("members"))

    @admin.display(description=_("members"), ordering="members_in_role")
    def member_count(self, role: Any) -> int:
        return role.members_in_role

    def formfield_for_manytomany(self, db_field: ManyToManyField, request: HttpRequest, **kwargs: Any) -> Any:
        permissions = db_field.remote_field.model._default_manager
        kwargs["queryset"] = permissions.filter(content_type__app_label__in=OUR_APPS).select_related("content_type")
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return rules_all(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return rules_all(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return rules_all(request.user) and not (obj is not None and obj.is_reserved)

    @admin.action(description=_("Delete selected roles"), permissions=["delete"])
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Role]) -> HttpResponse | None:
        if "post" not in request.POST and queryset.filter(is_reserved=True).exists():
            self.message_user(request, _("Reserved roles cannot be deleted."), messages.ERROR)
            return None
        answer: HttpResponse | None = delete_selected(self, request, queryset)
        return answer
