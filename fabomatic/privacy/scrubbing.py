"""Strikes somebody's words out of every text that the lab stores.

Reads in long walks, which keep nobody waiting, and writes what it found in short transactions, each only where the text
is still what was read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, models, transaction
from django.db.models import Q

from fabomatic.privacy.log_of_changes import About, bare_of, without_words
from fabomatic.privacy.words import STRUCK, Words
from machines.models import Use
from members.apps import OUR_APPS
from members.changes import SECRETS
from members.fields import CardUidField
from members.models import Agreement, Change, Member
from members.pieces import in_pieces

PAGE = 2000
PIECE = 50
# What people agreed to stays the words that they agreed to.
KEPT = {(Agreement, "text")}
# The boards' display knows only ASCII.
SIGNS = {"lcd_message": "..."}

Row = dict[str, Any]
Person = tuple[Words, About]
Rewrite = Callable[[Row], Row]


def scrub(people: Sequence[Person]) -> int:
    """In how many rows there was something. Of several people at once, for each text is read only once.

    What the log says about them goes last: whoever is killed before finds in it again what they were called.
    """
    models = sorted(models_with_text(), key=lambda model: model is Change)
    return sum(_scrub_model(model, people) for model in models)


def models_with_text() -> list[type[models.Model]]:
    """Ours, and the log that Django's admin would write."""
    ours = [model for label in OUR_APPS for model in apps.get_app_config(label).get_models()]
    theirs = [apps.get_model("admin.LogEntry")] if apps.is_installed("django.contrib.admin") else []
    return [model for model in (*ours, *theirs) if text_columns(model)]


def text_columns(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    return [field for field in model._meta.concrete_fields if _holds_words(model, field)]


def _holds_words(model: type[models.Model], field: Any) -> bool:
    is_text = isinstance(field, models.CharField | models.TextField | models.JSONField)
    return is_text and not field.choices and field.name not in SECRETS and (model, field.name) not in KEPT


# ---- one table -------------------------------------------------------------------------------------------------------


def _scrub_model(model: type[models.Model], people: Sequence[Person]) -> int:
    if model is Change:
        names = ["pk", "content_type_id", "object_id", "object_repr", "kind", "details"]
        theirs = _of_members([about.member_id for _words, about in people])
        return sum(_walk(model, rows, names, lambda row: _of_change(row, people)) for rows in (~theirs, theirs))
    fields = text_columns(model)
    names = ["pk", *(field.name for field in fields)]
    if model is Use:
        names.append("ended_at")
    worth = _worth_reading(fields, frozenset(uid for words, _about in people for uid in words.uids))
    if model is Member:  # their own goes last, and until then it is how the rest is found
        worth &= ~Q(pk__in=[about.member_id for _words, about in people])
    return _walk(model, worth, names, lambda row: _of_row(row, fields, people))


def _of_members(numbers: Sequence[int]) -> Q:
    kind = ContentType.objects.get_for_model(Member)
    return Q(content_type=kind, object_id__in=[str(number) for number in numbers])


def _worth_reading(fields: list[Any], uids: frozenset[str]) -> Q:
    found = Q()
    for field in fields:
        if isinstance(field, CardUidField):
            found |= Q(**{f"{field.name}__in": sorted(uids)})
        else:
            found |= Q(**{f"{field.name}__gt": ""}) if not isinstance(field, models.JSONField) else Q(pk__gt=0)
    return found


def _of_row(row: Row, fields: list[Any], people: Sequence[Person]) -> Row:
    new: Row = {}
    for field in fields:
        text = changed = row[field.name]
        for words, _about in people:
            if isinstance(field, CardUidField):
                is_running = "ended_at" in row and row["ended_at"] is None  # the board's stop has to find it
                changed = "" if changed in words.uids and not field.unique and not is_running else changed
            elif isinstance(changed, str):
                changed = words.strike(changed, SIGNS.get(field.name, STRUCK))
        if changed != text:
            new[field.name] = changed
    return new


def _of_change(row: Row, people: Sequence[Person]) -> Row:
    changed, bare = dict(row), bare_of(row)
    for words, about in people:
        if about.may_concern(row, bare, words):
            text, details = without_words(Change(**changed), about, words)
            changed |= {"object_id": words.strike(changed["object_id"]), "object_repr": text, "details": details}
    return {name: value for name, value in changed.items() if value != row[name]}


# ---- reading and writing ---------------------------------------------------------------------------------------------


def _walk(model: type[models.Model], worth: Q, names: list[str], rewrite: Rewrite) -> int:
    found = 0
    for page in _pages(model, worth, names):
        waiting = deque((row, new) for row in page if (new := rewrite(row)))
        found += len(waiting)
        _write(model, waiting, names, rewrite)
    return found


def _pages(model: type[models.Model], worth: Q, names: list[str]) -> Iterator[list[Row]]:
    """Each read to its end before anything is written: SQLite would refuse to write after an older look."""
    last: Any = None
    while True:
        rows: Any = model._default_manager.filter(worth)
        if last is not None:
            rows = rows.filter(pk__gt=last)
        page = list(rows.order_by("pk").values(*names)[:PAGE])
        yield page
        if len(page) < PAGE:
            return
        last = page[-1]["pk"]


def _write(model: type[models.Model], waiting: deque[tuple[Row, Row]], names: list[str], rewrite: Rewrite) -> None:
    def piece(size: int) -> int:
        batch = [waiting.popleft() for _place in range(min(size, len(waiting)))]
        for row, new in batch:
            for _attempt in range(3):
                if not new or _update(model, row, new):
                    break
                row = model._default_manager.filter(pk=row["pk"]).values(*names).first() or {}  # somebody wrote
                new = rewrite(row) if row else {}
        return len(batch)

    if waiting:
        for _done in in_pieces(piece, PIECE):
            pass


def _update(model: type[models.Model], row: Row, new: Row) -> bool:
    """Whether it was still as it had been read; nobody but us rewrites the log of changes."""
    unchanged = {name: row[name] for name in new if not isinstance(row[name], list | dict)}
    rows: Any = model._default_manager.filter(pk=row["pk"], **unchanged)
    try:
        with transaction.atomic():
            return bool(rows.update(**new))
    except IntegrityError:  # a name that must be its thing's own, and another was struck before
        own = {name: _numbered(model, name, value, row["pk"]) for name, value in new.items()}
        return bool(rows.update(**own))


def _numbered(model: type[models.Model], name: str, value: Any, pk: Any) -> Any:
    most = getattr(model._meta.get_field(name), "max_length", None)
    number = f" {pk}"
    return f"{value[: most - len(number) if most else None]}{number}" if isinstance(value, str) else value
