"""`/machines/<id>/`: one machine, and what staff can do with it from here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from machines.blocking import BlockForm
from machines.models import Machine, Use
from members.names import Names
from telemetry import machine_details, remote
from telemetry.live.feed import Trouble
from telemetry.live.now import current_wall, socket_context
from telemetry.live.tiles import Tile
from telemetry.live.wall import Look, Wall
from telemetry.remote import Asked, Echo, Obstacle
from telemetry.statistics.pictures import week_columns
from telemetry.statistics.weeks import hours_per_week
from telemetry.status import is_online
from telemetry.viewers import Viewer
from telemetry.views.access import for_viewers
from telemetry.views.machine_forms import RemoteForm
from telemetry.views.machine_staff import may_change_machines

ASKED_KEY = "asked_of_machine"
REFRESH_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Controls:
    """What staff is shown."""

    block_form: BlockForm
    remote_form: RemoteForm
    obstacle: Obstacle | None
    warning: str
    echo: Echo | None


@never_cache
@require_safe
@for_viewers
def machine(request: HttpRequest, viewer: Viewer, machine_id: int) -> HttpResponse:
    return show_machine(request, viewer, machine_id)


def show_machine(
    request: HttpRequest,
    viewer: Viewer,
    machine_id: int,
    *,
    block_form: BlockForm | None = None,
    remote_form: RemoteForm | None = None,
) -> HttpResponse:
    """With a form that was not filled in well, where there is one."""
    wall, trouble = wall_with(machine_id)
    live = socket_context(wall, machine=str(machine_id))  # before all else: what is read later may only be newer
    found, now = find_machine(machine_id), timezone.now()
    online = can_be_heard(found, wall, now)
    uses = machine_details.latest_uses(machine_id)
    controls = None
    if viewer.is_staff and may_change_machines(request.user):
        forms = block_form or BlockForm(), remote_form or RemoteForm(remote.usable_cards(viewer.member_id or 0))
        controls = controls_of(found, *forms, online, _echo(request, machine_id, uses, now), now)
    context = {
        "card": wall.card(machine_id, Look(get_language() or settings.LANGUAGE_CODE, viewer.names)) or "",
        "trouble": trouble,
        **live,
        "is_online": online,
        **_facts(request, viewer, found, uses, now),
        "controls": controls,
        "refresh_seconds": REFRESH_SECONDS if controls and controls.echo and controls.echo.is_awaited else None,
    }
    is_refused = block_form is not None or remote_form is not None
    return render(request, "machine.html", context, status=422 if is_refused else 200)


def controls_of(
    found: Machine, block_form: BlockForm, remote_form: RemoteForm, online: bool, echo: Echo | None, now: datetime
) -> Controls:
    cards = remote_form.cards
    return Controls(
        block_form=block_form,
        remote_form=remote_form,
        obstacle=remote.obstacle(found.type, cards, is_online=online),
        warning=remote.warning(found.pk, cards[0].uid, now) if cards else "",
        echo=echo,
    )


def find_machine(machine_id: int) -> Machine:
    try:
        return Machine.objects.select_related("type").get(pk=machine_id)
    except Machine.DoesNotExist:
        raise Http404 from None


def wall_with(machine_id: int) -> tuple[Wall, Trouble | None]:
    """Also where the machine is so new that nobody has told us of it."""
    wall, trouble = current_wall()
    if not _tiles_of(machine_id, wall):
        wall.note_everything()
        wall.refresh()
    return wall, trouble


def can_be_heard(found: Machine, wall: Wall, now: datetime) -> bool:
    """The wall is told at once that a board has come, the database a second later."""
    return is_online(found.last_seen_at, now) or any(tile.is_online for tile in _tiles_of(found.pk, wall))


def _tiles_of(machine_id: int, wall: Wall) -> list[Tile]:
    return [tile for tile in wall.tiles() if tile.id == machine_id]


def _facts(request: HttpRequest, viewer: Viewer, found: Machine, uses: list[Use], now: datetime) -> dict[str, Any]:
    shows_notes = viewer.is_staff and request.user.has_perm("machines.view_intervention")
    use_lines = machine_details.use_lines(uses, viewer.names, now)
    work_lines = machine_details.work_lines(found.pk, viewer.names, with_notes=shows_notes)
    return {
        "now": now,
        "machine": found,
        "is_in_use": bool(uses) and uses[0].ended_at is None,
        "odometer_hours": found.seconds_used // 3600,
        "documentation_url": machine_details.linkable(found.documentation_url),
        "plans": machine_details.plan_lines(found.pk, found.seconds_used, now),
        "weeks": week_columns(hours_per_week(found.pk, now)),
        "uses": use_lines,
        "has_estimated_uses": any(line.is_estimated for line in use_lines),
        "works": work_lines,
        "has_estimated_works": any(line.is_estimated for line in work_lines),
        "shows_names": viewer.names is not Names.NONE,
        "shows_notes": shows_notes,
        "is_in_admin": viewer.is_staff and request.user.has_perm("machines.view_machine"),
    }


def _echo(request: HttpRequest, machine_id: int, uses: list[Use], now: datetime) -> Echo | None:
    asked = Asked.from_session(request.session.get(ASKED_KEY), machine_id, now)
    return remote.echo(asked, uses, remote.taps_since(asked), now) if asked else None
