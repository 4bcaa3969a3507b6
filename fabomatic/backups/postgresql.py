"""PostgreSQL, by its own tools: dumping, looking into a dump, and putting one back in a single transaction."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from fabomatic.backups import files
from fabomatic.backups.errors import BackupFailed, NoBackup, RestoreFailed
from fabomatic.backups.facts import Facts, require_ours

DUMP_SECONDS = 3600
LOCK_SECONDS = 5
ENDING = ".pgdump"
_COPY = re.compile(rb'COPY (?:\w+\.)?"?(?P<table>\w+)"? \((?P<columns>[^)]*)\) FROM stdin;\n')
_ENTRY = re.compile(r"\d+; \d+ \d+ (?P<kind>[A-Z][A-Z ]*[A-Z]) \S+ (?P<name>\S+)")
_CREATED = re.compile(r"; +Archive created at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)")
_KINDS = {
    *("TABLE", "TABLE DATA", "SEQUENCE", "SEQUENCE OWNED BY", "SEQUENCE SET", "DEFAULT", "CONSTRAINT"),
    *("FK CONSTRAINT", "CHECK CONSTRAINT", "INDEX", "COMMENT"),
}
_PART = 65536


# ---- out -------------------------------------------------------------------------------------------------------------


def size() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def own_tables() -> list[str]:
    """Of our apps, also those that a newer or older version knows; what else is in the database is not ours."""
    labels = tuple(f"{config.label}_" for config in apps.get_app_configs())
    known = {model._meta.db_table for model in apps.get_models(include_auto_created=True)} | {"django_migrations"}
    return sorted(name for name in connection.introspection.table_names() if name in known or name.startswith(labels))


def dump(folder: Path) -> Path:
    """In its own compressed format, for `pg_restore`."""
    target = folder / f"db{ENDING}"
    tables = [f"--table={name}" for name in own_tables()]
    command = ["pg_dump", "--format=custom", "--no-owner", "--no-acl", "--encoding=UTF8", *tables]
    try:
        subprocess.run(  # noqa: S603  (nothing of it comes from a request)
            [*command, f"--file={files.private(target)}"],
            env=_environment(),
            check=True,
            capture_output=True,
            timeout=DUMP_SECONDS,
            text=True,
        )
    except FileNotFoundError:
        raise BackupFailed(_("pg_dump is missing on this computer: install postgresql-client.")) from None
    except subprocess.TimeoutExpired:
        raise BackupFailed(_("pg_dump took too long; run it by hand.")) from None
    except subprocess.CalledProcessError as error:
        if error.returncode < 0 or "No space left" in (error.stderr or "") or "too large" in (error.stderr or ""):
            raise BackupFailed(
                _("The copy could not be written: %(error)s") % {"error": _("the disk is full")}
            ) from None
        raise BackupFailed(_("pg_dump could not read the database; is it older than the server?")) from None
    return target


def _environment() -> dict[str, str]:
    database = settings.DATABASES["default"]
    places = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    given = {variable: str(database[name]) for variable, name in places.items() if database.get(name)}
    return {**os.environ, **given, "TZ": "UTC", "LC_ALL": "C"}


# ---- a dump ----------------------------------------------------------------------------------------------------------


def made_at(path: Path) -> datetime | None:
    found = _CREATED.search(_contents(path))
    return datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC) if found else None


def look(path: Path) -> Facts:
    """Reads all of it, and puts it nowhere."""
    entries = [match.groupdict() for match in map(_ENTRY.match, _contents(path).splitlines()) if match]
    require_ours({entry["name"] for entry in entries if entry["kind"] == "TABLE"})
    for entry in entries:
        if entry["kind"] not in _KINDS:
            text = _("The database has a %(kind)s, %(name)s: Fabomatic makes none, and it might do anything.")
            raise NoBackup(text % {"kind": entry["kind"].lower(), "name": entry["name"][:60]})
    rows = dict.fromkeys(("members_member", "machines_machine", "machines_use"), 0)
    migrations: set[tuple[str, str]] = set()
    with _script(path) as script:
        for table, columns, lines in _copies(script):
            if table == "django_migrations":
                places = columns.index("app"), columns.index("name")
                cells = [line.rstrip("\n").split("\t") for line in map(bytes.decode, lines)]
                migrations |= {(row[places[0]], row[places[1]]) for row in cells}
            else:
                counted = sum(1 for _line in lines)
                rows |= {table: rows[table] + counted} if table in rows else {}
    return Facts(frozenset(migrations), *rows.values())


def _contents(path: Path) -> str:
    try:
        command = ["pg_restore", "--list", str(path.absolute())]
        done = subprocess.run(command, env=_environment(), capture_output=True, check=True)  # noqa: S603  (ours)
    except FileNotFoundError:
        raise NoBackup(_("pg_restore is missing on this computer: install postgresql-client.")) from None
    except subprocess.CalledProcessError:
        raise NoBackup(_damaged()) from None
    return done.stdout.decode(errors="replace")


@contextmanager
def _script(path: Path) -> Iterator[IO[bytes]]:
    """What is in the file as SQL; fails when it ends too early."""
    command = ["pg_restore", "--no-owner", "--no-acl", "--file=-", str(path.absolute())]
    with subprocess.Popen(  # noqa: S603  (ours)
        command, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise NoBackup(_damaged())


def _damaged() -> str:
    return _("The file is damaged, or made by a newer PostgreSQL than pg_restore on this computer.")


def _copies(script: IO[bytes]) -> Iterator[tuple[str, list[str], Iterator[bytes]]]:
    for line in script:
        if found := _COPY.fullmatch(line):
            columns = [name.strip().strip('"') for name in found["columns"].decode().split(",")]
            rows = _rows(script)
            yield found["table"].decode(), columns, rows
            for _rest in rows:
                pass


def _rows(script: IO[bytes]) -> Iterator[bytes]:
    for line in script:
        if line == b"\\.\n":
            return
        yield line
    raise NoBackup(_damaged())


# ---- in --------------------------------------------------------------------------------------------------------------


def let_nobody_write() -> None:
    """Until the transaction ends; who reads goes on reading."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
        cursor.execute(f"LOCK TABLE {_names(own_tables())} IN EXCLUSIVE MODE")


