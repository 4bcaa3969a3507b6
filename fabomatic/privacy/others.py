"""Other people in what is written about somebody: their names and addresses are left out of what is handed out."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from functools import cached_property
from typing import Any

from fabomatic.privacy.formerly import words_of
from fabomatic.privacy.words import Words
from members.models import Member

_WORD = re.compile(r"\w+")
_MAIL = re.compile(r"[\w.+\-]+@[\w.\-]+")
_KEPT = "\ue000"  # of no script
Name = tuple[str, str]


class Others:
    """Everybody but `member`, and but those who are called the same. Read once, when the first text asks."""

    def __init__(self, member: Member) -> None:
        self.member = member
        self._known: dict[Name, Words] = {}

    @cached_property
    def _own(self) -> Words:
        return words_of(self.member)

    def left_out(self, value: Any) -> Any:
        """In any place of it."""
        match value:
            case str():
                return self._of_text(value)
            case list():
                return [self.left_out(item) for item in value]
            case dict():
                return {key: self.left_out(item) for key, item in value.items()}
            case _:
                return value

    def _of_text(self, text: str) -> str:
        found = [self._words(name) for name in self._named_in(text)]
        found += [Words("", "", address, ()) for address in self._addresses_in(text)]
        if not found:
            return text
        text, own = self._own.taken_out(text, _KEPT)
        for words in found:
            text = words.strike(text)
        return _put_back(text, own)

    def _words(self, name: Name) -> Words:
        if name not in self._known:
            self._known[name] = Words(*name, None, ())
        return self._known[name]

    def _named_in(self, text: str) -> list[Name]:
        """The longest first: Anna Maria Rossi before Maria Rossi."""
        words = _words_in(text)
        names = {name for word in words for name in self._by_last_name.get(word, ()) if _words_in(name[0]) <= words}
        return sorted(names, key=lambda name: -len("".join(name)))

    def _addresses_in(self, text: str) -> list[str]:
        found = {address.lower().rstrip(".") for address in _MAIL.findall(text)} - {self.member.email}
        if not found:
            return []
        known = Member.objects.filter(email__in=found).order_by()
        return [address for address in known.values_list("email", flat=True) if address]

    @cached_property
    def _by_last_name(self) -> dict[str, set[Name]]:
        own = self.member.get_full_name().casefold()
        found: dict[str, set[Name]] = defaultdict(set)
        others = Member.objects.exclude(pk=self.member.pk).exclude(last_name="").order_by()
        for first, last in others.values_list("first_name", "last_name").iterator(chunk_size=2000):
            words = _words_in(last)
            if words and f"{first} {last}".casefold() != own:
                found[max(words, key=len)].add((first, last))
        return found


def _words_in(text: str) -> set[str]:
    return set(_WORD.findall(unicodedata.normalize("NFC", text).casefold()))


def _put_back(text: str, own: list[str]) -> str:
    parts = text.split(_KEPT)
    return "".join(word for pair in zip(parts, [*own, ""], strict=True) for word in pair)
