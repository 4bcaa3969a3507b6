"""What staff fills in on a machine's page to start or stop it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from members.models import Card
from telemetry.remote import Kind


class RemoteForm(forms.Form):
    """`kind` is the button that was pressed; the choice of a card is hidden where there is only one."""

    kind = forms.ChoiceField(choices=[(kind.value, kind.value) for kind in Kind], widget=forms.HiddenInput)
    card = forms.ChoiceField(label=_("With which of your cards"))
    sees = forms.BooleanField(
        label=_("I see the machine, or somebody stands there"),
        error_messages={"required": _("Only with somebody's eyes on the machine.")},
    )

    def __init__(self, cards: Sequence[Card], data: Any = None) -> None:
        super().__init__(data)
        self.cards = list(cards)
        field: Any = self.fields["card"]
        field.choices = [(str(card.pk), str(card)) for card in cards]
        if len(cards) == 1:
            field.widget = forms.HiddenInput()
            self.initial["card"] = cards[0].pk

    @property
    def chosen_card(self) -> Card:
        return next(card for card in self.cards if str(card.pk) == self.cleaned_data["card"])

    @property
    def chosen_kind(self) -> Kind:
        return Kind(self.cleaned_data["kind"])
