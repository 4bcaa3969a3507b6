"""Takes somebody's name and cards off their history before they are deleted.

Deleting would do it in one transaction, for seconds where somebody came daily for years, and keep every other writer
out meanwhile; here it is done in pieces, and between them boards are heard.
"""

from __future__ import annotations

import time
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from machines.models import Intervention, Use
from members.models import Member
from telemetry.models import Tap

PIECE = 1000
BREATH = 0.02  # seconds; SQLite has one writer, and the worker tries again every few milliseconds


def forget(member: Member) -> None:
    """All but a running use: the board's stop has to find it, and deleting the member takes care of it."""
    _in_pieces(Use.objects.filter(member=member, ended_at__isnull=False), card_uid="")
    _in_pieces(Tap.objects.filter(member=member), uid="", card=None)
    _in_pieces(Intervention.objects.filter(member=member))


def _in_pieces(rows: QuerySet[Any], **emptied: Any) -> None:
    while True:
        with transaction.atomic():
            keys = list(rows.order_by().values_list("pk", flat=True)[:PIECE])
            rows.model._default_manager.filter(pk__in=keys).update(member=None, **emptied)
        if len(keys) < PIECE:
            return
        time.sleep(BREATH)
