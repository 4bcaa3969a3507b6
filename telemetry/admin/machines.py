"""What boards tell of machines, in the machines' own pages: state, last sign of life, board; start and stop."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from machines.admin.machine_list import all_plans
from machines.admin.machines import MachineAdmin
from machines.blocking import BlockForm
from machines.maintenance import Plan
from machines.models import Machine, Use
from telemetry import remote
from telemetry.live.wall import wall
from telemetry.models import Board
from telemetry.status import OFFLINE_AFTER, MachineStatus, State, snapshot_with
from telemetry.status import is_online as is_heard
from telemetry.views.machine import controls_of
from telemetry.views.machine_forms import RemoteForm
from telemetry.views.machine_staff import may_change_machines

# ---- columns ---------------------------------------------------------------------------------------------------------


def read_statuses(request: Any, machines: list[Any], now: datetime) -> None:
    """Where a filter has read all statuses, they are not read again."""
    plans = {machine.pk: machine.active_plans for machine in machines}
    statuses = getattr(request, "all_statuses", None) or _statuses(now, list(plans), plans)
    for machine in machines:
        machine.status = statuses.get(machine.pk)


def _statuses(now: datetime, ids: list[int] | None, plans: dict[int, list[Plan]]) -> dict[int, MachineStatus]:
    return {status.id: status for status, _nothing in snapshot_with((), now, ids, _heard(now), plans)}


def read_boards(request: Any, machines: list[Any], now: datetime) -> None:
    ids = [machine.pk for machine in machines]
    boards: dict[int, list[Board]] = defaultdict(list)
    for board in Board.objects.filter(Q(machine__in=ids) | Q(conflict_machine__in=ids)).order_by("pk"):
        for place in {board.machine_id, board.conflict_machine_id} - {None}:
            boards[place].append(board)  # type: ignore[index]
    for machine in machines:
        machine.boards_here = boards[machine.pk]


@admin.display(description=_("state"))
def state(machine: Any) -> str:
    """In the live page's words, with its shapes."""
    status: MachineStatus | None = machine.status
    if status is None:  # deleted at this moment
        return ""
    shape = render_to_string("live/shape.html", {"state": status.state})
    said = format_html('<span class="machine-state {}">{}{}</span>', status.state, shape, status.state.sentence)
    if not status.is_blocked:
        return said
    word = "" if status.state is State.BLOCKED else format_html("{}: ", _("Blocked"))
    reason = format_html('<div class="block-reason">{}<bdi>{}</bdi></div>', word, machine.blocked_reason or "–")
    return format_html("<div>{}{}</div>", said, reason)


@admin.display(description=_("last seen"), ordering="last_seen_at")
def last_seen(machine: Any) -> str:
    at = machine.status.last_heard_at if machine.status else None
    if at is None:
        return str(_("never"))
    is_today = timezone.localdate(at) == timezone.localdate(machine.read_at)
    return render_to_string("live/moment.html", {"at": at, "is_today": is_today})


@admin.display(description=_("board"), empty_value="–")
def board(machine: Any) -> str | None:
    lines = [
        (str(here), f" · {here.firmware}" if here.firmware else "", _in_conflict(here)) for here in machine.boards_here
    ]
    boards = format_html_join("", '<div class="board-of-machine"><bdi>{}</bdi>{}{}</div>', lines)
    return format_html("<div>{}</div>", boards) if boards else None


def _in_conflict(here: Board) -> str:
    return "" if here.conflict_machine_id is None else format_html(" – {}", _("in conflict"))


def _heard(now: datetime) -> dict[int, datetime]:
    """What this process was told; the database follows within half a minute."""
    return dict.fromkeys(wall.online(), now)


# ---- filters ---------------------------------------------------------------------------------------------------------


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(state.value, state.sentence) for state in State]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Machine]) -> QuerySet[Machine]:
        if self.value() not in set(State):
            return queryset
        shared: Any = request
        shared.all_statuses = _statuses(timezone.now(), None, all_plans(request))
        found = [status.id for status in shared.all_statuses.values() if status.state == self.value()]
        return queryset.filter(pk__in=found)


class SilentFilter(admin.SimpleListFilter):
    title = _("silent")
    parameter_name = "silent"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Machine]) -> QuerySet[Machine]:
        now = timezone.now()
        lately = Q(last_seen_at__gt=now - OFFLINE_AFTER, last_seen_at__lt=now + OFFLINE_AFTER)
        is_heard = lately | Q(pk__in=list(_heard(now)))
        match self.value():
            case "yes":
                return queryset.exclude(is_heard)
            case "no":
                return queryset.filter(is_heard)
            case _:
                return queryset


class BoardFilter(admin.SimpleListFilter):
    title = _("board")
    parameter_name = "board"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("none", _("without board")), ("some", _("with a board")), ("conflict", _("in conflict"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Machine]) -> QuerySet[Machine]:
        known = Board.objects.filter(machine__isnull=False).values("machine")
        match self.value():
            case "none":
                return queryset.exclude(pk__in=known)
            case "some":
                return queryset.filter(pk__in=known)
            case "conflict":
                contested = Board.objects.filter(conflict_machine__isnull=False)
                return queryset.filter(pk__in=contested.values("conflict_machine"))
            case _:
                return queryset


# ---- start and stop from afar ----------------------------------------------------------------------------------------


def remote_controls(request: HttpRequest, machine: Machine) -> dict[str, Any]:
    """As on the machine's own page, whose view takes what these buttons send."""
    if not machine.type.allow_remote_start or not may_change_machines(request.user):
        return {}
    now = timezone.now()
    cards = remote.usable_cards(request.user.pk or 0)
    is_online = machine.pk in wall.online() or is_heard(machine.last_seen_at, now)
    return {
        "controls": controls_of(machine, BlockForm(), RemoteForm(cards), is_online, None, now),
        "is_in_use": Use.objects.filter(machine_id=machine.pk, ended_at__isnull=True).exists(),
    }


MachineAdmin.completions += [read_statuses, read_boards]
MachineAdmin.list_display[3:3] = [state]
MachineAdmin.list_display += [last_seen, board]
MachineAdmin.list_filter.insert(0, StateFilter)
MachineAdmin.list_filter += [SilentFilter, BoardFilter]
MachineAdmin.additions.append(remote_controls)
