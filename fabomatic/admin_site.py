"""The administration as a whole: its home page and what belongs to no single model."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, URLResolver, path

from fabomatic.system_page import download_copy, system_page
from members.login import Entrance


class LabAdminSite(Entrance):
    site_header = site_title = "Fabomatic"

    def get_urls(self) -> list[URLPattern | URLResolver | Any]:
        own = [
            path("system/", self.admin_view(system_page), name="system"),
            path("system/copy/", self.admin_view(download_copy), name="system_copy"),
        ]
        return [*own, *super().get_urls()]