def put_back(path: Path) -> None:
    """Within the caller's transaction: nobody sees it half done, and whatever goes wrong leaves the old one.

    The script is run by our own connection, not by psql, which would also run commands of its own in it.
    """
    database: Any = connection.connection
    with database.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
        if tables := own_tables():
            cursor.execute(f"DROP TABLE {_names(tables)}")
        with _script(path) as script:
            _run(script, cursor)
        cursor.execute("RESET search_path")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a migration cannot change a table with checks outstanding


def _names(tables: list[str]) -> str:
    return ", ".join(connection.ops.quote_name(name) for name in tables)


def _run(script: IO[bytes], cursor: Any) -> None:
    statements: list[bytes] = []
    for line in script:
        if _COPY.fullmatch(line):
            _execute(statements, cursor)
            with cursor.copy(line.decode().strip().removesuffix(";")) as copy:
                _feed(copy, _rows(script))
        elif not re.match(rb"SET \w+_timeout = |\\(un)?restrict |--", line):  # of newer servers; ours stays
            statements.append(line)
    _execute(statements, cursor)


def _feed(copy: Any, rows: Iterator[bytes]) -> None:
    part = bytearray()
    for row in rows:
        part += row
        if len(part) > _PART:
            copy.write(bytes(part))
            part.clear()
    copy.write(bytes(part))


def _execute(statements: list[bytes], cursor: Any) -> None:
    if text := b"".join(statements).decode().strip():
        cursor.execute(text)
    statements.clear()


def failure_in_words(error: Exception) -> RestoreFailed:
    """Names no row: what a database complains of may be a person."""
    state = getattr(error.__cause__ or error, "sqlstate", None) or ""
    if state in ("55P03", "40P01"):
        return RestoreFailed(_("Somebody else holds the database: stop the worker and the web server, and try again."))
    if state == "2BP01":
        return RestoreFailed(_("Something that is not ours, a view perhaps, is built on our tables: remove it first."))
    text = _("PostgreSQL refused it (%(error)s); the present database is as it was.")
    return RestoreFailed(text % {"error": f"{type(error).__name__} {state}".strip()})
