"""`/machines/<id>/block/` and `/unblock/`. Two people at the same time do it once; who comes second is told."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from machines import blocking
from machines.blocking import BlockForm
from telemetry.live.wall import wall
from telemetry.viewers import Viewer
from telemetry.views.machine import find_machine, show_machine
from telemetry.views.machine_staff import for_machine_staff


@for_machine_staff
def block(request: HttpRequest, viewer: Viewer, machine_id: int) -> HttpResponse:
    find_machine(machine_id)
    form = BlockForm(request.POST)
    if not form.is_valid():
        return show_machine(request, viewer, machine_id, block_form=form)
    done = blocking.block(machine_id, form.cleaned_data["reason"], request.user.pk)
    if done.is_changed:
        _show_at_once()
        messages.success(request, _("The machine is blocked."))
    else:
        text = _("It was blocked already, and nothing was changed. The reason: %(reason)s")
        messages.warning(request, text % {"reason": done.machine.blocked_reason or "–"})
    return redirect("machine", machine_id)


@for_machine_staff
def unblock(request: HttpRequest, viewer: Viewer, machine_id: int) -> HttpResponse:
    find_machine(machine_id)
    if blocking.unblock(machine_id, request.user.pk).is_changed:
        _show_at_once()
    messages.success(request, _("The machine is not blocked any more."))
    return redirect("machine", machine_id)


def _show_at_once() -> None:
    transaction.on_commit(wall.note_everything)  # the page that comes next does not wait for the broker
