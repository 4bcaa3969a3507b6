"""One thing that needs attention: how many, the first few of them, and where the rest is listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format

NAMED = 4


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    detail: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """`kind` is its style; `title` has the count in words."""

    kind: str
    title: str
    count: int
    url: str
    lines: Sequence[Line] = ()

    @property
    def named(self) -> Sequence[Line]:
        return self.lines[:NAMED]

    @property
    def more(self) -> int:
        return self.count - len(self.named)


def may_list(user: Any, model: str) -> bool:
    """As the lists themselves ask: who may change may look."""
    app, _dot, name = model.partition(".")
    return any(user.has_perm(f"{app}.{verb}_{name}") for verb in ("view", "change"))


def moment(at: datetime) -> str:
    return date_format(timezone.localtime(at), "DATETIME_FORMAT")
