"""The administration as a whole: its home page and what belongs to no single model."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, URLResolver

from members.login import Entrance


class LabAdminSite(Entrance):
    site_header = site_title = "Fabomatic"

    def get_urls(self) -> list[URLPattern | URLResolver | Any]:
        return [*super().get_urls()]
