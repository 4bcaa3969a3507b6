"""What one comes to the administration for, as large buttons, to whoever may do it."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fabomatic.app_list import ASK, ENROL


class Errand(NamedTuple):
    kind: str
    text: Promise
    url_name: str
    permissions: tuple[str, ...]

    @property
    def url(self) -> str:
        return reverse(f"admin:{self.url_name}")


_ERRANDS = (
    Errand("enrol", _("Enrol a card"), "telemetry_unknown_cards", ENROL),
    Errand("ask", _("Could she?"), "telemetry_could_she", ASK),
    Errand("block", _("Block a machine"), "machines_machine_changelist", ("machines.change_machine",)),
    Errand("repair", _("Record an intervention"), "machines_intervention_add", ("machines.add_intervention",)),
)


def errands_of(user: Any) -> list[Errand]:
    return [errand for errand in _ERRANDS if user.has_perms(errand.permissions)]
