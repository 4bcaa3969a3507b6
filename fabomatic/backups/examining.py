"""Looks into a file before anybody trusts it: a new backup right after it was made, any before it is restored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import DatabaseError, connection
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from fabomatic.backups import facts, files, keeping, postgresql, sqlite
from fabomatic.backups.errors import NoBackup, in_words
from machines.models import Machine, Use
from members.models import Member
from telemetry.database import sqlite_path

_GZIP, _POSTGRESQL = b"\x1f\x8b", b"PGDMP"


@dataclass(frozen=True, slots=True)
class Examined:
    at: datetime | None
    members: int
    machines: int
    uses: int
    version: str

    def in_words(self) -> str:
        counts = {"members": self.members, "machines": self.machines, "uses": self.uses}
        shown = {name: number_format(count, force_grouping=True) for name, count in counts.items()}
        return _("members: %(members)s, machines: %(machines)s, uses: %(uses)s") % shown


def examine(path: Path) -> Examined:
    """Raises NoBackup with a sentence."""
    with files.workplace(files.own_folder()) as place:
        return look(path, place / "unpacked")


def look(path: Path, plain: Path, *, is_own: bool = False) -> Examined:
    """Leaves an SQLite database unpacked at `plain`. Our own present one is kept whatever is in it."""
    try:
        at, found = _look(Path(path), plain, is_own=is_own)
    except OSError as error:
        text = _("The file cannot be read: %(error)s.")
        raise NoBackup(text % {"error": in_words(error)}) from None
    if not is_own:
        facts.require_known(found)
        if not found.members:
            raise NoBackup(_("There are no members in it."))
    return Examined(at, found.members, found.machines, found.uses, facts.version_of(found))


def _look(path: Path, plain: Path, *, is_own: bool) -> tuple[datetime | None, facts.Facts]:
    if path.exists() and not path.is_file():
        raise NoBackup(_("This is no backup of Fabomatic."))
    with path.open("rb") as file:
        beginning = file.read(16)
    by_name = keeping.at_by_name(path)
    if beginning.startswith(_POSTGRESQL):
        if connection.vendor != "postgresql":
            raise NoBackup(_("This is a copy of a PostgreSQL database, and the lab's is SQLite."))
        return by_name or postgresql.made_at(path), postgresql.look(path)
    if not beginning.startswith((_GZIP, sqlite.MAGIC)):
        raise NoBackup(_("This is no backup of Fabomatic."))
    at = None
    if beginning.startswith(_GZIP):
        at = files.unpack(path, plain)
        with plain.open("rb") as file:
            if file.read(16) != sqlite.MAGIC:
                raise NoBackup(_("This is no backup of Fabomatic."))
    else:
        files.copy_plain(path, plain)
    if connection.vendor != "sqlite":
        raise NoBackup(_("This is a copy of an SQLite database, and the lab's is PostgreSQL."))
    return at or by_name, sqlite.look(plain, is_own=is_own)


def present() -> Examined | None:
    """What is in the lab's database now; never makes one. None: nothing that can be read."""
    path = sqlite_path()
    if connection.vendor == "sqlite" and (path is None or not path.is_file()):
        return None
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT app, name FROM django_migrations")
            migrations = frozenset((app, name) for app, name in cursor.fetchall())
        counts = (model._default_manager.count() for model in (Member, Machine, Use))
        found = facts.Facts(migrations, *counts)
    except DatabaseError:
        return None
    return Examined(None, found.members, found.machines, found.uses, facts.version_of(found))
