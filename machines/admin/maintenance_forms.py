from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Count
from django.forms import Script
from django.forms.models import BaseInlineFormSet
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from machines.admin.hours import HoursField
from machines.models import LCD_COLUMNS, Intervention, Machine, MaintenancePlan
from machines.models.maintenance import is_long_ago
from members.admin.fresh import FreshForm

COUNTS_COLUMNS = Script("telemetry/admin/lcd.js", type="module")


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

    class Media:
        js = (COUNTS_COLUMNS,)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if (text := self.fields.get("lcd_message")) is not None:
            # What is too long is counted and refused: a browser would cut off what somebody pastes, and say nothing.
            text.widget.attrs.pop("maxlength", None)
            text.widget.attrs["data-columns"] = LCD_COLUMNS
            text.error_messages["max_length"] = _("The board shows %(limit_value)d columns; this has %(show_value)d.")

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


class PlanFormSet(BaseInlineFormSet):
    """On a machine's page."""

    def clean(self) -> None:
        """Before Django looks, which says no word about what to do instead."""
        going = [form.instance for form in self.initial_forms if self._should_delete_form(form)]  # type: ignore[attr-defined]
        if kept := kept_works(going):
            raise ValidationError([ValidationError(text, code="has_work") for text in kept])
        super().clean()


class InterventionForm(forms.ModelForm):
    reading = HoursField(
        label=_("Odometer, hours"),
        required=False,
        help_text=_("Empty: what the machine showed at that time, counted back from the uses recorded since."),
    )

    class Meta:
        model = Intervention
        fields: ClassVar = ["plan", "member", "at", "reading", "note"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        plan = cleaned.get("plan") or (self.instance.plan if self.instance.plan_id else None)
        if plan is None or "reading" in self.errors:
            return cleaned
        reading, at = cleaned.get("reading"), cleaned.get("at")
        if reading is not None and reading > plan.machine.seconds_used:
            self.add_error("reading", _("The machine has not run that long."))
        elif reading is None and at is not None and is_long_ago(plan.machine_id, at):
            text = _("The machine was used too often since then to count back: write what it showed.")
            self.add_error("reading", text)
        return cleaned


def kept_works(plans: Iterable[MaintenancePlan]) -> list[str]:
    """Why these plans cannot be deleted, and what to do instead; nothing for those without work done."""
    ids = [plan.pk for plan in plans if plan.pk is not None]
    counted = Intervention.objects.filter(plan__in=ids).order_by().values_list("plan").annotate(count=Count("pk"))
    counts = dict(counted)
    return [_kept(plan, counts[plan.pk]) for plan in plans if plan.pk in counts]


def _kept(plan: MaintenancePlan, count: int) -> str:
    text = ngettext(
        "“%(plan)s” has %(count)d intervention, which is kept: switch the plan off instead.",
        "“%(plan)s” has %(count)d interventions, which are kept: switch the plan off instead.",
        count,
    )
    return text % {"plan": plan.description, "count": count}


def to_instructions(plan: MaintenancePlan | None) -> SafeString | None:
    """An imported table may hold anything: only what a browser should follow becomes a link."""
    if plan is None or not plan.instructions_url.startswith(("http://", "https://")):
        return None
    link = '<a href="{}" target="_blank" rel="noopener noreferrer">{}</a>'
    return format_html(link, plan.instructions_url, _("Instructions"))
