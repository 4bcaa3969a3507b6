"""“Could she?”: a member, a machine, and what a tap would give now. Only to read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from machines.access import Outcome
from members.power import may_touch
from telemetry.admin.enrolling import may_enrol
from telemetry.admin.picking import OneOfField, PickingForm
from telemetry.could_she import Answer, CardAnswer, Obstacle, ask
from telemetry.models import Tap
from telemetry.taps import Stop


def may_ask(user: Any) -> bool:
    return bool(user.has_perms(["members.view_member", "machines.view_machine"]))


def urls() -> list[Any]:
    return [path("could/", admin.site.admin_view(page), name="telemetry_could_she")]


class CouldSheForm(PickingForm):
    member = OneOfField(Tap, "member", label=_("Member"))
    machine = OneOfField(Tap, "machine", label=_("Machine"))


@require_GET
def page(request: HttpRequest) -> HttpResponseBase:
    if not may_ask(request.user):
        raise PermissionDenied
    form = CouldSheForm(request.GET if {"member", "machine"} & set(request.GET) else None)
    answer = None
    if form.is_valid():
        answer = ask(form.cleaned_data["member"], form.cleaned_data["machine"], timezone.now())
    context = {
        **admin.site.each_context(request),
        "title": _("Could she?"),
        "opts": Tap._meta,
        "form": form,
        "media": form.media,
        "answer": answer,
        "cards": _cards(request.user, answer) if answer else (),
        "may_enrol": may_enrol(request.user),
    }
    return TemplateResponse(request, "admin/telemetry/tap/could_she.html", context)


class Step(NamedTuple):
    """One thing that stands in the way, and where this person can put it right."""

    sentence: Promise
    remedy: Promise | None = None
    url: str = ""


def _cards(user: Any, answer: Answer) -> list[tuple[CardAnswer, list[Step]]]:
    return [
        (card, [Step(obstacle.sentence, *_remedy(user, obstacle, answer, card)) for obstacle in card.obstacles])
        for card in answer.cards
    ]


def _remedy(user: Any, obstacle: Obstacle, answer: Answer, card: CardAnswer) -> Sequence[Any]:
    match obstacle:
        case Outcome.NOT_AUTHORIZED:
            given = {"member": answer.member.pk, "machine": answer.machine.pk}
            return _link(user, "machines.add_authorization", _("Give an authorization"), **given)
        case Outcome.AUTHORIZATION_EXPIRED:
            key = card.decision.member and card.decision.member.authorization_id
            return _link(user, "machines.change_authorization", _("Renew the authorization"), key)
        case Outcome.LOST_CARD if may_touch(user, answer.member):
            return _link(user, "members.change_card", _("Found again? Change the card"), card.card.pk)
        case Outcome.MEMBER_INACTIVE if may_touch(user, answer.member):
            return _link(user, "members.change_member", _("Enable the member"), answer.member.pk)
        case Outcome.MEMBERSHIP_EXPIRED if may_touch(user, answer.member):
            return _link(user, "members.change_member", _("Renew the membership"), answer.member.pk)
        case Outcome.MACHINE_BLOCKED | Stop.BLOCKED:
            return _link(user, "machines.change_machine", _("Unblock the machine"), answer.machine.pk)
        case Stop.MAINTENANCE:
            plan = answer.reader.due[0].id
            return _link(user, "machines.add_intervention", _("Record the work when it is done"), plan=plan)
        case Outcome.BOARD_CONFLICT:
            return _link(user, "telemetry.change_board", _("Say which board belongs there"), state="conflict")
    return ()


def _link(user: Any, permission: str, text: Promise, key: Any = None, **asked: Any) -> Sequence[Any]:
    """To the page for which this permission is asked, if this person has it."""
    if not user.has_perm(permission):
        return ()
    app, _dot, codename = permission.partition(".")
    verb, _underscore, model = codename.partition("_")
    kind = "changelist" if verb == "change" and key is None else verb
    url = reverse(f"admin:{app}_{model}_{kind}", args=() if key is None else (key,))
    return text, f"{url}?{urlencode(asked)}" if asked else url
