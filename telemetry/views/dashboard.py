"""`/`: every machine at a glance. The script only keeps it up to date; without it the page asks again by itself."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from members.models import Agreement
from telemetry.live.now import current_wall, socket_context
from telemetry.live.wall import Grouping, Look
from telemetry.status import State
from telemetry.viewers import Viewer
from telemetry.views.access import for_viewers

REFRESH_SECONDS = 10
# What people come to see first; `State` itself is ordered by which state wins.
IN_ORDER = (State.FREE, State.IN_USE, State.MAINTENANCE, State.BLOCKED, State.OFFLINE)


@dataclass(frozen=True, slots=True)
class Count:
    state: State
    word: Promise
    number: int
    url: str
    is_chosen: bool


@never_cache
@require_safe
@for_viewers
def dashboard(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """`?state=` shows machines in one state only, `?group=place` groups them by place, `?kiosk` is for a wall."""
    is_kiosk = "kiosk" in request.GET
    grouping = _grouping(request.GET.get("group", ""), is_kiosk=is_kiosk)
    wall, trouble = current_wall()
    counts = wall.counts()
    chosen = _state(request.GET.get("state", ""))
    context = {
        "now": wall.now,
        "total": sum(counts.values()),
        "counts": [
            Count(state, state.sentence, counts[state], _url(state, grouping), state is chosen) for state in IN_ORDER
        ],
        "chosen": chosen,
        "all_url": _url(None, grouping),
        "groupings": [] if is_kiosk else [(way, _url(chosen, way)) for way in (Grouping.TYPE, Grouping.PLACE)],
        "grouping": grouping,
        **socket_context(wall, group=grouping.value, **({"kiosk": "1"} if is_kiosk else {})),
        "grid": wall.grid(Look(get_language() or settings.LANGUAGE_CODE, viewer.names), grouping),
        "is_kiosk": is_kiosk,
        "has_agreement": not is_kiosk and Agreement.objects.exists(),
        "trouble": trouble,
        "refresh_seconds": REFRESH_SECONDS,
    }
    return render(request, "dashboard.html", context)


def _grouping(asked: str, *, is_kiosk: bool) -> Grouping:
    if asked in (Grouping.TYPE, Grouping.PLACE):
        return Grouping(asked)
    return Grouping.NONE if is_kiosk else Grouping.TYPE


def _state(asked: str) -> State | None:
    return State(asked) if asked in set(State) else None


def _url(state: State | None, grouping: Grouping) -> str:
    asked = {}
    if state is not None:
        asked["state"] = state.value
    if grouping is Grouping.PLACE:
        asked["group"] = grouping.value
    return f"?{urlencode(asked)}" if asked else "./"
