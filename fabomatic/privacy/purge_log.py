"""The logs of changes: what is about a person goes, of the rest stays what was done to a thing, and when."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.translation import override

from fabomatic.privacy.purge_rows import Old, deleted
from fabomatic.privacy.purge_span import Span
from members.apps import OUR_APPS
from members.changes import Details, is_personal, names_person
from members.models import Change

PIECE = 50  # each has to be read to be written
PURGED = {"did": "purged"}  # says nothing to readers, and to the next purge that nothing is left to do
_MARK = '{"did": "purged"}'
HIDDEN = "…"
# Texts that people write and that say what a thing is called, where it is or what it needs.
_OF_THINGS = frozenset(
    {"name", "location", "description", "lcd_message", "serial", "build", "firmware"}
    | {"documentation_url", "instructions_url"}
)


def about_people(span: Span) -> Old:
    """Also what is about a kind of thing that is no longer known."""
    is_of_no_thing = Q(content_type__isnull=True) | ~Q(content_type__in=_kinds_of_things())
    return deleted(Change, Q(at__lt=span.cutoff) & is_of_no_thing)


def about_things(span: Span) -> Old:
    is_of_thing = Q(at__lt=span.cutoff, content_type__in=_kinds_of_things())
    table = Change.objects.annotate(words=Cast("details", TextField()))
    return Old(table, is_of_thing & (Q(member__isnull=False) | ~Q(words__contains=_MARK)), _forget_people, PIECE)


def of_django(span: Span) -> Old | None:
    """Nothing is written there any more; databases of older versions may have it, and what it said was taken over."""
    if LogEntry._meta.db_table not in connection.introspection.table_names():
        return None
    return deleted(LogEntry, Q(action_time__lt=span.cutoff))


def _kinds_of_things() -> list[int]:
    kinds = ContentType.objects.get_for_models(*_things())
    return [kind.pk for kind in kinds.values()]


def _things() -> list[type[models.Model]]:
    ours = (apps.get_app_config(label).get_models() for label in OUR_APPS)
    return [model for some in ours for model in some if not names_person(model)]


def _forget_people(rows: QuerySet[Any]) -> int:
    changes = list(rows.values_list("pk", "details"))
    for key, details in changes:
        Change.objects.filter(pk=key).update(member=None, details=without_people(details))
    return len(changes)


def without_people(details: Any) -> Details:
    parts = [part for part in details if isinstance(part, dict)] if isinstance(details, list) else []
    kept = [_part(part) for part in parts if not (part.get("did") == "said" and part.get("personal"))]
    return [*(part for part in kept if part != PURGED), PURGED]


def _part(part: dict[str, Any]) -> dict[str, Any]:
    kept = dict(part)
    if part.get("personal") and "object" in part:
        kept["object"] = HIDDEN
    if "values" in part:
        kept["values"] = [_value(entry) for entry in part["values"]]
    return kept


def _value(entry: dict[str, Any]) -> dict[str, Any]:
    """Whatever is not known to be harmless is not kept: forms have labels of their own, and old versions had others."""
    if not entry.get("personal"):
        if _label(entry.get("field")) in _harmless_labels():
            return entry
        if all(isinstance(entry.get(end), bool | None) for end in ("old", "new")):
            return entry
    return {**entry, "old": None, "new": HIDDEN}


@cache
def _harmless_labels() -> frozenset[str]:
    """As the source says them."""
    harmless: set[str] = set()
    personal: set[str] = set()
    with override(None):
        for label in OUR_APPS:
            for model in apps.get_app_config(label).get_models():
                for field in (*model._meta.concrete_fields, *model._meta.many_to_many):
                    (harmless if _is_harmless(model, field) else personal).add(_label(field.verbose_name))
    return frozenset(harmless - personal)


def _is_harmless(model: type[models.Model], field: Any) -> bool:
    if is_personal(model, field):
        return False
    is_free = isinstance(field, models.CharField | models.TextField | models.JSONField) and not field.choices
    return field.name in _OF_THINGS or not is_free


def _label(text: Any) -> str:
    return str(text).lower()
