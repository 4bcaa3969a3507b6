"""Choosing machines and people, by hand or by an address."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelectMultiple

from machines.models import Authorization


class MachinesWidget(AutocompleteSelectMultiple):
    """Without JavaScript all machines are there to pick from: there are hundreds of them, not thousands."""

    def __init__(self) -> None:
        super().__init__(Authorization._meta.get_field("machine"), admin.site)

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        return forms.SelectMultiple.optgroups(self, name, value, attrs)


def is_key(raw: Any) -> bool:
    """What stands in an address may be anything; a database takes numbers of a certain size."""
    text = str(raw)
    return text.isascii() and text.isdigit() and len(text) < 19
