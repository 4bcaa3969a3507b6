from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from machines.admin.hours import HoursField
from machines.blocking import SAY_WHY
from machines.models import MAX_MACHINE_ID, Machine
from machines.renumbering import renumber, taken
from members.admin.fresh import FreshForm


class MachineForm(FreshForm):
    # A machine that is blocked while the form is open stays blocked.
    reported = ("is_blocked", "blocked_reason")
    initial_seconds = HoursField(
        label=_("Hours before the first use here"),
        initial=0,
        help_text=_("What the machine had run before it came here."),
    )

    class Meta:
        model = Machine
        fields: ClassVar = ["id", "initial_seconds"]

    def clean_id(self) -> int:
        number: int = self.cleaned_data["id"]
        other = Machine.objects.filter(pk=number).first()
        if other is not None:
            raise taken(other)
        return number

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not {"is_blocked", "blocked_reason"} & set(self.changed_data):
            return cleaned
        if cleaned.get("is_blocked"):
            if not cleaned.get("blocked_reason") and "blocked_reason" not in self.errors:
                self.add_error("blocked_reason", SAY_WHY)
        elif cleaned.get("blocked_reason"):
            cleaned["blocked_reason"] = ""
            if "blocked_reason" not in self.changed_data:  # the log tells which reason was given up
                self.changed_data.append("blocked_reason")
        return cleaned


class NumberForm(forms.Form):
    """Renumbers when it is valid: only then is it known whether it can be done."""

    number = forms.IntegerField(
        label=_("New number"),
        min_value=1,
        max_value=MAX_MACHINE_ID,
        help_text=_("From 2 to 65535; 1 is what boards call themselves after a reset."),
    )

    def renumber(self, machine_id: int, by: int | None) -> Machine | None:
        if not self.is_valid():
            return None
        try:
            return renumber(machine_id, self.cleaned_data["number"], by=by)
        except ValidationError as error:
            self.add_error("number", error)
            return None
