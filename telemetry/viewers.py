"""Who looks at the machines, and what they may see of people. Page and socket ask here and nowhere else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from members.names import Names
from telemetry.models import Screen

SCREEN_COOKIE = "fabomatic_screen"


@dataclass(frozen=True, slots=True)
class Viewer:
    names: Names
    member_id: int | None = None
    screen_id: int | None = None
    is_staff: bool = False


def viewer_of(user: Any, screen_cookie: str = "", *, is_kiosk: bool = False) -> Viewer | None:
    """None for whom the machines are none of their business.

    Staff that may see members sees whole names, except on a wall, where everybody reads along.
    """
    names = Names(settings.DASHBOARD_NAMES)
    if user.is_authenticated and user.is_active:
        sees_members = user.is_staff and user.has_perm("members.view_member") and not is_kiosk
        return Viewer(Names.FULL if sees_members else names, member_id=user.pk, is_staff=user.is_staff)
    if settings.DASHBOARD_ACCESS == "public":
        return Viewer(names)
    if settings.DASHBOARD_ACCESS == "screens" and screen_cookie:
        screen_id = _screen_of(screen_cookie)
        return None if screen_id is None else Viewer(names, screen_id=screen_id)
    return None


def viewer_of_request(request: HttpRequest) -> Viewer | None:
    return viewer_of(request.user, request.COOKIES.get(SCREEN_COOKIE, ""), is_kiosk="kiosk" in request.GET)


def secret_hash(secret: str) -> str:
    """Of a long random secret, which needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _screen_of(cookie: str) -> int | None:
    screens = Screen.objects.filter(cookie_hash=secret_hash(cookie), revoked_at__isnull=True)
    return screens.values_list("pk", flat=True).first()
