"""What an import would do, row by row, found out by reading only, and then done."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.text import capfirst
from django.utils.translation import gettext, override

from members.changes import Details, state_of
from members.exchange.cells import CLEAR
from members.exchange.kinds import CellError
from members.exchange.sheets import EMPTIED, Cell
from members.exchange.tables import Column, Table


class Verdict(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    ERROR = "error"


@dataclass(slots=True)
class Row:
    """One line of the file: what it says, None for what it empties, and what of it is wrong, by column."""

    number: int
    values: dict[str, Any] = field(default_factory=dict)
    errors: list[tuple[str, str]] = field(default_factory=list)

    def complain(self, column: str, sentence: Any) -> None:
        self.errors.append((column, str(sentence)))


@dataclass(slots=True)
class Plan:
    """`keys` are what no other row of the same file may be about: the key, and the column to name. `remarks` are what
    somebody should know before confirming."""

    row: Row
    verdict: Verdict
    about: str = ""
    details: Details = field(default_factory=list)
    keys: list[tuple[tuple[Any, ...], str]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    write: Callable[[], None] = lambda: None


class Importer(ABC):
    """For one model. Subclasses look up what some rows are about, all at once, and say what is to be done."""

    table: ClassVar[Table]
    # The file has to have one column of each.
    needs: ClassVar[tuple[tuple[str, ...], ...]] = ()
    clearable: ClassVar[frozenset[str]] = frozenset()
    hints: ClassVar[tuple[Any, ...]] = ()

    def __init__(self, actor: Any, sheet_heading: Sequence[str]) -> None:
        self.actor = actor
        self.at: dict[str, int] = {}
        self.unknown: list[str] = []
        for place, heading in enumerate(sheet_heading):
            column = next((column for column in self.readable() if column.is_called(heading)), None)
            if column is not None and column.name not in self.at:
                self.at[column.name] = place
            elif heading.strip():
                self.unknown.append(heading.strip()[:60])

    def hold(self, plans: list[Plan]) -> None:  # noqa: B027  (not all need any)
        """Locks what writing these will need, in the order in which everybody else does."""

    @classmethod
    def readable(cls) -> list[Column]:
        return [column for column in cls.table.columns if not column.readonly]

    @classmethod
    def column(cls, name: str) -> Column:
        return next(column for column in cls.readable() if column.name == name)

    @classmethod
    def heading(cls, name: str) -> str:
        return cls.column(name).heading

    @classmethod
    def is_allowed(cls, actor: Any) -> bool:
        """Whoever imports reads what is there: the preview shows it."""
        return actor.has_perm("members.view_member") and any(may(actor, verb, cls.table.model) for verb in VERBS)

    def missing(self) -> list[str]:
        """The columns without which nothing can be done, in words."""
        return [
            gettext(" or ").join(f"“{self.heading(name)}”" for name in names)
            for names in self.needs
            if not any(name in self.at for name in names)
        ]

    def plans(self, rows: Iterable[tuple[int, list[Cell]]]) -> list[Plan]:
        read = [self._read(number, cells) for number, cells in rows]
        self.look_up(read)
        return [self.plan(row) for row in read]

    @abstractmethod
    def look_up(self, rows: list[Row]) -> None: ...

    @abstractmethod
    def plan(self, row: Row) -> Plan: ...

    def _read(self, number: int, cells: list[Cell]) -> Row:
        row = Row(number)
        for name, place in self.at.items():
            cell = cells[place] if place < len(cells) else ""
            if cell == "":
                continue
            column = self.column(name)
            if cell == EMPTIED and name in self.clearable:
                row.values[name] = None
                continue
            try:
                row.values[name] = column.widget.clean(CLEAR if cell == EMPTIED else cell)
            except CellError as error:
                row.complain(column.heading, error)
        return row


VERBS = ("add", "change")


def may(actor: Any, verb: str, model: type[Model]) -> bool:
    return bool(actor.has_perm(f"{model._meta.app_label}.{verb}_{model._meta.model_name}"))


def refuse_without_right(row: Row, actor: Any, verb: str, model: type[Model]) -> None:
    if not may(actor, verb, model):
        name = str(model._meta.verbose_name_plural)
        text = gettext("You may not add %(things)s.") if verb == "add" else gettext("You may not change %(things)s.")
        row.complain("", text % {"things": name})


def check_fields(row: Row, thing: Model, exclude: Iterable[str] = ()) -> None:
    """Lengths, addresses and what else a field itself refuses."""
    try:
        thing.clean_fields(exclude=set(exclude))
        thing.clean()
    except ValidationError as error:
        for name, sentences in error.message_dict.items():
            label = "" if name == "__all__" else str(capfirst(str(thing._meta.get_field(name).verbose_name)))  # type: ignore[union-attr]
            for sentence in sentences:
                row.complain(label, sentence)


def details_of_new(thing: Model, names: Iterable[str]) -> Details:
    with override(None):
        labels = {str(thing._meta.get_field(name).verbose_name) for name in names}  # type: ignore[union-attr]
        values = [{**entry, "old": None, "new": entry["old"]} for entry in state_of(thing) if entry["field"] in labels]
    return [{"did": "added", "values": values}]


def find_doubles(plans: Iterable[Plan], seen: dict[tuple[Any, ...], int]) -> None:
    """Marks rows about what an earlier row of the file was about. Rows with errors are not written: they claim none."""
    for plan in plans:
        if plan.row.errors:
            continue
        for key, column in plan.keys:
            if key in seen:
                plan.row.complain(column, gettext("Row %(row)d is about the same.") % {"row": seen[key]})
                plan.verdict = Verdict.ERROR
                break
        else:
            seen.update((key, plan.row.number) for key, _column in plan.keys)
