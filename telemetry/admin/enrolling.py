"""The page on which staff enrols unknown cards, live while it is open."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods

from machines.models import Machine, Use
from members.models import Card
from members.uids import is_reader_uid, looks_random, normalise_uid
from telemetry.admin.picking import OneOfField, PickingForm
from telemetry.admin.tapped_cards import CARD, ENROLMENT
from telemetry.enrolment import (
    LASTS,
    MOST_CARDS,
    Found,
    Result,
    Window,
    look,
    refusal,
    revision,
    second_card,
    token_for,
    unknown_cards,
)
from telemetry.models import Tap
from telemetry.status import is_online

PAGE = "admin:telemetry_unknown_cards"
_KEPT = "enrolment"
RANDOM = _(
    "%(uid)s looks like a phone's random number: phones show another one at each tap, and then this one opens nothing."
)


def may_enrol(user: Any) -> bool:
    """Card numbers are shown only to those who may see whose they are."""
    return bool(user.has_perms(["telemetry.view_tap", "members.add_card", "members.view_member"]))


def urls() -> list[Any]:
    views = (("", page, "cards"), ("live/", live, "cards_live"), ("take/", take, "cards_take"))
    return [
        path(f"unknown/{end}", admin.site.admin_view(view), name=f"telemetry_unknown_{name}")
        for end, view, name in views
    ]


class ReaderForm(PickingForm):
    machine = OneOfField(Tap, "machine", label=_("Reader"))


# ---- the page --------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponseBase:
    _check(request)
    now = timezone.now()
    if request.method == "POST":
        form = ReaderForm({"machine": request.POST.get("again") or request.POST.get("machine")})
        if form.is_valid():
            request.session[_KEPT] = Window(form.cleaned_data["machine"].pk, now).to_session()
            return redirect(PAGE)
    else:
        window = _window(request, now)
        form = ReaderForm(initial={"machine": window.machine_id if window else None})
    context = {
        **admin.site.each_context(request),
        **_live_context(request, now),
        "title": _("Enrol a card"),
        "opts": Tap._meta,
        "form": form,
        "media": form.media,
        "seconds": int(LASTS.total_seconds()),
    }
    return TemplateResponse(request, "admin/telemetry/tap/unknown.html", context)


@require_GET
def live(request: HttpRequest) -> HttpResponse:
    """What changes on the page; nothing at all where it would be the same."""
    _check(request)
    now = timezone.now()
    if request.GET.get("revision") == revision(_window(request, now), now):
        return HttpResponse(status=204)
    return render(request, "admin/telemetry/tap/unknown_live.html", _live_context(request, now))


def _check(request: HttpRequest) -> None:
    if not may_enrol(request.user):
        raise PermissionDenied


def _window(request: HttpRequest, now: datetime) -> Window | None:
    return Window.from_session(request.session.get(_KEPT), now)


def _live_context(request: HttpRequest, now: datetime) -> dict[str, Any]:
    window = _window(request, now)
    seen = revision(window, now)  # before the rows: what comes in between is asked for again
    user: Any = request.user
    enrolment = _enrolment(window, now) if window else None
    return {
        "revision": seen,
        "cards": [(card, _token_of_row(window, enrolment, card.uid)) for card in unknown_cards(now)],
        "most": MOST_CARDS,
        "days": settings.UNKNOWN_CARD_RETENTION_DAYS,
        "may_add_member": user.has_perm("members.add_member"),
        "enrolment": enrolment,
        "held_back": _held_back(enrolment["found"]) if enrolment else (),
    }


def _token_of_row(window: Window | None, enrolment: dict[str, Any] | None, uid: str) -> str:
    """A row about a card of the shown half minute belongs to it, whichever is started meanwhile."""
    if window is None or enrolment is None or uid not in {card.uid for card in enrolment["found"].cards}:
        return ""
    return token_for(window, uid)


def _held_back(found: Found) -> tuple[str, ...]:
    """Of two that nobody can tell apart the list below offers none, either."""
    return tuple(card.uid for card in found.cards) if found.result is Result.SEVERAL else ()


def _enrolment(window: Window, now: datetime) -> dict[str, Any] | None:
    running = Use.objects.filter(machine=OuterRef("pk"), ended_at__isnull=True)
    machine = Machine.objects.filter(pk=window.machine_id).annotate(is_in_use=Exists(running)).first()
    if machine is None:
        return None
    found = look(window)
    return {
        "machine": machine,
        "found": found,
        "is_open": window.is_open(now),
        "seconds_left": window.seconds_left(now),
        "token": _token(window, found),
        "is_silent": not is_online(machine.last_seen_at, now),
    }


def _token(window: Window, found: Found) -> str:
    return token_for(window, found.offered.uid) if found.offered else ""


# ---- taking a card ---------------------------------------------------------------------------------------------------


@require_GET
def take(request: HttpRequest) -> HttpResponse:
    """On to the form in which the card is saved, unless something speaks against it by now."""
    _check(request)
    uid, token = normalise_uid(request.GET.get(CARD, "")), request.GET.get(ENROLMENT, "")
    window = _window(request, timezone.now())
    if (reason := _obstacle(uid, token, window)) is not None:
        messages.error(request, str(reason))
        return redirect(PAGE)
    if looks_random(uid):
        messages.warning(request, str(RANDOM) % {"uid": uid})
    if not token and window is not None:
        token = token_for(window, uid)  # a second card may come until it is saved
    carried = {ENROLMENT: token} if token else {}
    if request.GET.get("to") == "member":
        return redirect(f"{reverse('admin:members_card_add')}?{urlencode({'uid': uid, **carried})}")
    messages.info(request, str(_("The card %(uid)s is filled in below.")) % {"uid": uid})
    return redirect(f"{reverse('admin:members_member_add')}?{urlencode({CARD: uid, **carried})}")


def _obstacle(uid: str, token: str, window: Window | None) -> Any:
    if not is_reader_uid(uid):
        return _("This is no card number.")
    if token and (reason := refusal(token, uid)):
        return reason
    if window is not None and (reason := second_card(window, uid)):
        return reason
    card = Card.objects.filter(uid=uid).select_related("member").first()
    return card and str(_("This card belongs to %(member)s by now.")) % {"member": card.member}
