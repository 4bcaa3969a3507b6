"""Blocking and unblocking chosen machines, each after a page that asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from machines.blocking import BlockForm, Blocking, block, unblock
from machines.models import Machine
from members.admin import LabAdmin

MOST_NAMES = 10


class BlocksMachines(LabAdmin):
    @admin.action(description=gettext_lazy("Block selected machines"), permissions=["change"])
    def block_selected(self, request: HttpRequest, queryset: QuerySet[Machine]) -> HttpResponse | None:
        """Those that are blocked keep the reason that they have."""
        machines = list(queryset)
        free = [machine for machine in machines if not machine.is_blocked]
        is_sure = "sure" in request.POST
        form = BlockForm(request.POST if is_sure else None)
        if free and not (is_sure and form.is_valid()):
            return self._ask(request, _("Block machines"), "block_selected", machines, form=form)
        done = [_done(block, machine, form.cleaned_data["reason"], request.user.pk) for machine in free]
        changed = [blocking.machine for blocking in done if blocking is not None and blocking.is_changed]
        kept = [blocking.machine for blocking in done if blocking is not None and not blocking.is_changed]
        if changed:
            text = ngettext("%(count)d machine is blocked.", "%(count)d machines are blocked.", len(changed))
            self.message_user(request, text % {"count": len(changed)}, messages.SUCCESS)
        kept += [machine for machine in machines if machine.is_blocked]
        if kept:
            text = _("Blocked already, with the reason that they have: %(machines)s")
            self.message_user(request, text % {"machines": _with_reasons(kept)}, messages.WARNING)
        return None

    @admin.action(description=gettext_lazy("Unblock selected machines"), permissions=["change"])
    def unblock_selected(self, request: HttpRequest, queryset: QuerySet[Machine]) -> HttpResponse | None:
        machines = list(queryset)
        blocked = [machine for machine in machines if machine.is_blocked]
        if blocked and "sure" not in request.POST:
            return self._ask(request, _("Unblock machines"), "unblock_selected", blocked)
        done = [_done(unblock, machine, request.user.pk) for machine in blocked]
        count = len([blocking for blocking in done if blocking is not None and blocking.is_changed])
        if count:
            text = ngettext("%(count)d machine is unblocked.", "%(count)d machines are unblocked.", count)
            self.message_user(request, text % {"count": count}, messages.SUCCESS)
        else:
            self.message_user(request, _("None of these machines is blocked."), messages.WARNING)
        return None

    def _ask(
        self, request: HttpRequest, title: str, action: str, machines: Sequence[Machine], **context: Any
    ) -> HttpResponse:
        is_everything = request.POST.get("select_across") == "1"
        context |= {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "action": action,
            "machines": machines,
            "blocked": [machine for machine in machines if machine.is_blocked],
            "free": [machine for machine in machines if not machine.is_blocked],
            # Of a whole list one is enough, and a browser need not send a thousand.
            "chosen": machines[:1] if is_everything else machines,
            "is_everything": is_everything,
            "checkbox": ACTION_CHECKBOX_NAME,
            "media": self.media,
        }
        return TemplateResponse(request, "admin/machines/machine/block.html", context)


def _done(change: Any, machine: Machine, *arguments: Any) -> Blocking | None:
    """None for a machine that somebody deletes at this moment."""
    try:
        blocking: Blocking = change(machine.pk, *arguments)
    except Machine.DoesNotExist:
        return None
    return blocking


def _with_reasons(machines: Sequence[Machine]) -> str:
    names = [f"{machine.name} ({machine.blocked_reason or '–'})" for machine in machines[:MOST_NAMES]]
    return ", ".join(names) + (", …" if len(machines) > MOST_NAMES else "")
