"""Old rows of a table: looked for outside of any transaction, changed in short ones.

A walk along the key needs no index of its own, comes to each row once, and passes what was done before at the speed
of the disk. Killed, it begins again and finds less to do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import DatabaseError
from django.db.models import BooleanField, Case, Model, Q, QuerySet, When

from members.pieces import in_pieces
from telemetry.database import is_busy

WINDOW = 20_000  # rows that are looked at with one question
PIECE = 250  # a tenth or a fifth of what others would notice, for the moments when this computer is busy
PATIENCE = (1.0, 5.0, 15.0)  # seconds, on top of those that the database itself waits for others

T = TypeVar("T")
Watch = Callable[[int], None]  # is told how many percent of a table were looked at


def patiently(step: Callable[[], T], so_far: Callable[[], Any] = lambda: None) -> T:
    """Again where somebody else held what it needs, with new patience whenever it came further in between.

    What is done is done: a step goes on where it was."""
    waits, before = iter(PATIENCE), so_far()
    while True:
        try:
            return step()
        except DatabaseError as error:
            if so_far() != before:
                waits, before = iter(PATIENCE), so_far()
            if not is_busy(error) or (seconds := next(waits, None)) is None:
                raise
        time.sleep(seconds)


@dataclass
class Old:
    """Rows that meet the condition have to be changed, and no longer meet it once `write` was given them."""

    table: QuerySet[Any]
    condition: Q
    write: Callable[[QuerySet[Any]], int]
    most: int = PIECE
    is_indexed: bool = False  # few of many, which an index finds at once

    def count(self, watch: Watch) -> int:
        return sum(len(keys) for keys in self._keys(watch))

    def purge(self, watch: Watch) -> int:
        found, changed, written = self._keys(watch), 0, 0
        waiting: list[Any] = []

        def look() -> None:
            while len(waiting) < self.most and (keys := next(found, None)) is not None:
                waiting.extend(keys)

        def piece(size: int) -> int:
            nonlocal written
            keys = waiting[:size]
            # Asked again: meanwhile somebody may have changed what was found.
            written = self.write(self._rows.filter(pk__in=keys)) if keys else 0
            return len(keys)

        def work() -> None:
            nonlocal changed
            for done in in_pieces(piece, self.most):
                changed += written
                del waiting[:done]
                look()
                if not waiting:
                    return

        look()
        if waiting:
            patiently(work, lambda: changed)
        return changed

    @property
    def _rows(self) -> QuerySet[Any]:
        """By their key and no other way: SQLite knows no figures, and would rather read all that an index finds."""
        return self.table.filter(Case(When(self.condition, then=True), default=False, output_field=BooleanField()))

    def _keys(self, watch: Watch) -> Iterator[list[Any]]:
        if self.is_indexed:
            yield list(self.table.filter(self.condition).order_by().values_list("pk", flat=True))
            return
        every = self.table.order_by("pk").values_list("pk", flat=True)
        first, last = every.first(), every.last()
        begun = first
        while first is not None:
            after = next(iter(every.filter(pk__gte=first)[WINDOW : WINDOW + 1]), None)
            part = self._rows.filter(pk__gte=first)
            part = part if after is None else part.filter(pk__lt=after)
            yield list(part.order_by("pk").values_list("pk", flat=True))
            if isinstance(begun, int) and isinstance(after, int) and isinstance(last, int):
                watch(min(100, 100 * (after - begun) // max(1, last - begun)))
            first = after


def emptied(model: type[Model], condition: Q, *, is_indexed: bool = False, **values: Any) -> Old:
    """Never through `save`, which would move odometers and plans."""
    return Old(model._default_manager.all(), condition, lambda found: found.update(**values), is_indexed=is_indexed)


def deleted(model: type[Model], condition: Q, *, is_indexed: bool = False) -> Old:
    label = model._meta.label
    return Old(
        model._default_manager.all(),
        condition,
        lambda found: found.delete()[1].get(label, 0),
        is_indexed=is_indexed,
    )
