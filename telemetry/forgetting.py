"""Takes somebody's name and cards off their history before they are deleted.

Deleting would do it in one transaction, for seconds where somebody came daily for years, and keep every other writer
out meanwhile; here it is done in pieces, and between them boards are heard.
"""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from machines.models import Intervention, Use
from members.models import Member
from members.pieces import in_pieces
from telemetry.models import Tap

PIECE = 1000


def forget(member: Member) -> dict[type, int]:
    """How many of each; all but a running use: the board's stop has to find it, and deleting the member takes care."""
    uses = Use.objects.filter(member=member, ended_at__isnull=False)
    return {
        Use: _unnamed(uses, card_uid=""),
        Tap: _unnamed(Tap.objects.filter(member=member), uid="", card=None),
        Intervention: _unnamed(Intervention.objects.filter(member=member)),
    }


def _unnamed(rows: QuerySet[Any], **emptied: Any) -> int:
    def piece(size: int) -> int:
        keys = list(rows.order_by().values_list("pk", flat=True)[:size])
        changed: int = rows.model._default_manager.filter(pk__in=keys).update(member=None, **emptied)
        return changed

    return sum(in_pieces(piece, PIECE))
