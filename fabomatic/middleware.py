"""What browsers may load and do on our pages. Nothing comes from elsewhere, and no script or style stands in a page."""

from __future__ import annotations

from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils import translation
from django.utils.decorators import sync_and_async_middleware

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src {sockets}; "
    "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


@sync_and_async_middleware
def security_headers(get_response: Any) -> Any:
    if iscoroutinefunction(get_response):

        async def answer_soon(request: HttpRequest) -> HttpResponseBase:
            return _protected(request, await get_response(request))

        return answer_soon

    def answer(request: HttpRequest) -> HttpResponseBase:
        return _protected(request, get_response(request))

    return answer


def _protected(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    response.headers.setdefault("Permissions-Policy", PERMISSIONS)
    if settings.DEBUG and response.status_code in (404, 500):  # Django's own pages for developers have all inline
        return response
    response.headers.setdefault("Content-Security-Policy", POLICY.format(sockets=_sockets(request)))
    return response


def _sockets(request: HttpRequest) -> str:
    """Older Safaris do not count our own sockets among 'self'. An IPv6 address cannot be said in a policy."""
    try:
        host = request.get_host()
    except DisallowedHost:
        return "'self'"
    scheme = "wss" if request.is_secure() else "ws"
    return "'self'" if host.startswith("[") else f"'self' {scheme}://{host}"


class GZip(GZipMiddleware):
    """Django 5.2 makes each part of an asynchronous stream a gzip file of its own; browsers read the first alone.
    A backup is compressed already, and a small computer has no time to do it again."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if getattr(response, "is_async", False) or response.get("Content-Type") == "application/octet-stream":
            return response
        return super().process_response(request, response)


@sync_and_async_middleware
def own_language(get_response: Any) -> Any:
    """Somebody who chose a language reads it everywhere, whatever the browser asks for."""
    if iscoroutinefunction(get_response):

        async def answer_soon(request: HttpRequest) -> HttpResponseBase:
            await sync_to_async(_speak_to)(request)  # it asks the database who this is
            return await get_response(request)

        return answer_soon

    def answer(request: HttpRequest) -> HttpResponseBase:
        _speak_to(request)
        return get_response(request)

    return answer


def _speak_to(request: HttpRequest) -> None:
    language = getattr(request.user, "language", "")
    if language:
        translation.activate(language)
        request.LANGUAGE_CODE = translation.get_language()
