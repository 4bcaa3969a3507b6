"""Which backups there are, how they are called, and which have to go: 7 daily, 4 weekly, 12 monthly stay."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, count
from pathlib import Path

from django.conf import settings
from django.utils import timezone

DAYS, WEEKS, MONTHS = 7, 4, 12
KEPT_BEFORE_RESTORE = timedelta(days=30)
LEAST_BEFORE_RESTORE = 2
_STAMP = "%Y-%m-%dT%H%MZ"
_NAME = re.compile(
    r"fabomatic-(?P<stamp>\d{4}-\d\d-\d\dT\d{4}Z)(?P<before>-before-restore)?(?:-(?P<number>[2-9]|[1-9]\d{1,2}))?"
    r"\.(?:sqlite3\.gz|pgdump)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Backup:
    path: Path
    at: datetime
    is_before_restore: bool
    size: int


def kept(folder: Path | None = None) -> list[Backup]:
    """Newest first; what is called otherwise is not ours."""
    folder = Path(settings.BACKUP_FOLDER) if folder is None else folder
    if not folder.is_dir():
        return []
    return newest_first(backup for path in folder.iterdir() if (backup := _read(path)) is not None)


def newest_first(backups: Iterable[Backup]) -> list[Backup]:
    return sorted(backups, key=lambda backup: (backup.at, _number(backup)), reverse=True)


def at_by_name(path: Path) -> datetime | None:
    found = _NAME.fullmatch(path.name)
    try:
        return datetime.strptime(found["stamp"], _STAMP).replace(tzinfo=UTC) if found else None
    except ValueError:  # a thirteenth month
        return None


def free_path(folder: Path, at: datetime, ending: str, *, is_before_restore: bool = False) -> Path:
    """A second one of the same minute gets a number."""
    name = f"fabomatic-{at.astimezone(UTC):{_STAMP}}{'-before-restore' if is_before_restore else ''}"
    names = chain([f"{name}{ending}"], (f"{name}-{number}{ending}" for number in count(2)))
    return next(path for path in (folder / each for each in names) if not path.exists())


def to_remove(backups: Iterable[Backup], now: datetime) -> list[Backup]:
    """Days, weeks and months are the lab's. What a clock that has been set back calls the future stays."""
    past = newest_first(backup for backup in backups if backup.at <= now)
    made = [backup for backup in past if not backup.is_before_restore]
    aside = [backup for backup in past if backup.is_before_restore]
    stays = {
        *made[:DAYS],
        *_newest_of_each(made, lambda at: at.date(), DAYS),
        *_newest_of_each(made, lambda at: at.isocalendar()[:2], WEEKS),
        *_newest_of_each(made, lambda at: (at.year, at.month), MONTHS),
        *aside[:LEAST_BEFORE_RESTORE],
        *(backup for backup in aside if now - backup.at <= KEPT_BEFORE_RESTORE),
    }
    return [backup for backup in past if backup not in stays]


def rotate(folder: Path, now: datetime) -> int:
    old = to_remove(kept(folder), now)
    for backup in old:
        backup.path.unlink(missing_ok=True)
    return len(old)


def _newest_of_each(made: list[Backup], span_of: Callable[[datetime], object], most: int) -> list[Backup]:
    """Of the latest spans that have one: after a summer's closure nothing goes at once."""
    zone = timezone.get_default_timezone()
    newest: dict[object, Backup] = {}
    for backup in made:
        newest.setdefault(span_of(backup.at.astimezone(zone)), backup)
    return list(newest.values())[:most]


def _read(path: Path) -> Backup | None:
    at = at_by_name(path)
    if at is None or path.is_symlink() or not path.is_file():
        return None
    return Backup(path, at, "-before-restore" in path.name, path.stat().st_size)


def _number(backup: Backup) -> int:
    found = _NAME.fullmatch(backup.path.name)
    return int(found["number"] or 1) if found else 0
