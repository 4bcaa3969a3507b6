"""What a change of a use was, for the log, and what staff should look at after it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from machines.models import Use
from members.changes import differences, note_many, state_of
from members.models import Change

LOGGED = ("machine", "member", "started_at", "ended_at", "duration", "end_reason", "is_replay", "note")
PERSONAL = frozenset({"note"})  # may say who it was
# Boards count to 30 days; what lasts longer is not looked for.
LONGEST = timedelta(days=31)

Values = list[dict[str, Any]]


def what_changed(before: Use | None, after: Use | None) -> Values:
    if before is not None and after is not None:
        return _marked(differences(before, after, LOGGED))
    if after is not None:
        return _marked([{**entry, "old": None, "new": entry["old"]} for entry in state_of(after)])
    return _marked(state_of(before)) if before is not None else []


def note_uses(request: HttpRequest, changes: Iterable[tuple[Use, Values]], kind: Change.Kind) -> None:
    note_many(request.user.pk, [(use, [{"did": str(kind), "values": values}]) for use, values in changes], kind)


def overlapping(use: Use) -> list[Use]:
    """Others of its machine at the same time: boards' replays may overlap, but people cannot."""
    until = use.ended_at or timezone.now()
    others = Use.objects.filter(
        Q(ended_at__gt=use.started_at) | Q(ended_at__isnull=True),
        machine_id=use.machine_id,
        started_at__lt=until,
        started_at__gt=use.started_at - LONGEST,
    )
    return list(others.exclude(pk=use.pk)[:3])


def _marked(values: Values) -> Values:
    return [{**entry, "personal": True} if entry["field"] in PERSONAL else entry for entry in values]
