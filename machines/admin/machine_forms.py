from __future__ import annotations

from typing import ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from machines.admin.hours import HoursField
from machines.models import Machine


class MachineForm(forms.ModelForm):
    initial_seconds = HoursField(
        label=_("Hours before the first use here"),
        initial=0,
        help_text=_("What the machine had run before it came here."),
    )

    class Meta:
        model = Machine
        fields: ClassVar = ["id", "initial_seconds"]
