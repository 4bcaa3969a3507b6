"""Takes somebody's words out of the log of changes: all that is about them, and their names in the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.contenttypes.models import ContentType

from fabomatic.privacy.words import STRUCK, Words, as_one_text, bare
from machines.models import Authorization
from members.changes import Details
from members.models import Card, Change, Member


@dataclass(frozen=True)
class About:
    """Which rows of the log are about this person."""

    member_id: int
    things: dict[int, frozenset[str]]  # by kind of thing
    of_cards: int
    of_authorizations: int
    has_namesake: bool

    @classmethod
    def member(cls, member: Member) -> About:
        kinds = ContentType.objects.get_for_models(Member, Card, Authorization)
        own = {
            Member: [member.pk],
            Card: Card.objects.filter(member=member).values_list("pk", flat=True),
            Authorization: Authorization.objects.filter(member=member).values_list("pk", flat=True),
        }
        namesakes = Member.objects.filter(
            first_name__iexact=member.first_name, last_name__iexact=member.last_name
        ).exclude(pk=member.pk)
        return cls(
            member.pk,
            {kinds[model].pk: frozenset(str(key) for key in keys) for model, keys in own.items()},
            kinds[Card].pk,
            kinds[Authorization].pk,
            namesakes.exists(),
        )

    def may_concern(self, row: dict[str, Any], bare: str, words: Words) -> bool:
        """Cheap, for a hundred thousand rows."""
        return row["object_id"] in self.things.get(row["content_type_id"], ()) or words.hint_at(bare)

    def is_about(self, change: Change, words: Words) -> bool:
        """Cards and authorizations that are gone are known by what was said of them when they came or went."""
        kind = change.content_type_id or 0
        if change.object_id in self.things.get(kind, ()):
            return True
        if self.has_namesake or change.kind == Change.Kind.CHANGED:
            return False
        if kind == self.of_authorizations:
            return words.are_in(change.object_repr)
        return kind == self.of_cards and any(_says(entry, words) for entry in _entries(change.details))

    def counts_names(self, change: Change) -> bool:
        """What is about somebody of the same name goes on saying so."""
        return not (self.has_namesake and (change.content_type_id or 0) in self.things)


def bare_of(row: dict[str, Any]) -> str:
    """All that a row says, to look for hints in."""
    return bare(as_one_text([row["object_id"], row["object_repr"], row["details"]]))


def without_words(change: Change, about: About, words: Words) -> tuple[str, Details]:
    """What the log may still say of it: `object_repr` and `details`."""
    if about.is_about(change, words):
        return STRUCK, [_emptied(part) for part in _parts(change.details)]
    names = about.counts_names(change)
    return words.strike(change.object_repr, names=names), _struck(change.details, words, names)


def _parts(details: Any) -> list[dict[str, Any]]:
    return [part for part in details if isinstance(part, dict)] if isinstance(details, list) else []


def _entries(details: Any) -> list[dict[str, Any]]:
    return [entry for part in _parts(details) for entry in part.get("values", ())]


def _says(entry: dict[str, Any], words: Words) -> bool:
    return any(words.are_all_of(entry.get(side)) for side in ("old", "new"))


def _emptied(part: dict[str, Any]) -> dict[str, Any]:
    """That something was changed stays, and which field."""
    kept = dict(part)
    for name in ("object", "text"):
        if kept.get(name) is not None:
            kept[name] = STRUCK
    if "values" in kept:
        kept["values"] = [{**entry, "old": _gone(entry["old"]), "new": _gone(entry["new"])} for entry in kept["values"]]
    return kept


def _gone(value: Any) -> Any:
    return None if value is None else STRUCK


def _struck(value: Any, words: Words, names: bool) -> Any:
    """In any place of it."""
    match value:
        case str():
            return words.strike(value, names=names)
        case list():
            return [_struck(item, words, names) for item in value]
        case dict() if "old" in value and "new" in value and value.get("personal") and names and words.lone_name:
            rest = {key: _struck(item, words, names) for key, item in value.items()}
            return {**rest, **{side: STRUCK for side in ("old", "new") if words.are_all_of(value[side])}}
        case dict():
            return {_struck(key, words, names): _struck(item, words, names) for key, item in value.items()}
        case _:
            return value
