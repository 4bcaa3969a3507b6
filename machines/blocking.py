"""Blocking machines and letting them go again: one way, for their own pages and for the administration.

Two people at the same time do it once; who comes second changes nothing.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

from django import forms
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from machines.models import Machine
from machines.models.machines import locked
from members.changes import differences, note
from members.models import Change

REASON_LENGTH = Machine._meta.get_field("blocked_reason").max_length
SAY_WHY = _("Say why: everybody who wants to use the machine reads it.")


class BlockForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=REASON_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": SAY_WHY},
    )


@dataclass(frozen=True, slots=True)
class Blocking:
    """The machine as it is now; where it was so already, with the reason somebody else gave."""

    machine: Machine
    is_changed: bool


def block(machine_id: int, reason: str, member_id: int | None) -> Blocking:
    return _set_blocked(machine_id, member_id, is_blocked=True, reason=reason)


def unblock(machine_id: int, member_id: int | None) -> Blocking:
    return _set_blocked(machine_id, member_id, is_blocked=False, reason="")


def _set_blocked(machine_id: int, member_id: int | None, *, is_blocked: bool, reason: str) -> Blocking:
    with transaction.atomic():
        machine = locked(Machine, machine_id)
        if machine is None:
            raise Machine.DoesNotExist
        if machine.is_blocked == is_blocked:
            return Blocking(machine, is_changed=False)
        before = copy(machine)
        machine.is_blocked, machine.blocked_reason = is_blocked, reason
        machine.save(update_fields=["is_blocked", "blocked_reason"])
        values = differences(before, machine, ["is_blocked", "blocked_reason"])
        note(member_id, machine, Change.Kind.CHANGED, [{"did": "changed", "values": values}])
        return Blocking(machine, is_changed=True)
