"""The words that tell who somebody is, wherever they stand in a text: whole name, e-mail, cards."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from members.uids import is_reader_uid

STRUCK = "…"
_BETWEEN = r"[\s:.\-]?"


class Words:
    """First and last name count only together: many are called Al, and words begin with it."""

    def __init__(self, first_name: str, last_name: str, email: str | None, uids: Iterable[str]) -> None:
        self.full_name = f"{first_name} {last_name}".strip()
        self.uids = frozenset(uid for uid in uids if uid)
        # Of somebody with one name only: where it is all that a field says about a person.
        self.lone_name = "" if first_name.strip() and last_name.strip() else self.full_name.casefold()
        self._name = _any_of(_names(first_name, last_name))
        self._others = _any_of([*_emails(email), *(_card(uid) for uid in sorted(self.uids)), *self._decimals()])

    def strike(self, text: str, by: str = STRUCK, *, names: bool = True) -> str:
        for pattern in (self._name if names else None, self._others):
            if pattern is not None:
                text = pattern.sub(by, text)
        return text

    def are_in(self, text: str) -> bool:
        return any(pattern is not None and pattern.search(text) for pattern in (self._name, self._others))

    def are_all_of(self, value: Any) -> bool:
        """Of a field that holds a person: whether it is this one."""
        return isinstance(value, str) and value.strip().casefold() == self.full_name.casefold()

    def _decimals(self) -> Iterable[str]:
        """As some cards have it printed, of the bytes in either order."""
        for uid in sorted(self.uids):
            if is_reader_uid(uid):
                number = bytes.fromhex(uid)
                for value in (int.from_bytes(number), int.from_bytes(number, "little")):
                    yield rf"(?<!\w)0{{0,2}}{value:08}(?!\w)"


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
