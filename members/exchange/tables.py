"""Which columns each list has as a file, and who may have them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Model
from django.utils.text import capfirst
from import_export.fields import Field

from members.exchange.kinds import Text, in_any_language


class Column(Field):
    """`label` is its heading, in words. `name` is what an import calls it; a column without one is not read.
    A `personal` one says who somebody is."""

    def __init__(
        self,
        label: Any,
        attribute: str | Callable[[Any], Any],
        kind: Text | None = None,
        *,
        name: str = "",
        personal: bool = False,
    ) -> None:
        super().__init__(attribute, label, kind or Text(), readonly=not name)
        self.name = name
        self.personal = personal

    @property
    def heading(self) -> str:
        return str(capfirst(str(self.column_name)))

    def get_value(self, instance: Any) -> Any:
        return self.attribute(instance) if callable(self.attribute) else super().get_value(instance)

    def is_called(self, heading: str) -> bool:
        """In any of our languages, or as we call it in a program."""
        known = in_any_language(self.column_name, (code for code, _name in settings.LANGUAGES))
        return heading.strip().casefold() in known | ({self.name} - {""})


@dataclass(frozen=True)
class Table:
    model: type[Model]
    columns: Sequence[Column]
    related: tuple[str, ...] = ()
    prefetched: tuple[str, ...] = ()
    importer: Any = None

    def columns_for(self, *, sees_people: bool) -> list[Column]:
        return [column for column in self.columns if sees_people or not column.personal]

    def fetch(self, ids: Sequence[int]) -> dict[int, Any]:
        rows = self.model._default_manager.select_related(*self.related).prefetch_related(*self.prefetched)
        return dict(rows.in_bulk(list(ids)))


TABLES: dict[type[Model], Table] = {}


def register(table: Table) -> None:
    TABLES[table.model] = table
