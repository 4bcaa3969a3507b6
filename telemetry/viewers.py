"""Who looks at the machines, and what they may see of people. Page and socket ask here and nowhere else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
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


def viewer_of(user: Any, screen_id: int | None = None, *, is_kiosk: bool = False) -> Viewer | None:
    """None for whom the machines are none of their business.

    Staff that may see members sees whole names, except on a wall, where everybody reads along; staff that may not
    sees none, whatever others see.
    """
    names = Names(settings.DASHBOARD_NAMES)
    if user.is_authenticated and user.is_active:
        if user.is_staff:
            names = _names_for_staff(user, names, is_kiosk=is_kiosk)
        return Viewer(names, member_id=user.pk, is_staff=user.is_staff)
    if settings.DASHBOARD_ACCESS == "public":
        return Viewer(names)
    if settings.DASHBOARD_ACCESS == "screens" and screen_id is not None:
        return Viewer(names, screen_id=screen_id)
    return None


def _names_for_staff(user: Any, names: Names, *, is_kiosk: bool) -> Names:
    if not user.has_perm("members.view_member"):
        return Names.NONE
    return names if is_kiosk else Names.FULL


def viewer_of_request(request: HttpRequest) -> Viewer | None:
    cookie = request.COOKIES.get(SCREEN_COOKIE, "")
    is_screen_enough = cookie and settings.DASHBOARD_ACCESS == "screens" and not request.user.is_authenticated
    screen_id = screens_of([cookie]).get(cookie) if is_screen_enough else None
    return viewer_of(request.user, screen_id, is_kiosk="kiosk" in request.GET)


def screens_of(cookies: Iterable[str]) -> dict[str, int]:
    """The screens that hold these cookies; revoked ones are not among them."""
    hashes = {secret_hash(cookie): cookie for cookie in cookies if cookie}
    screens = Screen.objects.filter(cookie_hash__in=list(hashes), revoked_at__isnull=True)
    return {hashes[cookie_hash]: pk for pk, cookie_hash in screens.values_list("pk", "cookie_hash")}


def secret_hash(secret: str) -> str:
    """Of a long random secret, which needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
