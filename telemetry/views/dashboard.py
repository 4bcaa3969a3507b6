"""`/`: every machine at a glance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from machines.models import Machine
from telemetry.status import MachineStatus, State, snapshot
from telemetry.viewers import Viewer
from telemetry.views.access import for_viewers

REFRESH_SECONDS = 5
# What people come to see first; `State` itself is ordered by which state wins.
IN_ORDER = (State.FREE, State.IN_USE, State.MAINTENANCE, State.BLOCKED, State.OFFLINE)


@dataclass(frozen=True, slots=True)
class Tile:
    """One machine as the page shows it."""

    status: MachineStatus
    place: str
    is_since_today: bool

    @property
    def maintenance_percent(self) -> int:
        progress = self.status.maintenance.progress if self.status.maintenance else 0.0
        return round(100 * min(1.0, max(0.0, progress)))


@dataclass(frozen=True, slots=True)
class Group:
    type: str
    tiles: list[Tile]


@dataclass(frozen=True, slots=True)
class Count:
    state: State
    word: Promise
    number: int
    is_chosen: bool


@never_cache
@require_safe
@for_viewers
def dashboard(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Every machine's state, without a person's name; `?state=` shows those in one state only."""
    now = timezone.now()
    tiles = _tiles(now)
    chosen = request.GET.get("state")
    counts = _counts(tiles, chosen)
    is_filtered = any(count.is_chosen for count in counts)
    shown = [tile for tile in tiles if tile.status.state == chosen] if is_filtered else tiles
    context = {
        "now": now,
        "total": len(tiles),
        "counts": counts,
        "is_filtered": is_filtered,
        "groups": _groups(shown),
        "refresh_seconds": REFRESH_SECONDS,
    }
    return render(request, "dashboard.html", context)


def _tiles(now: datetime) -> list[Tile]:
    places = dict(Machine.objects.values_list("pk", "location"))
    today = timezone.localdate(now)
    return [
        Tile(
            status=status,
            place=places.get(status.id, ""),
            is_since_today=status.since is not None and timezone.localdate(status.since) == today,
        )
        for status in snapshot(now)
    ]


def _counts(tiles: Iterable[Tile], chosen: str | None) -> list[Count]:
    states = [tile.status.state for tile in tiles]
    return [Count(state, state.sentence, states.count(state), state == chosen) for state in IN_ORDER]


def _groups(tiles: Iterable[Tile]) -> list[Group]:
    groups: dict[str, list[Tile]] = {}
    for tile in sorted(tiles, key=lambda tile: (tile.status.type.casefold(), tile.status.name.casefold())):
        groups.setdefault(tile.status.type, []).append(tile)
    return [Group(type_name, members) for type_name, members in groups.items()]
