"""Finds cards in any notation, and people and machines before their history: a million rows are not read for a name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Any, ClassVar

from django.db.models import BigIntegerField, Case, ExpressionWrapper, F, Q, QuerySet, When
from django.db.models.lookups import In
from django.http import HttpRequest
from django.utils.text import smart_split, unescape_string_literal

from members.admin.base import MOST_ROWS, LabAdmin, sees_people
from members.models import Member
from members.uids import from_decimal, normalise_uid

_PART_OF_A_UID = re.compile(r"[0-9a-f]{4,40}")
_PREFIXES = {"=": "iexact", "^": "istartswith"}
MOST_WORDS = 8
MOST_RELATED = 500
# So many rows are faster found by reading the latest ones until a page is full than by sorting them.
MANY_ROWS = 20_000


def people_matching(text: str) -> QuerySet[Member]:
    """Every word is in their name or e-mail, or all of it is one of their cards, or its beginning."""
    found = Q()
    for word in text.split():
        found &= Q(first_name__icontains=word) | Q(last_name__icontains=word) | Q(email__icontains=word)
    if uid := part_of_a_uid(text):
        found |= _with_uid("cards__uid", uid)
    return Member.objects.filter(found).distinct() if text.split() else Member.objects.none()


def part_of_a_uid(text: str) -> str:
    """In the notation of the database; empty if it cannot be the beginning of a card's number."""
    uid = normalise_uid(text)
    return uid if _PART_OF_A_UID.fullmatch(uid) else ""


def _with_uid(lookup: str, uid: str) -> Q:
    found = Q(**{f"{lookup}__startswith": uid})
    decimal = from_decimal(uid)
    return found | Q(**{f"{lookup}__in": decimal}) if decimal else found


def of_any(queryset: QuerySet[Any], relation: str, ids: list[Any]) -> QuerySet[Any]:
    """What belongs to these people or machines, however many they are."""
    by_index = queryset.filter(**{f"{relation}__in": ids})
    is_much = bool(ids) and by_index.order_by().values("pk")[:MANY_ROWS].count() == MANY_ROWS
    return queryset.filter(_read(relation, ids)) if is_much else by_index


class FindsCards(LabAdmin):
    """Every word has to be found, in a column of `search_fields` or in something of `search_related`;
    or else all of it is the number of a card, or its beginning, in `card_lookup`."""

    card_lookup = "uid"
    is_card_personal = True
    search_related: ClassVar[dict[str, tuple[str, ...]]] = {}
    is_history = False  # grows for years

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        words = [_unquoted(word) for word in smart_split(search_term)][:MOST_WORDS]
        if not words:
            return queryset, False
        related = self._related(request, words)
        found = self._has_all(request, words, related)
        uid = part_of_a_uid(search_term) if sees_people(request.user) or not self.is_card_personal else ""
        if uid:
            found |= self.with_card(uid)
        by_index = queryset.filter(found)
        if not self.is_history or by_index.order_by().values("pk")[:MANY_ROWS].count() < MANY_ROWS:
            return by_index, False
        request.finds_much = True  # type: ignore[attr-defined]
        found = self._has_all(request, words, related, by_reading=True)
        return queryset.filter(found | self.with_card(uid) if uid else found), False

    def get_paginator(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        paginator: Any = super().get_paginator(request, *args, **kwargs)
        if getattr(request, "finds_much", False):  # counted already
            paginator._counted = MOST_ROWS + 1
        return paginator

    def with_card(self, uid: str) -> Q:
        """What belongs to cards whose number begins so."""
        cards = self.model._default_manager.filter(_with_uid(self.card_lookup, uid))
        return Q(pk__in=cards.order_by().values("pk"))

    def _related(self, request: HttpRequest, words: list[str]) -> list[dict[str, list[Any]]]:
        """Keys of the people, machines … that each word finds, with one question for each kind of thing."""
        keys: list[dict[str, list[Any]]] = [{} for _word in words]
        for relation, names in self.search_related.items():
            if self.hides(request, relation):
                continue
            there = [_in_any(names, word) for word in words]
            marks = {
                f"word_{number}": Case(When(found, then=True), default=False) for number, found in enumerate(there)
            }
            model: Any = self.model._meta.get_field(relation).related_model
            things = model._default_manager.annotate(**marks).filter(reduce(or_, there)).order_by()
            rows = list(things.values_list("pk", *marks)[: MOST_RELATED * len(words)])
            for number in range(len(words)):
                keys[number][relation] = [row[0] for row in rows if row[number + 1]][:MOST_RELATED]
        return keys

    def _has_all(
        self, request: HttpRequest, words: list[str], related: list[dict[str, list[Any]]], *, by_reading: bool = False
    ) -> Q:
        found = Q()
        for word, keys in zip(words, related, strict=True):
            columns = [
                name for name in self.get_search_fields(request) if name.split("__")[0] not in self.search_related
            ]
            there = _in_any(columns, word)
            for relation, ids in keys.items():
                there |= Q(_read(relation, ids)) if by_reading and ids else Q(**{f"{relation}__in": ids})
            found &= there
        return found


def _read(relation: str, ids: list[Any]) -> In:
    """Not by the relation's index, which would have to be sorted."""
    return In(ExpressionWrapper(F(f"{relation}_id") + 0, output_field=BigIntegerField()), ids)


def _in_any(names: Iterable[str], word: str) -> Q:
    return reduce(or_, (_matches(name, word) for name in names), Q(pk__in=()))


def _matches(name: str, word: str) -> Q:
    lookup = _PREFIXES.get(name[0], "icontains")
    if lookup == "iexact" and name.endswith("id") and not (word.isascii() and word.isdigit() and len(word) < 10):
        return Q(pk__in=())
    return Q(**{f"{name.lstrip('=^')}__{lookup}": word})


def _unquoted(word: str) -> str:
    return unescape_string_literal(word) if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'" else word
