"""What staff does to several uses at once: end, move, delete. A few in a transaction, so that boards need not wait;
each with its odometer and its line in the log of changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected as stock_delete_selected
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from machines.admin.use_changes import note_uses, overlapping, what_changed
from machines.admin.use_forms import MoveForm
from machines.models import Machine, Use, hold_machines
from members.models import Change

MOST_AT_ONCE = 500
_IN_A_TRANSACTION = 50


@admin.action(description=_("End selected running uses now"), permissions=["change"])
def end_now(model_admin: Any, request: HttpRequest, queryset: QuerySet[Use]) -> None:
    _end(model_admin, request, queryset, lambda use: max(timezone.now(), use.started_at))


@admin.action(description=_("End selected running uses at their last sign of life"), permissions=["change"])
def end_when_last_seen(model_admin: Any, request: HttpRequest, queryset: QuerySet[Use]) -> None:
    _end(model_admin, request, queryset, lambda use: min(max(timezone.now(), use.started_at), use.last_seen_at))


@admin.action(description=_("Move selected uses to another machine"), permissions=["change"])
def move_to_machine(model_admin: Any, request: HttpRequest, queryset: QuerySet[Use]) -> HttpResponse | None:
    """Asks for the machine first."""
    if _are_too_many(model_admin, request, queryset):
        return None
    uses = list(queryset.select_related("machine"))
    form = MoveForm(uses, request.POST if "sure" in request.POST else None)
    if not form.is_valid():
        return _which_machine(model_admin, request, uses, form)
    machine: Machine = form.cleaned_data["machine"]

    def move(use: Use) -> list[str]:
        """One that runs stays where it is if a board has meanwhile begun another one there."""
        there = Use.objects.filter(machine=machine, ended_at__isnull=True).exclude(pk=use.pk)
        if use.ended_at is None and there.exists():
            model_admin.message_user(request, _("Only one use can be running at a machine."), messages.ERROR)
            return []
        use.machine = machine
        return ["machine"]

    moved = _change_each(request, queryset, move, also=machine)
    text = ngettext("%(count)d use was moved to %(machine)s.", "%(count)d uses were moved to %(machine)s.", len(moved))
    model_admin.message_user(request, text % {"count": len(moved), "machine": machine}, messages.SUCCESS)
    if overlaps := sum(bool(overlapping(use)) for use in moved):
        text = ngettext(
            "%(count)d of them overlaps with another use there: two people cannot be at one machine at once.",
            "%(count)d of them overlap with other uses there: two people cannot be at one machine at once.",
            overlaps,
        )
        model_admin.message_user(request, text % {"count": overlaps}, messages.WARNING)
    return None


@admin.action(description=_("Delete selected %(verbose_name_plural)s"), permissions=["delete"])
def delete_selected(model_admin: Any, request: HttpRequest, queryset: QuerySet[Use]) -> HttpResponse | None:
    if _are_too_many(model_admin, request, queryset):
        return None
    return stock_delete_selected(model_admin, request, queryset.select_related("machine", "member"))


def delete_each(request: HttpRequest, queryset: QuerySet[Use]) -> None:
    for uses in _held(queryset):
        note_uses(request, [(use, what_changed(use, None)) for use in uses], Change.Kind.DELETED)
        Use.objects.filter(pk__in=[use.pk for use in uses]).delete()


def _end(model_admin: Any, request: HttpRequest, queryset: QuerySet[Use], moment: Callable[[Use], Any]) -> None:
    def end(use: Use) -> list[str]:
        if use.ended_at is not None:
            return []
        use.ended_at = moment(use)
        return ["ended_at"]

    ended = _change_each(request, queryset.filter(ended_at__isnull=True), end)
    text = ngettext("%(count)d use was ended.", "%(count)d uses were ended.", len(ended))
    model_admin.message_user(request, text % {"count": len(ended)}, messages.SUCCESS if ended else messages.WARNING)


def _change_each(
    request: HttpRequest, queryset: QuerySet[Use], change: Callable[[Use], list[str]], *, also: Machine | None = None
) -> list[Use]:
    """`change` names the fields that it set."""
    changed = []
    for uses in _held(queryset, also):
        noted = []
        for use in uses:
            before = copy(use)
            if fields := change(use):
                use.save(update_fields=fields)
            if values := what_changed(before, use):
                noted.append((use, values))
        note_uses(request, noted, Change.Kind.CHANGED)
        changed += [use for use, _values in noted]
    return changed


def _held(queryset: QuerySet[Use], also: Machine | None = None) -> Iterator[list[Use]]:
    """As they are stored at this moment, and no board changes them before the next ones are asked for."""
    keys = list(queryset.order_by("pk").values_list("pk", flat=True)[:MOST_AT_ONCE])
    for begin in range(0, len(keys), _IN_A_TRANSACTION):
        some = Use.objects.filter(pk__in=keys[begin : begin + _IN_A_TRANSACTION])
        with transaction.atomic():
            hold_machines(Q(pk__in=some.order_by().values("machine_id")) | Q(pk=also.pk if also else 0))
            yield list(some.select_related("machine", "member").order_by("pk"))


def _are_too_many(model_admin: Any, request: HttpRequest, queryset: QuerySet[Use]) -> bool:
    if queryset.order_by().values("pk")[: MOST_AT_ONCE + 1].count() <= MOST_AT_ONCE:
        return False
    text = _("These are more than %(most)d: choose fewer, with a filter.") % {"most": MOST_AT_ONCE}
    model_admin.message_user(request, text, messages.ERROR)
    return True


def _which_machine(model_admin: Any, request: HttpRequest, uses: list[Use], form: MoveForm) -> HttpResponse:
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": _("Move uses to another machine"),
        "uses": uses,
        "shown": uses[:20],
        "more": max(0, len(uses) - 20),
        "seconds": sum(use.duration or 0 for use in uses),
        "form": form,
        "checkbox": ACTION_CHECKBOX_NAME,
        "media": model_admin.media,
    }
    request.current_app = model_admin.admin_site.name
    return TemplateResponse(request, "admin/machines/use/move.html", context)
