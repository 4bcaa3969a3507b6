"""What goes and what went, in words for people; names nobody."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from fabomatic.privacy.erasing import Erased

_DONE = (
    ("uses", _("uses without name and card")),
    ("taps", _("taps without name and card")),
    ("interventions", _("interventions without name")),
    ("changes", _("changes without author")),
    ("texts", _("rows of other texts in which they were named")),
    ("gone", _("cards, authorizations and mails deleted")),
    ("sessions", _("sessions ended")),
    ("failed_logins", _("failed logins deleted")),
    ("uploads", _("uploaded files deleted")),
)


def what_was_done(erased: Erased) -> Iterator[str]:
    for name, things in _DONE:
        if count := getattr(erased, name):
            yield f"{things}: {number_format(count, force_grouping=True)}"
