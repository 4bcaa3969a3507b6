"""Finds cards in any notation, and people and machines before their history: a million rows are not read for a name."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.text import smart_split, unescape_string_literal

from members.admin.base import LabAdmin, sees_people
from members.models import Member
from members.uids import normalise_uid

_PART_OF_A_UID = re.compile(r"[0-9a-f]{4,40}")
_PREFIXES = {"=": "iexact", "^": "istartswith"}
MOST_RELATED = 500


def people_matching(text: str) -> QuerySet[Member]:
    """Every word is in their name or e-mail, or all of it is one of their cards, or its beginning."""
    found = Q()
    for word in text.split():
        found &= Q(first_name__icontains=word) | Q(last_name__icontains=word) | Q(email__icontains=word)
    uid = normalise_uid(text)
    if _PART_OF_A_UID.fullmatch(uid):
        found |= Q(cards__uid__startswith=uid)
    return Member.objects.filter(found).distinct() if text.split() else Member.objects.none()


class FindsCards(LabAdmin):
    """Every word has to be found, in a column of `search_fields` or in something of `search_related`;
    or else all of it is the number of a card, or its beginning, in `card_lookup`."""

    card_lookup = "uid"
    is_card_personal = True
    search_related: ClassVar[dict[str, tuple[str, ...]]] = {}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        words = [_unquoted(word) for word in smart_split(search_term)]
        if not words:
            return queryset, False
        found = Q()
        for word in words:
            found &= self._has_word(request, word)
        uid = normalise_uid(search_term)
        if _PART_OF_A_UID.fullmatch(uid) and (sees_people(request.user) or not self.is_card_personal):
            cards = self.model._default_manager.filter(**{f"{self.card_lookup}__startswith": uid})
            found |= Q(pk__in=cards.order_by().values("pk"))
        return queryset.filter(found), False

    def _has_word(self, request: HttpRequest, word: str) -> Q:
        found = Q(pk__in=())
        for name in self.get_search_fields(request):
            if name.split("__")[0] not in self.search_related:
                found |= _matches(name, word)
        for relation, names in self.search_related.items():
            if self.hides(request, relation):
                continue
            there = Q(pk__in=())
            for name in names:
                there |= _matches(name, word)
            related: Any = self.model._meta.get_field(relation).related_model
            ids = related._default_manager.filter(there).order_by().values_list("pk", flat=True)[:MOST_RELATED]
            found |= Q(**{f"{relation}__in": list(ids)})
        return found


def _matches(name: str, word: str) -> Q:
    lookup = _PREFIXES.get(name[0], "icontains")
    if lookup == "iexact" and name.endswith("id") and not (word.isascii() and word.isdigit() and len(word) < 10):
        return Q(pk__in=())
    return Q(**{f"{name.lstrip('=^')}__{lookup}": word})


def _unquoted(word: str) -> str:
    return unescape_string_literal(word) if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'" else word
