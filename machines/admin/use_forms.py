"""What staff says about a use: when it was, how long, whose and at which machine."""

from __future__ import annotations

from copy import copy
from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from machines.admin.hours import LastedField
from machines.models import LONGEST_USE, TOO_LONG, Machine, Use, hold_machines, whole_second
from members.admin.fresh import FreshForm


class UseForm(FreshForm):
    reported = ("started_at", "ended_at")

    lasted = LastedField(label=_("Duration"), required=False)
    is_estimated = forms.BooleanField(
        label=_("Times estimated"), required=False, help_text=_("Untick it when the times are right now.")
    )

    class Meta:
        model = Use
        fields: ClassVar = ["machine", "member", "started_at", "ended_at", "note"]
        help_texts: ClassVar = {"ended_at": _("Without an end and a duration, it still runs.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.before: Use | None = None
        if self.instance.duration is not None:
            self.initial["lasted"] = timedelta(seconds=self.instance.duration)
        self.initial["is_estimated"] = True
        if not self.instance.is_replay:
            self.fields.pop("is_estimated", None)
        for name in {"lasted", "is_estimated"} & set(self.fields):
            self.fields[name].show_hidden_initial = True

    def clean(self) -> dict[str, Any]:
        self._hold()
        cleaned = super().clean()
        if "lasted" in self.changed_data and cleaned.get("lasted") is not None:
            self._end_after(cleaned, cleaned["lasted"])
        self._refuse_too_long(cleaned)
        if "is_estimated" in self.changed_data:
            self.instance.is_replay = cleaned["is_estimated"]
        self._refuse_second_running(cleaned)
        return cleaned

    def _hold(self) -> None:
        """From here to the end of the transaction no board moves this use, nor anything at its machines."""
        machine = self.cleaned_data.get("machine")
        hold_machines(Q(pk__in={self.instance.machine_id, machine.pk if machine else None} - {None}))
        if not self.instance._state.adding:
            self.instance.refresh_from_db(fields=[*Use.TIMES, "is_replay"])
            self.before = copy(self.instance)

    def _end_after(self, cleaned: dict[str, Any], lasted: timedelta) -> None:
        started_at = cleaned.get("started_at")
        if started_at is None or "ended_at" in self.errors:
            return
        ended_at = whole_second(started_at) + lasted
        if "ended_at" in self.changed_data and cleaned.get("ended_at") not in (None, ended_at):
            self.add_error("lasted", ValidationError(_("The end says otherwise: leave one of the two."), code="two"))
        elif ended_at > timezone.now():
            self.add_error("lasted", ValidationError(_("It would end in the future."), code="future"))
        else:
            cleaned["ended_at"] = ended_at

    def _refuse_too_long(self, cleaned: dict[str, Any]) -> None:
        """Next to what was changed; what is too long already can be given a note."""
        changed = next((name for name in ("lasted", "ended_at", "started_at") if name in self.changed_data), None)
        start, end = cleaned.get("started_at"), cleaned.get("ended_at")
        if changed and start and end and not self.errors and end - whole_second(start) > LONGEST_USE:
            self.add_error(changed, ValidationError(TOO_LONG, code="too_long"))

    def _refuse_second_running(self, cleaned: dict[str, Any]) -> None:
        machine = cleaned.get("machine")
        if machine is None or {"ended_at", "lasted"} & set(self.errors) or cleaned.get("ended_at") is not None:
            return
        others = Use.objects.filter(machine=machine, ended_at__isnull=True).exclude(pk=self.instance.pk)
        if others.exists():
            self.add_error("machine", ValidationError(_("This machine is already in use."), code="in_use"))


class MoveForm(forms.Form):
    machine = forms.ModelChoiceField(Machine.objects.all(), label=_("To which machine"))

    def __init__(self, uses: list[Use], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.uses = uses

    def clean_machine(self) -> Machine:
        machine: Machine = self.cleaned_data["machine"]
        running = {use.pk for use in self.uses if use.ended_at is None}
        if running:
            there = Use.objects.filter(machine=machine, ended_at__isnull=True).values_list("pk", flat=True)
            if len(running | set(there)) > 1:
                raise ValidationError(_("Only one use can be running at a machine."), code="in_use")
        return machine
