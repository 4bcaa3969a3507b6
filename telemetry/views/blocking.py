"""`/machines/<id>/block/` and `/unblock/`. Two people at the same time do it once; who comes second is told."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from machines.models import Machine
from telemetry.live.wall import wall
from telemetry.viewers import Viewer
from telemetry.views.machine import find_machine, show_machine
from telemetry.views.machine_forms import BlockForm
from telemetry.views.machine_staff import for_machine_staff, log


@for_machine_staff
def block(request: HttpRequest, viewer: Viewer, machine_id: int) -> HttpResponse:
    form = BlockForm(request.POST)
    if not form.is_valid():
        return show_machine(request, viewer, machine_id, block_form=form)
    reason = form.cleaned_data["reason"]
    with transaction.atomic():
        machine = _locked(machine_id)
        was_blocked = machine.is_blocked
        if not was_blocked:
            _set_blocked(machine, is_blocked=True, reason=reason)
            log(request, machine, _("Blocked: %(reason)s") % {"reason": reason}, timezone.now())
    if was_blocked:
        text = _("It was blocked already, and nothing was changed. The reason: %(reason)s")
        messages.warning(request, text % {"reason": machine.blocked_reason or "–"})
    else:
        messages.success(request, _("The machine is blocked."))
    return redirect("machine", machine_id)


@for_machine_staff
def unblock(request: HttpRequest, viewer: Viewer, machine_id: int) -> HttpResponse:
    with transaction.atomic():
        machine = _locked(machine_id)
        if machine.is_blocked:
            reason = machine.blocked_reason or "–"
            _set_blocked(machine, is_blocked=False, reason="")
            log(request, machine, _("Unblocked. It had been blocked: %(reason)s") % {"reason": reason}, timezone.now())
    messages.success(request, _("The machine is not blocked any more."))
    return redirect("machine", machine_id)


def _locked(machine_id: int) -> Machine:
    find_machine(machine_id)
    return Machine.objects.select_for_update(no_key=True).get(pk=machine_id)


def _set_blocked(machine: Machine, *, is_blocked: bool, reason: str) -> None:
    machine.is_blocked, machine.blocked_reason = is_blocked, reason
    machine.save(update_fields=["is_blocked", "blocked_reason"])
    transaction.on_commit(wall.note_everything)  # the page that comes next does not wait for the broker
