"""The administration as a whole: its home page and what belongs to no single model."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fabomatic import restore_page
from fabomatic.app_list import arranged, in_order
from fabomatic.attention import boxes_for
from fabomatic.errands import errands_of
from fabomatic.system_page import download_copy, system_page
from members.login import Entrance


class LabAdminSite(Entrance):
    site_header = site_title = "Fabomatic"
    index_title = _("Today")

    def get_urls(self) -> list[URLPattern | URLResolver | Any]:
        from fabomatic.privacy.admin_views import urls_at  # needs the members' admin, which needs this site

        own = [
            *urls_at(self),
            path("system/", self.admin_view(system_page), name="system"),
            path("system/copy/", self.admin_view(download_copy), name="system_copy"),
            path("system/backups/<str:name>/", self.admin_view(restore_page.restore_kept), name="system_restore"),
            path(
                "system/backups/<str:name>/download/", self.admin_view(restore_page.download_kept), name="system_backup"
            ),
            path("system/upload/", self.admin_view(restore_page.upload), name="system_upload"),
            path(
                "system/upload/<str:token>/", self.admin_view(restore_page.restore_upload), name="system_restore_upload"
            ),
        ]
        return [*own, *super().get_urls()]

    def index(self, request: HttpRequest, extra_context: Any = None) -> TemplateResponse:
        today = {"boxes": boxes_for(request.user, timezone.now()), "errands": errands_of(request.user)}
        return super().index(request, {**today, **(extra_context or {})})

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        apps = super().get_app_list(request, app_label)
        return in_order(apps) if app_label else arranged(apps, request.user)
