"""A consistent copy of the database, made while it is in use."""

from __future__ import annotations

import gzip
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

COPY_SECONDS = 30.0  # for one that is locked; a copy that goes on is not interrupted
DUMP_SECONDS = 600


class BackupFailed(Exception):
    """With a sentence for people."""


@contextmanager
def compressed_copy() -> Iterator[Path]:
    """A file that is gone afterwards. Beside the project, not in /tmp, which is memory on many small computers."""
    folder = Path(settings.BASE_DIR) / "var"
    try:
        folder.mkdir(exist_ok=True)
        with TemporaryDirectory(prefix="copy-", dir=folder) as place:
            yield _copy_sqlite(Path(place)) if connection.vendor == "sqlite" else _dump_postgresql(Path(place))
    except (OSError, sqlite3.Error) as error:
        raise BackupFailed(_("The copy could not be written: %(error)s") % {"error": _in_words(error)}) from None


def _in_words(error: Exception) -> str:
    """Without paths and addresses."""
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def _copy_sqlite(folder: Path) -> Path:
    """In one step: with a write-ahead log it keeps no writer waiting, and sees nothing half-done."""
    copy, packed = folder / "db.sqlite3", folder / "db.sqlite3.gz"
    connection.ensure_connection()
    source: Any = connection.connection
    with closing(sqlite3.connect(_private(copy))) as target:
        source.backup(target, progress=_give_up_after(COPY_SECONDS))
        if target.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise BackupFailed(_("The copy is damaged; the database may be, too: keep older copies."))
    with copy.open("rb") as plain, gzip.open(_private(packed), "wb", compresslevel=6) as zipped:
        shutil.copyfileobj(plain, zipped, 1024 * 1024)
    copy.unlink()
    return packed


def _give_up_after(seconds: float) -> Callable[[int, int, int], None]:
    """SQLite would ask a locked database again for ever."""
    deadline = time.monotonic() + seconds

    def look(status: int, remaining: int, total: int) -> None:
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and time.monotonic() > deadline:
            raise BackupFailed(_("The database is locked by something that does not end."))

    return look


def _dump_postgresql(folder: Path) -> Path:
    """By PostgreSQL's own tool, in its own compressed format, for `pg_restore`."""
    database, dump = settings.DATABASES["default"], folder / "db.pgdump"
    places = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    given = {variable: str(database[name]) for variable, name in places.items() if database.get(name)}
    command = ["pg_dump", "--format=custom", "--no-owner", f"--file={_private(dump)}"]
    try:
        subprocess.run(  # noqa: S603  (nothing of it comes from a request)
            command, env={**os.environ, **given}, check=True, capture_output=True, timeout=DUMP_SECONDS, text=True
        )
    except FileNotFoundError:
        raise BackupFailed(_("pg_dump is missing on this computer: install postgresql-client.")) from None
    except subprocess.TimeoutExpired:
        raise BackupFailed(_("pg_dump took too long; run it by hand.")) from None
    except subprocess.CalledProcessError:
        raise BackupFailed(_("pg_dump could not read the database; is it older than the server?")) from None
    return dump


def _private(path: Path) -> Path:
    """E-mail addresses, password hashes and cards are in it."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    return path
