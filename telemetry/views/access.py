"""Lets those in who may look at the machines, and says to the others what to do."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from telemetry.viewers import SCREEN_COOKIE, viewer_of_request
from telemetry.views.screens import keep_screen


def for_viewers(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The view gets the viewer after the request."""

    @wraps(view)
    def with_viewer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        viewer = viewer_of_request(request)
        if viewer is not None:
            return keep_screen(request, view(request, viewer, *args, **kwargs), viewer)
        if settings.DASHBOARD_ACCESS == "screens" and SCREEN_COOKIE in request.COOKIES:
            return render(request, "screen_revoked.html", status=403)
        return redirect_to_login(request.get_full_path())

    return with_viewer
