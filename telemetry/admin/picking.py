"""A field to pick one of many: a list as long as it is short, otherwise found by typing."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model

from members.admin.pickers import FindOne

MOST_LISTED = 100


class OneOfField(forms.ModelChoiceField):
    """Named as the foreign key `name` of `model`, which Django's own search for people and machines wants to know."""

    def __init__(self, model: type[Model], name: str, **kwargs: Any) -> None:
        key: Any = model._meta.get_field(name)
        self._key = key
        super().__init__(key.remote_field.model._default_manager.all(), **kwargs)

    def choose_widget(self) -> None:
        things: Any = self.queryset
        few = list(things[: MOST_LISTED + 1])
        if len(few) > MOST_LISTED:
            self.widget = FindOne(self._key, admin.site)
            self.widget.choices = self.choices
        else:
            named = [(thing.pk, self.label_from_instance(thing)) for thing in few]
            self.widget = forms.Select(choices=[("", self.empty_label), *named])
        self.widget.is_required = self.required


class PickingForm(forms.Form):
    """How many there are is asked when a page opens, not when the server starts."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, OneOfField):
                field.choose_widget()
