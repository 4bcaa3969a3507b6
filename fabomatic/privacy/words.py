"""The words that tell who somebody is, wherever they stand in a text: whole name, e-mail, cards."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from members.uids import is_reader_uid

STRUCK = "…"
_BETWEEN = r"[ \u00a0:.\-]?"
_SIGNS = ' \u00a0:.-"\\'  # those of card numbers, and of JSON


class Words:
    """First and last name count only together: many are called Al, and words begin with it."""

    def __init__(self, first_name: str, last_name: str, email: str | None, uids: Iterable[str]) -> None:
        self.full_name = f"{first_name} {last_name}".strip()
        self.uids = frozenset(uid for uid in uids if uid)
        # Of somebody with one name only: where it is all that a field says about a person.
        self.lone_name = "" if first_name.strip() and last_name.strip() else self.full_name.casefold()
        self._name = _any_of(_names(first_name, last_name))
        # Cheap to look for: where none of these stands, no pattern fits.
        a_word = max(last_name.split(), key=len, default="")
        hints = (a_word, self.lone_name, email or "", *self.uids, *self._numbers())
        self._hints = [hint for hint in map(bare, hints) if hint]
        self._others = _any_of([*_emails(email), *(_card(uid) for uid in sorted(self.uids)), *self._decimals()])

    def may_be_in(self, text: str) -> bool:
        return self.hint_at(bare(text))

    def hint_at(self, bare_text: str) -> bool:
        return any(hint in bare_text for hint in self._hints)

    def strike(self, text: str, by: str = STRUCK, *, names: bool = True) -> str:
        if not self.may_be_in(text):
            return text
        for pattern in (self._name if names else None, self._others):
            if pattern is not None:
                text = pattern.sub(by, text)
        return text

    def are_in(self, text: str) -> bool:
        return self.may_be_in(text) and any(
            pattern is not None and pattern.search(text) for pattern in (self._name, self._others)
        )

    def are_all_of(self, value: Any) -> bool:
        """Of a field that holds a person: whether it is this one."""
        return isinstance(value, str) and value.strip().casefold() == self.full_name.casefold()

    def _decimals(self) -> Iterator[str]:
        return (rf"(?<!\w)0{{0,2}}{number}(?!\w)" for number in self._numbers())

    def _numbers(self) -> Iterator[str]:
        """As some cards have it printed, a decimal of the bytes in either order."""
        for uid in filter(is_reader_uid, sorted(self.uids)):
            number = bytes.fromhex(uid)
            for value in (int.from_bytes(number), int.from_bytes(number, "little")):
                yield f"{value:08}"


def as_one_text(details: Any) -> str:
    """Of what JSON holds, to look for hints in."""
    return json.dumps(details, ensure_ascii=False)


def texts_in(value: Any) -> Iterator[str]:
    """In any place of it."""
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from texts_in(item)
        case dict():
            yield from texts_in(list(value.values()))


def bare(text: str) -> str:
    """Without what may stand between the digits of a card."""
    text = text.casefold()
    for sign in _SIGNS:
        text = text.replace(sign, "")
    return text


def _names(first_name: str, last_name: str) -> Iterable[str]:
    first, last = (r"\s+".join(re.escape(part) for part in name.split()) for name in (first_name, last_name))
    if first and last:
        yield rf"(?<!\w){first}\s+{last}(?!\w)"
        yield rf"(?<!\w){last},?\s+{first}(?!\w)"


def _emails(email: str | None) -> Iterable[str]:
    if email:
        yield rf"(?<![\w.+\-]){re.escape(email)}(?![\w\-]|\.\w)"


def _card(uid: str) -> str:
    pairs = [re.escape(uid[place : place + 2]) for place in range(0, len(uid), 2)]
    return rf"(?<!\w){_BETWEEN.join(pairs)}(?!\w)"


def _any_of(patterns: Iterable[str]) -> re.Pattern[str] | None:
    wanted = list(patterns)
    return re.compile("|".join(wanted), re.IGNORECASE) if wanted else None
