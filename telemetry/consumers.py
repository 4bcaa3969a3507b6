"""The socket behind the page: lets in whom the page lets in, and passes on what the hub says."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import DatabaseError
from django.http.request import split_domain_port, validate_host
from django.utils.http import is_same_domain
from django.utils.translation import gettext

from members.names import Names
from telemetry.live.guests import Credentials
from telemetry.live.hub import Audience, hub_here
from telemetry.live.wall import Grouping, Look
from telemetry.viewers import SCREEN_COOKIE, Viewer

NOT_EXPECTED = 4400
NOT_ALLOWED = 4401
TRY_LATER = 1013


class DashboardConsumer(AsyncWebsocketConsumer):
    audience: Audience
    credentials: Credentials
    viewer: Viewer
    _is_over = False

    async def connect(self) -> None:
        if not is_same_origin(self.scope["headers"]):
            await self.close()  # before it is accepted: the browser gets a 403
            return
        asked = {name: values[-1] for name, values in parse_qs(self.scope["query_string"].decode("latin-1")).items()}
        self.credentials = _credentials(self.scope.get("cookies", {}), is_kiosk="kiosk" in asked)
        try:
            viewer = await hub_here().viewer_of(self.credentials)
        except DatabaseError:
            await self.close(code=TRY_LATER)
            return
        await self.accept()
        if viewer is None:
            await self.dismiss()
            return
        self.viewer = viewer
        self.audience = _audience(asked, viewer.names)
        await hub_here().join(self, asked.get("revision", ""))

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Nobody has anything to say here."""
        await self._end(NOT_EXPECTED, gettext("This page only listens: nothing is to be sent here."))

    async def disconnect(self, code: int) -> None:
        self._is_over = True
        hub_here().leave(self)

    async def tell(self, text: str) -> None:
        if not self._is_over:
            await self.send(text_data=text)

    async def dismiss(self) -> None:
        await self._end(NOT_ALLOWED, gettext("You may not look at the machines (any more)."))

    async def _end(self, code: int, reason: str) -> None:
        if not self._is_over:
            self._is_over = True
            hub_here().leave(self)
            # daphne closes with the code alone.
            await self.send(text_data=json.dumps({"error": reason}, ensure_ascii=False))
            await self.close(code=code, reason=reason)


class NothingHere(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        await self.close()


def is_same_origin(headers: Any) -> bool:
    """As Django asks of forms: a page of ours, or of an origin that is trusted. A browser always says where it is."""
    host, origin = (_header(headers, name) for name in (b"host", b"origin"))
    if not origin or not validate_host(split_domain_port(host)[0], _allowed_hosts()):
        return False
    return urlsplit(origin).netloc == host or any(
        _matches(origin, trusted) for trusted in settings.CSRF_TRUSTED_ORIGINS
    )


def _matches(origin: str, trusted: str) -> bool:
    """`https://*.example.org` stands for all its subdomains, as it does for forms."""
    asked, wanted = urlsplit(origin), urlsplit(trusted)
    return asked.scheme == wanted.scheme and is_same_domain(asked.netloc, wanted.netloc.lstrip("*"))


def _header(headers: Any, wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in headers if name == wanted), "")


def _allowed_hosts() -> list[str]:
    if settings.DEBUG and not settings.ALLOWED_HOSTS:
        return [".localhost", "127.0.0.1", "[::1]"]
    return settings.ALLOWED_HOSTS


def _credentials(cookies: dict[str, str], *, is_kiosk: bool) -> Credentials:
    return Credentials(cookies.get(settings.SESSION_COOKIE_NAME, ""), cookies.get(SCREEN_COOKIE, ""), is_kiosk)


def _audience(asked: dict[str, str], names: Names) -> Audience:
    """What the page says of itself; whatever it is, names are the viewer's."""
    languages = dict(settings.LANGUAGES)
    language = asked.get("language", "")
    group = asked.get("group", "")
    machine = asked.get("machine", "")
    return Audience(
        Look(language if language in languages else settings.LANGUAGE_CODE, names),
        Grouping(group) if group in set(Grouping) else Grouping.TYPE,
        int(machine) if machine.isascii() and machine.isdigit() and len(machine) < 6 else None,
    )
