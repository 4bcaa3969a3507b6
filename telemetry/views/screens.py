"""`/screen/`: where a display in the lab is let in, with the link that staff made for it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from telemetry.screens import code_in, exchange, seen
from telemetry.viewers import SCREEN_COOKIE, Viewer, viewer_of_request

COOKIE_SECONDS = 400 * 24 * 3600  # browsers allow no more
WRONG_CODE = _("This code is wrong, has expired, or was used already. Staff can make a new link for this screen.")


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("Code or link"),
        help_text=_("As staff gave it to you; capital letters and hyphens do not matter."),
        max_length=500,
        error_messages={"required": _("Please type the code, or paste the link.")},
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}
        ),
    )


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def open_screen(request: HttpRequest) -> HttpResponse:
    """The link's secret stands behind its #, so that no server logs it; a script sends it here as a form."""
    if settings.DASHBOARD_ACCESS != "screens":
        return _page(request, None, 403 if request.method == "POST" else 200)
    if request.method != "POST":
        return _page(request, CodeForm())
    form = CodeForm(request.POST)
    if form.is_valid():
        pair = exchange(code_in(form.cleaned_data["code"]), timezone.now())
        if pair is not None:
            _screen, cookie = pair
            return _remember(_to_the_wall(), cookie)
        viewer = viewer_of_request(request)
        if viewer is not None and viewer.screen_id is not None:  # the spent link is the browser's home page
            return _to_the_wall()
        form.add_error("code", WRONG_CODE)
    return _page(request, form, 400)


def keep_screen(request: HttpRequest, response: HttpResponse, viewer: Viewer) -> HttpResponse:
    """A screen that opened a page is known for another 400 days, and staff sees that it lives."""
    if viewer.screen_id is None:
        return response
    seen([viewer.screen_id], timezone.now())
    return _remember(response, request.COOKIES[SCREEN_COOKIE])


def _remember(response: HttpResponse, cookie: str) -> HttpResponse:
    response.set_cookie(
        SCREEN_COOKIE,
        cookie,
        max_age=COOKIE_SECONDS,
        path="/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


def _to_the_wall() -> HttpResponse:
    return redirect(f"{reverse('dashboard')}?kiosk")


def _page(request: HttpRequest, form: CodeForm | None, status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "access": settings.DASHBOARD_ACCESS}
    return render(request, "screen.html", context, status=status)
