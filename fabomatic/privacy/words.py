"""The words that tell who somebody is, wherever they stand in a text: whole name, e-mail, cards."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from members.uids import is_reader_uid

STRUCK = "…"
_BETWEEN = r"[ \u00a0:.\-]?"
_APOSTROPHES = "'’‘ʼ`´"  # D’Amico, as keyboards, phones and word processors write it
_SIGNS = " :.-\"\\'`"  # those of card numbers, of JSON, and of names
_RARE_SIGNS = "\u00a0’‘ʼ´"


class Words:
    """First and last name count only together: many are called Al, and words begin with it.

    `former`: whole names they had before; one of a single word tells nobody from others.
    """

    def __init__(
        self,
        first_name: str,
        last_name: str,
        email: str | None,
        uids: Iterable[str],
        *,
        former: Iterable[str] = (),
        former_emails: Iterable[str] = (),
    ) -> None:
        self.full_name = f"{first_name} {last_name}".strip()
        self.uids = frozenset(uid for uid in uids if uid)
        # Of somebody with one name only: where it is all that a field says about a person.
        self.lone_name = "" if first_name.strip() and last_name.strip() else self.full_name.casefold()
        before = [name.split() for name in former if len(name.split()) > 1]
        self._former_names = frozenset(" ".join(words).casefold() for words in before)
        self._name = _any_of([*_names(first_name, last_name), *_names_of_any_parts(before)])
        # Cheap to look for: where none of these stands, no pattern fits.
        a_word = [max(words, key=len, default="") for words in (last_name.split(), *before)]
        emails = [address for address in (email, *former_emails) if address]
        hints = (*a_word, self.lone_name, *emails, *self.uids, *self._numbers())
        self._hints = [hint for hint in map(bare, hints) if hint]
        cards = (_card(uid) for uid in sorted(self.uids))
        self._others = _any_of([*map(_email, emails), *cards, *self._decimals()])

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

    def taken_out(self, text: str, by: str) -> tuple[str, list[str]]:
        """And what stood there, in its order."""
        taken: list[str] = []

        def take(match: re.Match[str]) -> str:
            taken.append(match[0])
            return by

        text = text.replace(by, "")
        return (self._name.sub(take, text) if self._name is not None else text), taken

    def are_in(self, text: str) -> bool:
        return self.may_be_in(text) and any(
            pattern is not None and pattern.search(text) for pattern in (self._name, self._others)
        )

    def are_all_of(self, value: Any) -> bool:
        """Of a field that holds a person: whether it is this one."""
        if not isinstance(value, str):
            return False
        said = " ".join(value.split()).casefold()
        return said == self.full_name.casefold() or said in self._former_names

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
    """Without what may stand between the digits of a card, and an accent as one sign with its letter."""
    signs = _SIGNS
    if not text.isascii():
        text, signs = unicodedata.normalize("NFC", text), _SIGNS + _RARE_SIGNS
    text = text.casefold()
    for sign in signs:
        text = text.replace(sign, "")
    return text


def _names(first_name: str, last_name: str) -> Iterable[str]:
    first, last = (r"\s+".join(map(_word, name.split())) for name in (first_name, last_name))
    if first and last:
        yield rf"(?<!\w){first}\s+{last}(?!\w)"
        yield rf"(?<!\w){last},?\s+{first}(?!\w)"


def _names_of_any_parts(names: Iterable[list[str]]) -> Iterator[str]:
    """Of whole names: where the last one begins nobody knows."""
    for words in names:
        for place in range(1, len(words)):
            yield from _names(" ".join(words[:place]), " ".join(words[place:]))


def _word(word: str) -> str:
    """With any apostrophe, and with its accents in either way that computers write them."""
    forms = dict.fromkeys(unicodedata.normalize(form, word) for form in ("NFC", "NFD"))
    patterns = (re.sub(f"[{_APOSTROPHES}]", f"[{_APOSTROPHES}]", re.escape(form)) for form in forms)
    return f"(?:{'|'.join(patterns)})"


def _email(address: str) -> str:
    return rf"(?<![\w.+\-]){re.escape(address)}(?![\w\-]|\.\w)"


def _card(uid: str) -> str:
    pairs = [re.escape(uid[place : place + 2]) for place in range(0, len(uid), 2)]
    return rf"(?<!\w){_BETWEEN.join(pairs)}(?!\w)"


def _any_of(patterns: Iterable[str]) -> re.Pattern[str] | None:
    wanted = list(patterns)
    return re.compile("|".join(wanted), re.IGNORECASE) if wanted else None
