from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from django import forms
from django.forms.models import BaseInlineFormSet
from django.utils import timezone

from machines.admin.granting_forms import refuse_past
from machines.models import Authorization
from members.admin.fresh import FreshForm


def granted_again(right: Authorization, actor: Any) -> None:
    """Who sets the end is who granted it: the one to ask about it."""
    right.granted_by, right.granted_at = actor, timezone.now()


class Shown(forms.Widget):
    """A value that is told, not asked."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        return self.text


class AuthorizationForm(FreshForm):
    reported = ("valid_until",)

    class Meta:
        model = Authorization
        fields: ClassVar = ["member", "machine", "valid_until", "note"]

    def clean_valid_until(self) -> date | None:
        """What has ended stays as it is, and can be given a new note."""
        day: date | None = self.cleaned_data["valid_until"]
        return refuse_past(day) if "valid_until" in self.changed_data else day


class AuthorizationRow(AuthorizationForm):
    """In a member's list a row keeps its machine: another machine is another row, and a choice costs a query."""

    class Meta(AuthorizationForm.Meta):
        fields: ClassVar = ["machine", "valid_until", "note"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["machine"].disabled = True
            self.fields["machine"].widget = Shown(str(self.instance.machine))


class GrantingFormSet(BaseInlineFormSet):
    granted_by: ClassVar[Any] = None

    def save_new(self, form: Any, commit: bool = True) -> Any:
        granted_again(form.instance, self.granted_by)
        return super().save_new(form, commit)

    def save_existing(self, form: Any, obj: Any, commit: bool = True) -> Any:
        if "valid_until" in form.changed_data:
            granted_again(form.instance, self.granted_by)
        return super().save_existing(form, obj, commit)
