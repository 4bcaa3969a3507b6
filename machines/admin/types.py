from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from machines.models import MachineType
from members.admin import LabAdmin


@admin.register(MachineType)
class MachineTypeAdmin(LabAdmin):
    list_display = (
        "name",
        "needs_authorization",
        "auto_logoff_minutes",
        "grace_minutes",
        "allow_remote_start",
        "machine_count",
    )
    list_filter = ("needs_authorization", "allow_remote_start")
    search_fields = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[MachineType]:
        return super().get_queryset(request).annotate(machines_of_type=Count("machines"))

    @admin.display(description=_("machines"), ordering="machines_of_type")
    def machine_count(self, machine_type: Any) -> str:
        url = f"{reverse('admin:machines_machine_changelist')}?type__id__exact={machine_type.pk}"
        return format_html('<a href="{}">{}</a>', url, machine_type.machines_of_type)
