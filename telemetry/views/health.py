"""`/healthz` for whatever watches over the lab's computer, `/status.json` for other programs that show machines."""

from __future__ import annotations

import threading
import time
from typing import Any

from django.db import DatabaseError, close_old_connections, connection
from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from members.names import Names
from telemetry.live.feed import FIRST_WORD, Trouble, feed
from telemetry.live.now import current_wall
from telemetry.live.tiles import Tile
from telemetry.viewers import viewer_of_request

OK, DOWN, UNKNOWN = "ok", "down", "unknown"
_waiting = threading.Lock()
LOOK_AGAIN = 0.02  # seconds
SHORT_OF_TIME = 1.0


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 where all three work, otherwise 503; nothing about machines or people, so nobody has to log in."""
    parts = {"database": _database(), **_broker_and_worker()}
    is_healthy = set(parts.values()) == {OK}
    return JsonResponse({"healthy": is_healthy, **parts}, status=200 if is_healthy else 503)


@never_cache
@require_safe
def status_json(request: HttpRequest) -> JsonResponse:
    """What the dashboard shows, to those who may see the dashboard."""
    try:
        viewer = viewer_of_request(request)
        if viewer is None:
            return JsonResponse({"error": gettext("You may not look at the machines.")}, status=403)
        wall, trouble = current_wall()
    except DatabaseError:
        return JsonResponse({"error": gettext("The database cannot be read.")}, status=503)
    machines = [_machine(tile, viewer.names) for tile in sorted(wall.tiles(), key=lambda tile: tile.id)]
    return JsonResponse(
        {"at": wall.now.isoformat(timespec="seconds"), "trouble": trouble, "machines": machines},
        json_dumps_params={"ensure_ascii": False},
    )


def _machine(tile: Tile, names: Names) -> dict[str, Any]:
    upcoming = tile.upcoming
    person = tile.person(names)
    return {
        "id": tile.id,
        "name": tile.name,
        "type": tile.type,
        "place": tile.place,
        "state": tile.state.value,
        "since": tile.since,
        "is_online": tile.is_online,
        "last_heard": tile.last_heard_at,
        "is_blocked": tile.is_blocked,
        "blocked_reason": tile.blocked_reason,
        "seconds_used": tile.seconds_used,
        "maintenance": upcoming
        and {"is_due": upcoming.is_due, "message": upcoming.message, "progress": upcoming.percent / 100},
    } | ({"person": person} if person else {})


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM machines_machine LIMIT 1")
    except DatabaseError:
        close_old_connections()
        return DOWN
    return OK


def _broker_and_worker() -> dict[str, str]:
    """The first who asks waits for the connection, and for the worker's word; nobody else does meanwhile."""
    feed.start()
    if _waiting.acquire(blocking=False):
        try:
            connection.close()  # waiting needs none
            _wait_for_first_word()
        finally:
            _waiting.release()
    trouble = feed.trouble()
    if trouble is Trouble.BROKER:
        return {"broker": DOWN, "worker": UNKNOWN}
    return {"broker": OK if feed.is_live else DOWN, "worker": OK if feed.hears_worker else DOWN}


def _wait_for_first_word() -> None:
    deadline = time.monotonic() + FIRST_WORD + SHORT_OF_TIME
    while feed.trouble() is None and not feed.hears_worker and time.monotonic() < deadline:
        time.sleep(LOOK_AGAIN)
