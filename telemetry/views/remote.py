"""`/machines/<id>/request/`: asks a board to start or stop with a card of the staff member who asks."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from machines.models import Machine
from members.changes import said
from members.models import Member
from telemetry import remote
from telemetry.outbox import NotPublished
from telemetry.remote import Asked, Kind
from telemetry.viewers import Viewer
from telemetry.views.machine import ASKED_KEY, can_be_heard, find_machine, show_machine, wall_with
from telemetry.views.machine_forms import RemoteForm
from telemetry.views.machine_staff import for_machine_staff, last_log, log


@for_machine_staff
def request_machine(request: HttpRequest, viewer: Viewer, machine_id: int) -> HttpResponse:
    machine, now = find_machine(machine_id), timezone.now()
    cards = remote.usable_cards(viewer.member_id or 0)
    wall, _trouble = wall_with(machine_id)
    obstacle = remote.obstacle(machine.type, cards, is_online=can_be_heard(machine, wall, now))
    if obstacle is not None:
        messages.error(request, str(obstacle.sentence))
        return redirect("machine", machine_id)
    form = RemoteForm(cards, request.POST)
    if not form.is_valid():
        return show_machine(request, viewer, machine_id, remote_form=form)
    _ask(request, machine, form.chosen_kind, form.chosen_card.uid, now)
    return redirect("machine", machine_id)


def _ask(request: HttpRequest, machine: Machine, kind: Kind, uid: str, now: datetime) -> None:
    sentence, user_id = _sentence(kind), request.user.pk or 0
    with transaction.atomic():
        # Two clicks come at the same time, in two threads or to two servers: the database lets in one after the other.
        list(Member.objects.select_for_update(no_key=True).filter(pk=user_id).values_list("pk"))
        if _is_double_click(request, machine, sentence, now):
            return
        entry = log(request, machine, sentence, now)
        asked = remote.prepare(machine.pk, kind, uid, now)
        _remember(request, asked)
    try:
        remote.send(asked)
    except NotPublished as error:
        del request.session[ASKED_KEY]
        entry.details = said(f"{sentence} {error}")
        entry.save(update_fields=["details"])
        messages.error(request, _("The board was not asked. %(reason)s") % {"reason": error})


def _sentence(kind: Kind) -> str:
    if kind is Kind.START:
        return _("Asked the board from afar to start with their own card.")
    return _("Asked the board from afar to stop.")


def _is_double_click(request: HttpRequest, machine: Machine, sentence: str, now: datetime) -> bool:
    entry = last_log(request)
    return (
        entry is not None
        and (entry.object_id, entry.details) == (str(machine.pk), said(sentence))
        and abs(now - entry.at) < remote.DOUBLE_CLICK
    )


def _remember(request: HttpRequest, asked: Asked) -> None:
    """Saved at once: the second click's page may be the one that the browser shows."""
    request.session[ASKED_KEY] = asked.to_session()
    request.session.save()
