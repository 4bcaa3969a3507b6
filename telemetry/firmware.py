"""Which boards run an older firmware than others of the lab.

Boards say `<build>,<git>`, and both are whatever somebody's tools made of them: versions, dates, seconds since 1970,
hashes. What cannot be told apart is not behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, NamedTuple

_VERSION = re.compile(r"(?:[vV](?=\d)|(?=\d{1,9}\.\d))(\d{1,9}(?:\.\d{1,9}){0,5})(?!\d)(.*)", re.DOTALL)
_PRE_RELEASE = re.compile(r"[-_.+~ ]*(?:(dev)|(a|alpha)|(b|beta)|(rc|pre|preview))(?![a-z])[-_.]?(\d{0,9})", re.I)
_COMMITS_LATER = re.compile(r"-(\d{1,9})-g[0-9a-f]{4,40}", re.I)
_DAY = re.compile(r"(20\d\d)([-./]?)(\d\d)\2(\d\d)(?:[T _-]?(\d\d):?(\d\d)(?::?(\d\d))?)?(?!\d)")
_SECONDS = re.compile(r"1\d{9}")


class Scale(IntEnum):
    """What can be compared with each other."""

    VERSION = 1
    DATE = 2


class Version(NamedTuple):
    scale: Scale
    numbers: tuple[int, ...]
    # Below zero before the release itself, above it by how many commits after it.
    stage: tuple[int, int] = (0, 0)

    @property
    def is_released(self) -> bool:
        return self.stage >= (0, 0)


def parse(text: str) -> Version | None:
    text = text.strip()
    if (day := _DAY.match(text)) is not None:
        return _date(day)
    if _SECONDS.fullmatch(text):
        return _of_moment(datetime.fromtimestamp(int(text), UTC))
    if (version := _VERSION.match(text)) is None:
        return None
    numbers = [int(number) for number in version[1].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return Version(Scale.VERSION, tuple(numbers), _stage(version[2]))


def version_of(firmware: str, build: str) -> Version | None:
    """Most tell it as their firmware; where that is a hash, the build may say more."""
    return parse(firmware) or parse(build)


def behind(boards: Iterable[tuple[Any, str, str]]) -> set[Any]:
    """Of (key, firmware, build), those older than the newest. A trial version on one desk makes nobody late."""
    known = {key: version for key, firmware, build in boards if (version := version_of(firmware, build)) is not None}
    newest: dict[Scale, Version] = {}
    for version in known.values():
        if version.is_released:
            newest[version.scale] = max(newest.get(version.scale, version), version)
    return {key for key, version in known.items() if version.scale in newest and version < newest[version.scale]}


def _date(found: re.Match[str]) -> Version | None:
    year, _separator, month, day, *time = found.groups()
    try:
        hour, minute, second = (int(part or 0) for part in time)
        return _of_moment(datetime(int(year), int(month), int(day), hour, minute, second, tzinfo=UTC))
    except ValueError:
        return None


def _of_moment(at: datetime) -> Version:
    return Version(Scale.DATE, tuple(at.timetuple()[:6]))


def _stage(suffix: str) -> tuple[int, int]:
    if (later := _COMMITS_LATER.match(suffix)) is not None:
        return 0, int(later[1])
    if (before := _PRE_RELEASE.match(suffix)) is None:
        return 0, 0
    *kinds, number = before.groups()
    return next(position for position, kind in enumerate(kinds) if kind) - len(kinds), int(number or 0)
