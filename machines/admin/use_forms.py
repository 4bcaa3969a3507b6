from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from machines.admin.fresh import FreshForm
from machines.models import Use


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
