"""The worker's way with its database: never wait inside it, never answer from one that is gone."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, connection

# PostgreSQL: lock not available, statement cancelled by its time-out, deadlock, serialization failure.
_BUSY_STATES = {"55P03", "57014", "40P01", "40001"}
_POSTGRESQL_LIMITS = "-c lock_timeout=200 -c statement_timeout=1200"


def configure() -> None:
    """Before the first query. Our own retries are fair to everybody, SQLite's back-off starves whoever waits."""
    options = connection.settings_dict.setdefault("OPTIONS", {})
    if connection.vendor == "sqlite":
        options["timeout"] = 0
        path = connection.settings_dict["NAME"]
        if not str(path).startswith("file:"):
            # A database that is gone must not be made anew, empty: every card would be unknown.
            connection.settings_dict["NAME"] = f"file:{quote(str(path))}?mode=rw"
    else:
        options["options"] = _POSTGRESQL_LIMITS


def is_busy(error: BaseException) -> bool:
    """Whether somebody else holds a lock that they will let go of."""
    cause = error.__cause__
    if connection.vendor == "sqlite":
        return isinstance(error, DatabaseError) and ("locked" in str(error) or "busy" in str(error))
    return getattr(cause, "sqlstate", None) in _BUSY_STATES


def has_failed(error: BaseException) -> bool:
    """Whether it is the database (gone, broken, not migrated), not what was to be written, that is wrong."""
    return isinstance(error, DatabaseError | InterfaceError) and not isinstance(error, IntegrityError | DataError)


def renew() -> None:
    """After an error that was no lock: the next query connects again. Leaves a test's transaction alone."""
    if not connection.in_atomic_block:
        connection.close()


class FileWatch:
    """An open SQLite file can be deleted or replaced (a restored backup); the old one would go on taking writes."""

    def __init__(self) -> None:
        self._path = _sqlite_path()
        self._identity: tuple[int, int] | None = self._look()

    def refresh(self) -> None:
        identity = self._look()
        if identity != self._identity and not connection.in_atomic_block:
            self._identity = identity
            connection.close()

    def _look(self) -> tuple[int, int] | None:
        if self._path is None:
            return None
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_dev, found.st_ino


def _sqlite_path() -> Path | None:
    if connection.vendor != "sqlite":
        return None
    name = str(connection.settings_dict["NAME"])
    if name.startswith("file:"):
        name = unquote(urlsplit(name).path)
    return Path(name) if name and name != ":memory:" else None
