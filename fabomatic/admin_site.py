"""The administration as a whole: its home page and what belongs to no single model."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.urls import URLPattern, URLResolver


class LabAdminSite(admin.AdminSite):
    site_header = site_title = "Fabomatic"

    def get_urls(self) -> list[URLPattern | URLResolver | Any]:
        return [*super().get_urls()]
