from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from machines.admin.fresh import FreshForm
from machines.admin.hours import HoursField
from machines.models import Intervention, Machine, MaintenancePlan


class PlanForm(FreshForm):
    reported = ("last_work_at",)
    hours_ago = HoursField(
        label=_("Hours of use since the last work"),
        required=False,
        help_text=_("Empty: a new plan counts from now, an old one goes on counting."),
    )

    class Meta:
        model = MaintenancePlan
        fields: ClassVar = ["machine", "last_work_at"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        odometer, ago = self._odometer(), cleaned.get("hours_ago")
        if odometer is not None and ago is not None and ago > odometer:
            self.add_error("hours_ago", _("The machine has not run that long."))
        return cleaned

    def save(self, commit: bool = True) -> Any:
        if (ago := self.cleaned_data.get("hours_ago")) is not None:
            self.instance.reading_at_last_work = max(0, (self._odometer() or 0) - ago)
        return super().save(commit)

    def _odometer(self) -> int | None:
        """None while the machine itself is still to be saved by the same page."""
        machine = self.cleaned_data.get("machine")
        machine_id = machine.pk if machine is not None else self.instance.machine_id
        return Machine.objects.filter(pk=machine_id).values_list("seconds_used", flat=True).first()


class InterventionForm(forms.ModelForm):
    reading = HoursField(label=_("Odometer, hours"), required=False, help_text=_("Empty: what the machine shows now."))

    class Meta:
        model = Intervention
        fields: ClassVar = ["plan", "member", "at", "reading", "note"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        plan = cleaned.get("plan") or (self.instance.plan if self.instance.plan_id else None)
        reading = cleaned.get("reading")
        if plan is not None and reading is not None and reading > plan.machine.seconds_used:
            self.add_error("reading", _("The machine has not run that long."))
        return cleaned
