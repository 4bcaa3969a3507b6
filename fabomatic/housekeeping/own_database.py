"""Whether the database is the lab's: a job that ran against an empty one would say that all is done."""

from __future__ import annotations

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _

from fabomatic.environment import shown_value
from members.models import Member
from telemetry.database import in_a_line, sqlite_path


class NotOurs(Exception):
    """With a sentence for people."""


def require_own_database() -> None:
    """Never makes a file, as merely looking would with SQLite."""
    if is_missing():
        raise NotOurs(_("There is no database %(database)s: check DATABASE_URL.") % {"database": database_name()})
    try:
        has_members = Member.objects.exists()
    except DatabaseError as error:
        text = _("The database %(database)s cannot be used (%(error)s): check DATABASE_URL, then `manage.py migrate`.")
        raise NotOurs(text % {"database": database_name(), "error": in_a_line(error)}) from None
    if not has_members:
        text = _("The database %(database)s has no members: nothing was done. Check DATABASE_URL.")
        raise NotOurs(text % {"database": database_name()})


def is_missing() -> bool:
    """With SQLite; whoever then connects makes an empty one."""
    path = sqlite_path()
    return path is not None and not path.is_file()


def lacks_migrations() -> bool:
    """Reads all of them: for a job that has failed already."""
    try:
        executor = MigrationExecutor(connection)
        return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except DatabaseError:
        return False


def database_name() -> str:
    """Without password."""
    if connection.vendor == "sqlite":
        path = sqlite_path()
        return path.name if path is not None else ":memory:"
    return shown_value("DATABASE_URL", settings.SETTINGS_KNOWN["DATABASE_URL"].value)
