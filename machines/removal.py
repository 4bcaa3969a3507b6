"""Deletes a machine with its history.

Django would load a hundred thousand uses and keep every other writer out meanwhile; here the history goes first, in
pieces, and between them boards are heard.
"""

from __future__ import annotations

import time
from typing import Any

from django.db import router, transaction
from django.db.models import CASCADE, F, Model, Sum, Value
from django.db.models.functions import Greatest

from machines.models import Machine, Use
from machines.models.machines import locked
from machines.renumbering import references

PIECE = 2000
BREATH = 0.02  # seconds; SQLite has one writer, and the worker tries again every few milliseconds


def remove(machine: Machine) -> None:
    for model, name in _histories():
        while _remove_piece(model, name, machine.pk):
            time.sleep(BREATH)
    machine.delete()


def _histories() -> list[tuple[type[Model], str]]:
    """What goes with a machine and has nothing of its own that refers to it."""
    fields: Any = references()
    going = [(model, field.name) for model, field in fields if field.remote_field.on_delete is CASCADE]
    return [(model, name) for model, name in going if not _is_referred_to(model)]


def _is_referred_to(model: type[Model]) -> bool:
    return any(item.auto_created and not item.concrete for item in model._meta.get_fields(include_hidden=True))


def _remove_piece(model: type[Model], name: str, machine_id: int) -> bool:
    """Whether there is more. The odometer stays true for as long as there is a machine."""
    with transaction.atomic():
        if locked(Machine, machine_id) is None:
            return False
        of_machine = model._base_manager.filter(**{name: machine_id}).order_by()
        ids = list(of_machine.values_list("pk", flat=True)[:PIECE])
        rows: Any = model._base_manager.filter(pk__in=ids)
        if model is Use:
            seconds = rows.aggregate(total=Sum("duration"))["total"] or 0
            # Never below zero: an odometer that was wrong must not keep its machine here.
            left = Greatest(F("seconds_used") - seconds, Value(0))
            Machine.objects.filter(pk=machine_id).update(seconds_used=left)
        # No signals: each would only take back hours of a machine that goes.
        rows._raw_delete(router.db_for_write(model))
    return len(ids) == PIECE
