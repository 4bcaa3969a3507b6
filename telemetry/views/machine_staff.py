"""Lets those in who may change machines, and keeps what they did where the admin keeps it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache

from machines.models import Machine
from members.changes import note, said
from members.models import Change
from telemetry.viewers import viewer_of_request


def may_change_machines(user: Any) -> bool:
    return user.is_authenticated and user.is_staff and user.has_perm("machines.change_machine")


def for_machine_staff(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """By POST only; whoever comes otherwise, after logging in for example, is shown the machine's page."""

    @never_cache
    @wraps(view)
    def with_viewer(request: HttpRequest, machine_id: int) -> HttpResponse:
        viewer = viewer_of_request(request)
        if viewer is None or viewer.member_id is None:
            return redirect_to_login(reverse("machine", args=[machine_id]))
        if not may_change_machines(request.user):
            raise PermissionDenied
        if request.method != "POST":
            return redirect("machine", machine_id)
        return view(request, viewer, machine_id)

    return with_viewer


def log(request: HttpRequest, machine: Machine, sentence: str, now: datetime) -> Change:
    """As the admin notes a change; there it is read under the machine's history."""
    return note(request.user.pk, machine, Change.Kind.CHANGED, said(sentence), at=now)


def last_log(request: HttpRequest) -> Change | None:
    user: Any = request.user
    return Change.objects.filter(member_id=user.pk).order_by("-pk").first()
