"""What the log of changes says about a person, and what it says by them: without anybody else's name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q, QuerySet
from django.utils.translation import override

from fabomatic.privacy.formerly import words_of
from fabomatic.privacy.others import Others
from fabomatic.privacy.words import STRUCK, Words, as_one_text, texts_in
from machines.models import Authorization
from members.apps import OUR_APPS
from members.changes import Details, names_person, sentences
from members.models import Card, Change, Member

CHUNK = 500


def about_them(member: Member, now: datetime) -> Iterator[dict[str, Any]]:
    words = words_of(member)
    others = Others(member)
    for change in _read(Change.objects.filter(_about(member))):
        change.details = others.left_out(_without_others(change.details, words))
        change.object_repr = others.left_out(change.object_repr)
        yield _row(change, member)


def by_them(member: Member, now: datetime) -> Iterator[dict[str, Any]]:
    others = Others(member)
    for change in _read(Change.objects.filter(member=member).exclude(_about(member))):
        change.details = others.left_out(_only_own(change.details, None))
        change.object_repr = STRUCK if _is_person(change) else others.left_out(change.object_repr)
        yield _row(change, member)


def naming_them(member: Member, now: datetime) -> Iterator[dict[str, Any]]:
    """Of what is about something else only what names them."""
    words = _words_of_nobody_else(member)
    others = Others(member)
    keys = _naming_keys(member, words)
    for start in range(0, len(keys), CHUNK):
        for change in Change.objects.filter(pk__in=keys[start : start + CHUNK]).order_by("pk"):
            change.details = others.left_out(_only_own(change.details, words))
            if _is_person(change):
                change.object_repr = _naming(change.object_repr, words)
            change.object_repr = others.left_out(change.object_repr)
            yield _row(change, member)


# ---- whose they are --------------------------------------------------------------------------------------------------


def _about(member: Member) -> Q:
    kinds = ContentType.objects.get_for_models(Member, Card, Authorization)
    cards = Card.objects.filter(member=member).values_list("pk", flat=True)
    rights = Authorization.objects.filter(member=member).values_list("pk", flat=True)
    own = ((Member, [member.pk]), (Card, cards), (Authorization, rights))
    found = Q(pk__in=())
    for model, keys in own:
        found |= Q(content_type=kinds[model], object_id__in=[str(key) for key in keys])
    return found


def _naming_keys(member: Member, words: Words) -> list[int]:
    """Reads all of the log, no more of each row than it needs."""
    rest = Change.objects.exclude(_about(member)).exclude(member=member).order_by("pk")
    rows = rest.values_list("pk", "object_repr", "details").iterator(chunk_size=CHUNK)
    return [
        pk
        for pk, what, details in rows
        if words.may_be_in(as_one_text([what, details]))
        and (any(words.are_in(text) for text in texts_in([what, details])) or _is_in_a_field(details, words))
    ]


def _words_of_nobody_else(member: Member) -> Words:
    """What names somebody of the same name may be about the other one."""
    same = Member.objects.filter(first_name__iexact=member.first_name, last_name__iexact=member.last_name)
    return words_of(member, with_name=not same.exclude(pk=member.pk).exists())


def _read(changes: QuerySet[Change]) -> Iterator[Change]:
    return changes.order_by("pk").iterator(chunk_size=CHUNK)


def _model(change: Change) -> Any:
    return ContentType.objects.get_for_id(change.content_type_id).model_class() if change.content_type_id else None


def _is_person(change: Change) -> bool:
    """What nobody knows any more may be a person."""
    model = _model(change)
    return model is None or names_person(model)


def _row(change: Change, member: Member) -> dict[str, Any]:
    model = _model(change)
    return {
        "at": change.at,
        "thing": model._meta.label_lower if model is not None else "",
        "number": change.object_id,
        "what": change.object_repr,
        "kind": change.kind,
        "by_you": change.member_id == member.pk,
        "sentences": sentences(change, sees_people=True),
        "details": change.details,
    }


# ---- what it says ----------------------------------------------------------------------------------------------------


@cache
def _fields_of_people() -> frozenset[str]:
    """How fields that hold a person are called in the log."""
    with override(None):
        return frozenset(
            str(field.verbose_name)
            for label in OUR_APPS
            for model in apps.get_app_config(label).get_models()
            for field in model._meta.concrete_fields
            if field.related_model is Member
        )


def _without_others(details: Details, words: Words) -> Details:
    def kept(entry: dict[str, Any]) -> dict[str, Any]:
        if entry["field"] not in _fields_of_people():
            return entry
        return {**entry, **{side: _own(entry[side], words) for side in ("old", "new")}}

    return [{**part, **_values(part, kept)} for part in details]


def _own(text: Any, words: Words) -> Any:
    return text if text is None or words.are_all_of(text) else STRUCK


def _only_own(details: Details, words: Words | None) -> Details:
    """Of what is personal no more than what these words are in."""

    def kept(entry: dict[str, Any]) -> dict[str, Any]:
        if not entry.get("personal") and entry["field"] not in _fields_of_people():
            return entry
        return {**entry, **{side: _naming(entry[side], words) for side in ("old", "new")}}

    def kept_object(part: dict[str, Any]) -> dict[str, Any]:
        hides = part.get("personal")
        return {name: _naming(part[name], words) for name in ("object", "text") if hides and name in part}

    return [{**part, **kept_object(part), **_values(part, kept)} for part in details]


def _naming(text: Any, words: Words | None) -> Any:
    if text is None:
        return None
    is_own = words is not None and isinstance(text, str) and (words.are_in(text) or words.are_all_of(text))
    return text if is_own else STRUCK


def _values(part: dict[str, Any], kept: Any) -> dict[str, Any]:
    return {"values": [kept(entry) for entry in part["values"]]} if "values" in part else {}


def _is_in_a_field(details: Details, words: Words) -> bool:
    """Somebody with one name: where it is all that a field of people says."""
    if not words.lone_name:
        return False
    entries = [entry for part in details for entry in part.get("values", ()) if entry["field"] in _fields_of_people()]
    return any(words.are_all_of(entry[side]) for entry in entries for side in ("old", "new"))
