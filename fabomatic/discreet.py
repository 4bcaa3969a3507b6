"""Log lines that name nobody, whoever writes them: ours, Django's, the web server's.

Our own calls hold no names. What others say may: the words of errors (PostgreSQL quotes values), addresses with what
was searched for, e-mail addresses. All of it is there with LOG_LEVEL=DEBUG.
"""

from __future__ import annotations

import logging
import re
import traceback
from typing import Any

from members.uids import without_cards

_MAIL = re.compile(r"[^\s<>\"'(),;:/\\]+@[^\s<>\"'(),;:/\\@]+\.[a-z]{2,}", re.IGNORECASE)
_QUERY = re.compile(r"(?<=[\w/])\?[^\s\"'>]+")
_LINK = re.compile(r"\b[0-9a-z]{4,13}-[0-9a-f]{32}\b", re.IGNORECASE)  # for a first or a new password
_HIDDEN = "…"


def is_debugging() -> bool:
    return logging.getLogger().isEnabledFor(logging.DEBUG)


def without_people(text: str) -> str:
    for pattern, instead in ((_MAIL, f"{_HIDDEN}@{_HIDDEN}"), (_QUERY, f"?{_HIDDEN}"), (_LINK, _HIDDEN)):
        text = pattern.sub(instead, text)
    return without_cards(text)


class Discreet(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        record.exc_text = None  # another handler's words
        line = super().format(record)
        record.exc_text = None
        return line if is_debugging() else without_people(line)

    def formatException(self, ei: Any) -> str:
        """Where, and what kind of error; its words may hold anything."""
        if is_debugging():
            return super().formatException(ei)
        return "\n".join([*_chain(ei[1]), "  (LOG_LEVEL=DEBUG shows what it said)"])


def _chain(error: BaseException | None) -> list[str]:
    lines: list[str] = []
    while error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        lines[:0] = [
            *(f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames),
            f"{type(error).__module__}.{type(error).__qualname__}",
        ]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return lines
