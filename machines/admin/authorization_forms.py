from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.forms.models import BaseInlineFormSet

from machines.models import Authorization


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
