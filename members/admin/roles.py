from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, ManyToManyField, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from members.admin.base import LabAdmin
from members.admin.forms import RoleForm
from members.apps import OUR_APPS
from members.models import Role


@admin.register(Role)
class RoleAdmin(LabAdmin):
    form = RoleForm
    list_display = ("name", "authorize_all", "can_maintain", "is_backend_admin", "member_count", "is_reserved")
    list_filter = ("authorize_all", "can_maintain", "is_backend_admin")
    search_fields = ("name",)
    filter_horizontal = ("permissions",)
    readonly_fields = ("is_reserved",)

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
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser and not (obj is not None and obj.is_reserved)
