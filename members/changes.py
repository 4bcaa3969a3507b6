"""Writes down what somebody changed by hand, with old and new value, and says it again in the reader's language.

Labels are stored as they stand in the source and translated when they are read. A value that names a person is marked,
so that whoever may not see members is not told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import Field, ForeignKey, Model, QuerySet
from django.utils import timezone
from django.utils.translation import gettext, override

from members.models import Card, Change, Member

Details = list[dict[str, Any]]

PEOPLE: tuple[type[Model], ...] = (Member, Card)
PERSONAL_FIELDS = frozenset({"uid", "card_uid", "note"})  # a note may name anybody
SECRETS = frozenset({"password", "link_hash", "cookie_hash"})
LONGEST = 200


def said(sentence: object) -> Details:
    return [{"did": "said", "text": str(sentence)}]


def value(field: str, old: Any, new: Any, *, personal: bool = False) -> dict[str, Any]:
    """One field's change; `field` is its label in the language of the source."""
    entry = {"field": field, "old": as_text(old), "new": as_text(new)}
    return {**entry, "personal": True} if personal else entry


def note(
    member_id: int | None, thing: Model, kind: Change.Kind, details: Details, *, at: datetime | None = None
) -> Change:
    change = _change(member_id, thing, kind, details, at or timezone.now())
    change.save(force_insert=True)
    return change


def note_many(member_id: int | None, things: Iterable[tuple[Model, Details]], kind: Change.Kind) -> None:
    now = timezone.now()
    Change.objects.bulk_create(
        (_change(member_id, thing, kind, details, now) for thing, details in things), batch_size=200
    )


def _change(member_id: int | None, thing: Model, kind: Change.Kind, details: Details, at: datetime) -> Change:
    return Change(
        at=at,
        member_id=member_id,
        content_type=ContentType.objects.get_for_model(thing, for_concrete_model=False),
        object_id=str(thing.pk),
        object_repr=str(thing)[:LONGEST],
        kind=kind,
        details=details,
    )


def changes_of(thing: Model) -> QuerySet[Change]:
    content_type = ContentType.objects.get_for_model(thing, for_concrete_model=False)
    return Change.objects.filter(content_type=content_type, object_id=str(thing.pk)).select_related("member")


# ---- values ----------------------------------------------------------------------------------------------------------


def state_of(thing: Model) -> list[dict[str, Any]]:
    """All that is stored of it, as old values."""
    with override(None):
        return [
            value(str(field.verbose_name), _display(thing, field), None, personal=is_personal(thing, field))
            for field in thing._meta.concrete_fields
            if field.name not in SECRETS and not field.primary_key and getattr(thing, field.attname) not in (None, "")
        ]


def differences(before: Model, after: Model, names: Sequence[str]) -> list[dict[str, Any]]:
    """Of two states of the same thing, among these fields."""
    fields = [before._meta.get_field(name) for name in names]
    with override(None):
        return [
            value(
                str(field.verbose_name),  # type: ignore[union-attr]
                _display(before, field),
                _display(after, field),
                personal=is_personal(after, field),
            )
            for field in fields
            if getattr(before, field.attname) != getattr(after, field.attname)  # type: ignore[union-attr]
        ]


def is_personal(thing: Model | type[Model], field: Any) -> bool:
    if issubclass(thing if isinstance(thing, type) else type(thing), PEOPLE):
        return True
    return field.name in PERSONAL_FIELDS or (isinstance(field, ForeignKey) and field.related_model in PEOPLE)


def names_person(model: type[Model]) -> bool:
    """Whether the thing itself is called by somebody's name, as far as can be told from outside."""
    fields: Any = model._meta.concrete_fields
    return issubclass(model, PEOPLE) or any(
        isinstance(field, ForeignKey) and field.related_model in PEOPLE and not field.null for field in fields
    )


def _display(thing: Model, field: Field[Any, Any] | Any) -> Any:
    if isinstance(field, ForeignKey):
        return getattr(thing, field.name)
    if field.choices:
        return getattr(thing, f"get_{field.name}_display")()
    return getattr(thing, field.attname)


def as_text(value: Any) -> Any:
    """What JSON keeps and people read; yes and no stay what they are, to be said in the reader's language."""
    match value:
        case None | "":
            return None
        case bool():
            return value
        case datetime():
            local = timezone.localtime(value, timezone.get_default_timezone()) if timezone.is_aware(value) else value
            return f"{local:%Y-%m-%d %H:%M}"
        case date():
            return value.isoformat()
        case list() | tuple() | set() | QuerySet():
            return ", ".join(sorted(str(item) for item in value))[:LONGEST] or None
        case _:
            return str(value)[:LONGEST]


# ---- reading ---------------------------------------------------------------------------------------------------------


def sentences(change: Change, *, sees_people: bool) -> list[str]:
    said = list(_sentences(change.details, sees_people))
    if not said or change.kind != Change.Kind.CHANGED:
        said.insert(0, str(Change.Kind(change.kind).label).capitalize())
    return said


def _sentences(details: Details, sees_people: bool) -> Iterator[str]:
    for part in details:
        about = _about(part, sees_people)
        if part["did"] == "said":
            yield _said(part["text"]) if sees_people or not part.get("personal") else "…"
        elif about:
            yield about
        for entry in part.get("values", ()):
            yield _value_sentence(entry, sees_people)


def _said(text: str) -> str:
    """Stored as it stands in the source where it is one of our own sentences."""
    return gettext(text) if text else ""


def _about(part: dict[str, Any], sees_people: bool) -> str:
    """For what was changed along with the thing itself: a card of a member, a plan of a machine."""
    if "name" not in part:
        return ""
    name = gettext(part["name"]).capitalize()
    thing = part["object"] if sees_people or not part.get("personal") else "…"
    match part["did"]:
        case "added":
            return gettext("%(name)s “%(object)s” added") % {"name": name, "object": thing}
        case "deleted":
            return gettext("%(name)s “%(object)s” deleted") % {"name": name, "object": thing}
        case "exported":
            return gettext("Exported with names: %(name)s, %(count)s") % {"name": name, "count": thing}
        case _:
            return gettext("%(name)s “%(object)s” changed") % {"name": name, "object": thing}


def _value_sentence(entry: dict[str, Any], sees_people: bool) -> str:
    label = gettext(entry["field"]).capitalize() if entry["field"] else ""
    if entry.get("personal") and not sees_people:
        return f"{label}: …"
    old, new = _said_value(entry["old"]), _said_value(entry["new"])
    if entry["old"] is None:
        return f"{label}: {new}"
    return f"{label}: {old} → {new}"


def _said_value(value: Any) -> str:
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    return "–" if value is None else str(value)
