"""The worker's way with its database: never wait inside it, never answer from one that is gone."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError, connection

# PostgreSQL: lock not available, deadlock, serialization failure.
_BUSY_STATES = {"55P03", "40P01", "40001"}
# With twenty machines locked nobody else waits for more than a third of a second; what is locked is tried again.
_POSTGRESQL_LIMITS = "-c lock_timeout=5 -c statement_timeout=1000"
ANSWER_SECONDS = 1.1  # for a server that stands still or cannot be reached any more: it keeps no time-out of its own
CONNECT_SECONDS = 0.5


def configure(connect_seconds: float = CONNECT_SECONDS) -> None:
    """Before the first query. Our own retries are fair to everybody, SQLite's back-off starves whoever waits."""
    options = connection.settings_dict.setdefault("OPTIONS", {})
    if connection.vendor == "sqlite":
        options["timeout"] = 0
        path = connection.settings_dict["NAME"]
        if not str(path).startswith("file:"):
            # A database that is gone must not be made anew, empty: every card would be unknown.
            connection.settings_dict["NAME"] = f"file:{quote(str(path))}?mode=rw"
    else:
        options["options"] = f"{options.get('options', '')} {_POSTGRESQL_LIMITS}".strip()
        # On the connection, not in a backend of our own: only the worker is that impatient.
        impatient = Impatient(connection.get_new_connection, connect_seconds)
        connection.get_new_connection = impatient.connect  # type: ignore[method-assign, assignment]


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


def in_a_line(error: BaseException) -> str:
    """PostgreSQL adds hints, on lines of their own."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]


class Impatient:
    """PostgreSQL's connections, of which none holds the worker up for longer than boards wait.

    The driver tries for two seconds to connect, so it does that in a thread beside; whoever asks meanwhile hears that
    there is no database.
    """

    def __init__(self, open_one: Callable[[Any], Any], connect_seconds: float) -> None:
        self._open_one = open_one
        self._connect_seconds = connect_seconds
        self._attempt: _Attempt | None = None

    def connect(self, parameters: Any) -> Any:
        if self._attempt is None:
            self._attempt = self._try(parameters)
            self._attempt.join(self._connect_seconds)
        attempt = self._attempt
        if attempt.is_alive():
            raise OperationalError("the server does not answer")
        self._attempt = None
        if attempt.error is not None:
            raise attempt.error
        return self._limited(attempt.opened, parameters)

    def _try(self, parameters: Any) -> _Attempt:
        attempt = _Attempt(self._open_one, parameters)
        attempt.start()
        return attempt

    def _limited(self, opened: Any, parameters: Any) -> Any:
        wait = opened.wait

        def wait_no_longer(generator: Any, **options: Any) -> Any:
            try:
                return wait(generator, **{"timeout": ANSWER_SECONDS, **options})
            except opened.OperationalError as error:
                if error.sqlstate is None and opened.info.transaction_status.name == "ACTIVE":
                    # It has not said a word. The next one to come waits no more, but asks whether it answers by then.
                    opened.close()
                    self._attempt = self._try(parameters)
                raise

        opened.wait = wait_no_longer
        return opened


class _Attempt(threading.Thread):
    def __init__(self, open_one: Callable[[Any], Any], parameters: Any) -> None:
        super().__init__(name="database", daemon=True)
        self._open_one = open_one
        self._parameters = parameters
        self.opened: Any = None
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.opened = self._open_one(self._parameters)
        except Exception as error:
            self.error = error


class FileWatch:
    """An open SQLite file can be deleted or replaced (a restored backup); the old one would go on taking writes."""

    def __init__(self) -> None:
        self._path = sqlite_path()
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


def sqlite_path() -> Path | None:
    if connection.vendor != "sqlite":
        return None
    name = str(connection.settings_dict["NAME"])
    if name.startswith("file:"):
        name = unquote(urlsplit(name).path)
    return Path(name) if name and name != ":memory:" else None
