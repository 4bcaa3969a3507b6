"""Choosing machines, by hand or by an address."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin

from machines.models import Authorization
from members.admin.pickers import FindSeveral


class MachinesWidget(FindSeveral):
    """Without JavaScript all machines are there to pick from: there are hundreds of them, not thousands."""

    def __init__(self) -> None:
        super().__init__(Authorization._meta.get_field("machine"), admin.site)

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        return forms.SelectMultiple.optgroups(self, name, value, attrs)
