from __future__ import annotations

from typing import Any, ClassVar

from django import forms


class FreshForm(forms.ModelForm):
    """What staff left alone in `reported` keeps its present value: a board, or somebody else, may have spoken while the
    form was open."""

    reported: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in () if self.instance._state.adding else self.reported:
            if name in self.fields:
                self.fields[name].show_hidden_initial = True

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.instance._state.adding:
            untouched = set(self.reported) & set(cleaned) - set(self.changed_data)
            cleaned.update({name: getattr(self.instance, name) for name in untouched})
        return cleaned
