"""Forms in which staff writes what boards did not: hours instead of seconds, errors next to the field."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import BaseInlineFormSet
from django.utils.translation import gettext_lazy as _

from machines.models import Authorization, Intervention, Machine, MaintenancePlan, Use

SECONDS_PER_HOUR = 3600


def hours_and_minutes(seconds: int | None) -> str:
    if seconds is None:
        return "–"
    hours, rest = divmod(seconds, SECONDS_PER_HOUR)
    return f"{hours}:{rest // 60:02d} h"


class HoursField(forms.DecimalField):
    """Hours for people, seconds for the database; four decimals bring every second back."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 0, "max_digits": 12, "decimal_places": 4, **kwargs})
        self.widget.attrs["step"] = "any"

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, int):
            return value
        return (Decimal(value) / SECONDS_PER_HOUR).quantize(Decimal("0.0001")).normalize().__format__("f")

    def has_changed(self, initial: Any, data: Any) -> bool:
        before = self.prepare_value(initial)
        return super().has_changed(None if before is None else Decimal(before), data)

    def clean(self, value: Any) -> int | None:
        hours = super().clean(value)
        return None if hours is None else round(hours * SECONDS_PER_HOUR)


class MachineForm(forms.ModelForm):
    initial_seconds = HoursField(
        label=_("Hours before the first use here"),
        initial=0,
        help_text=_("What the machine had run before it came here."),
    )

    class Meta:
        model = Machine
        fields: ClassVar = ["id", "initial_seconds"]


class FreshForm(forms.ModelForm):
    """What staff left alone in `reported` keeps its present value: a board may have spoken while the form was open."""

    reported: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.reported:
            if name in self.fields:
                self.fields[name].show_hidden_initial = True

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.instance._state.adding:
            untouched = set(self.reported) & set(cleaned) - set(self.changed_data)
            cleaned.update({name: getattr(self.instance, name) for name in untouched})
        return cleaned


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


class UseForm(FreshForm):
    reported = ("started_at", "ended_at")

    class Meta:
        model = Use
        fields: ClassVar = ["machine", "member", "started_at", "ended_at", "note"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        machine = cleaned.get("machine")
        if machine is not None and "ended_at" not in self.errors and cleaned.get("ended_at") is None:
            others = Use.objects.filter(machine=machine, ended_at__isnull=True).exclude(pk=self.instance.pk)
            if others.exists():
                self.add_error("machine", ValidationError(_("This machine is already in use."), code="in_use"))
        return cleaned


class Shown(forms.Widget):
    """A value that is told, not asked."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        return self.text


class AuthorizationRow(forms.ModelForm):
    """In a member's list a row keeps its machine: another machine is another row, and a choice costs a query."""

    class Meta:
        model = Authorization
        fields: ClassVar = ["machine", "valid_until", "note"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["machine"].disabled = True
            self.fields["machine"].widget = Shown(str(self.instance.machine))


class GrantingFormSet(BaseInlineFormSet):
    granted_by: ClassVar[Any] = None

    def save_new(self, form: Any, commit: bool = True) -> Any:
        form.instance.granted_by = self.granted_by
        return super().save_new(form, commit)
