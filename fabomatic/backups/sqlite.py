"""SQLite: copying the live file, looking into a copy, and putting one in its place while everybody goes on."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.utils.translation import gettext as _

from fabomatic.backups import files
from fabomatic.backups.errors import BackupFailed, NoBackup, RestoreFailed
from fabomatic.backups.facts import NEEDED, Facts, require_ours

COPY_SECONDS = 30.0  # for one that is locked; a copy that goes on is not interrupted
ENDING = ".sqlite3.gz"
MAGIC = b"SQLite format 3\0"
_SIDES = ("-wal", "-shm", "-journal")
_STEP_PAGES = 8  # at a time: the first of them take the lock, the last of them end it
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class Condition(Enum):
    MISSING = "missing"
    BROKEN = "broken"
    HEALTHY = "healthy"


# ---- out -------------------------------------------------------------------------------------------------------------


def size() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
        return int(cursor.fetchone()[0])


def copy(folder: Path, at: datetime) -> Path:
    """In one step: with a write-ahead log it keeps no writer waiting, and sees nothing half-done."""
    plain, packed = folder / "db.sqlite3", folder / f"db{ENDING}"
    connection.ensure_connection()
    source: Any = connection.connection
    with closing(sqlite3.connect(files.private(plain))) as target:
        target.execute("PRAGMA synchronous=OFF")  # it is not kept
        source.backup(target, progress=_give_up_after(COPY_SECONDS, BackupFailed))
        target.execute("PRAGMA journal_mode=DELETE")  # one file, wherever it is opened
    files.pack(plain, packed, at)
    plain.unlink()
    return packed


def _give_up_after(seconds: float, failure: type[Exception]) -> Callable[[int, int, int], None]:
    """SQLite would ask a locked database again for ever."""
    deadline = time.monotonic() + seconds

    def look(status: int, remaining: int, total: int) -> None:
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and time.monotonic() > deadline:
            raise failure(_("The database is locked by something that does not end."))

    return look


# ---- a copy ----------------------------------------------------------------------------------------------------------


def look(plain: Path, *, is_own: bool = False) -> Facts:
    """At a copy that nobody else has open."""
    try:
        with closing(sqlite3.connect(plain)) as database:
            if database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise NoBackup(_("The file is damaged: the database in it does not hold together."))
            schema = database.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master").fetchall()
            require_ours({name for kind, name, _sql in schema if kind == "table"})
            if not is_own:
                _refuse_machinery(schema)
            return _facts(database)
    except (sqlite3.Error, UnicodeDecodeError):
        raise NoBackup(_("The file is damaged: the database in it cannot be read.")) from None


def _refuse_machinery(schema: list[tuple[str, str, str]]) -> None:
    for kind, name, sql in schema:
        if kind not in ("table", "index") or sql.upper().startswith("CREATE VIRTUAL"):
            text = _("The database has a %(kind)s, %(name)s: Fabomatic makes none, and it might do anything.")
            raise NoBackup(text % {"kind": kind, "name": str(name)[:60]})


def _facts(database: sqlite3.Connection) -> Facts:
    return Facts(
        frozenset(database.execute("SELECT app, name FROM django_migrations").fetchall()),
        *(
            database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608  (our own names)
            for table in ("members_member", "machines_machine", "machines_use")
        ),
    )


@contextmanager
def instead_of_ours(plain: Path) -> Iterator[None]:
    """This thread's Django works on `plain`; everybody else's on the lab's database."""
    ours = connections[DEFAULT_DB_ALIAS]
    pragmas = "PRAGMA journal_mode=DELETE; PRAGMA synchronous=OFF; PRAGMA secure_delete=ON;"
    options = {**ours.settings_dict["OPTIONS"], "init_command": pragmas}
    theirs = type(ours)({**ours.settings_dict, "NAME": str(plain), "OPTIONS": options}, DEFAULT_DB_ALIAS)
    connections[DEFAULT_DB_ALIAS] = theirs
    try:
        yield
    finally:
        theirs.close()
        connections[DEFAULT_DB_ALIAS] = ours


# ---- in --------------------------------------------------------------------------------------------------------------


def condition(live: Path) -> Condition:
    """Broken: SQLite itself says so, or there is nothing of ours in it. One that is locked is not broken."""
    if not live.exists():
        return Condition.MISSING
    with live.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return Condition.BROKEN
    try:
        with closing(_open(live, "ro")) as database:  # which leaves an old journal as it is, should it be of use
            is_whole = database.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
            return Condition.BROKEN
        text = _("The present database cannot be read (%(error)s): stop what uses it, and try again.")
        raise RestoreFailed(text % {"error": type(error).__name__}) from None
    return Condition.HEALTHY if is_whole and tables >= NEEDED else Condition.BROKEN


def pour(plain: Path, live: Path, keep_aside: Callable[[], Path]) -> Path:
    """One transaction: who has it open sees the old one or the new one, whatever is killed meanwhile.

    The old one is kept aside within it. Nobody writes any more by then, so that nothing is in neither of them; boards
    keep what happens meanwhile, and are answered by the old one.
    """
    give_up = _give_up_after(COPY_SECONDS, RestoreFailed)
    aside: list[Path] = []

    def look(status: int, remaining: int, total: int) -> None:
        give_up(status, remaining, total)
        if status == sqlite3.SQLITE_OK and not aside:
            aside.append(keep_aside())

    with closing(sqlite3.connect(plain)) as source, closing(_open(live)) as target:
        _same_pages(source, target)
        target.execute("PRAGMA journal_mode=WAL")
        target.execute("PRAGMA synchronous=FULL")
        source.backup(target, pages=_STEP_PAGES, progress=look, sleep=0.01)
        with suppress(sqlite3.Error):  # the journal has grown to the size of it all
            target.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return aside[0]


def exchange(plain: Path, live: Path, now: datetime) -> Path | None:
    """Where there is nothing to pour it into. What was there is moved aside, its journal with it."""
    aside = None
    if live.exists():
        before = live.stat()
        os.chmod(plain, before.st_mode & 0o777)
        with suppress(OSError):
            os.chown(plain, before.st_uid, before.st_gid)
        aside = live.with_name(f"{live.name}.broken-{now:%Y-%m-%dT%H%M%SZ}")
        live.rename(aside)
    elif os.geteuid() == 0:
        files.give_to_owner_of(live.parent, plain)
    for side in _SIDES:  # SQLite would apply an old journal to the new file
        with suppress(FileNotFoundError):
            Path(f"{live}{side}").rename(f"{aside or live.with_name(f'{live.name}.old')}{side}")
    files.sync(plain)
    try:
        plain.rename(live)
    except OSError:
        if aside is not None:
            aside.rename(live)
        raise
    files.sync(live.parent)
    return aside


def _same_pages(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """A journal cannot take pages of another size."""
    (size,) = target.execute("PRAGMA page_size").fetchone()
    if source.execute("PRAGMA page_size").fetchone() != (size,):
        source.execute(f"PRAGMA page_size={int(size)}")
        source.execute("VACUUM")


def _open(live: Path, mode: str = "rw") -> sqlite3.Connection:
    """Never makes one."""
    return sqlite3.connect(f"file:{quote(str(live))}?mode={mode}", uri=True, timeout=5, isolation_level=None)
