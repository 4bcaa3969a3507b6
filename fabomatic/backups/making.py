"""A copy of the database, made while it is in use, and trusted only when it was read back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from fabomatic.backups import examining, files, keeping, postgresql, second_place, sqlite
from fabomatic.backups.errors import BackupFailed, NoBackup, in_words
from telemetry.database import sqlite_path

DOWNLOAD_PART = "copy-"


@dataclass(frozen=True, slots=True)
class Made:
    path: Path
    examined: examining.Examined
    removed: int
    trouble: str = ""


def make(now: datetime) -> Made:
    """Old ones go when the new one is there, and only then. Whoever calls sees to it that nobody else does the same."""
    with _said():
        folder = files.own_folder()
        _tidy(folder)
        path, examined = _write(folder, now, is_before_restore=False)
        removed = keeping.rotate(folder, now)
    return Made(path, examined, removed, second_place.copy(path, now))


def put_aside(now: datetime) -> Path:
    """Of the present database before another takes its place, whoever is in it and whatever was added to it."""
    with _said():
        folder = files.own_folder()
        _tidy(folder)
        path, _examined = _write(folder, now, is_before_restore=True)
        keeping.rotate(folder, now)
    return path


@contextmanager
def compressed_copy() -> Iterator[Path]:
    """A file that is gone afterwards. Beside the project, not in /tmp, which is memory on many small computers."""
    with _said():
        folder = Path(settings.BASE_DIR) / "var"
        folder.mkdir(exist_ok=True)
        files.tidy(folder, DOWNLOAD_PART)
        with files.workplace(folder, DOWNLOAD_PART) as place:
            packed = _copy(place, timezone.now())
            _verify(packed, place)
            yield packed


def _write(folder: Path, now: datetime, *, is_before_restore: bool) -> tuple[Path, examining.Examined]:
    with files.workplace(folder) as place:
        packed = _copy(place, now)
        examined = _verify(packed, place, is_own=is_before_restore)
        ending = "".join(packed.suffixes)
        path = keeping.free_path(folder, now, ending, is_before_restore=is_before_restore)
        files.put(packed, path)
    return path, examined


def _copy(place: Path, now: datetime) -> Path:
    if connection.vendor == "sqlite":
        size = sqlite.size()
        files.require_space(
            place.parent, size + size // 2
        )  # the copy, and it packed; later it packed, and it unpacked again
        return sqlite.copy(place, now)
    files.require_space(place.parent, postgresql.size() // 2)
    return postgresql.dump(place)


def _verify(packed: Path, place: Path, *, is_own: bool = False) -> examining.Examined:
    try:
        return examining.look(packed, place / "unpacked", is_own=is_own)
    except NoBackup as reason:
        text = _("The copy cannot be used (%(reason)s) The database may be damaged, too: keep older copies.")
        raise BackupFailed(text % {"reason": reason}) from None
    finally:
        (place / "unpacked").unlink(missing_ok=True)


def _tidy(folder: Path) -> None:
    files.tidy(folder)
    files.tidy(Path(settings.BASE_DIR) / "var", DOWNLOAD_PART)
    if (database := sqlite_path()) is not None:
        files.tidy(database.parent)


@contextmanager
def _said() -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise BackupFailed(_("The copy could not be written: %(error)s") % {"error": in_words(error)}) from None
