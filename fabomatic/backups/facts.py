"""What is in a database, and whether it is one of ours."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.migrations.loader import MigrationLoader
from django.utils.translation import gettext as _

from fabomatic.backups.errors import NoBackup

OURS = ("members", "machines", "telemetry", "fabomatic")
NEEDED = {"django_migrations", "members_member", "machines_machine", "machines_use"}
LEGACY = {"alembic_version", "machine_types", "users"}


@dataclass(frozen=True, slots=True)
class Facts:
    migrations: frozenset[tuple[str, str]]
    members: int
    machines: int
    uses: int


def require_ours(tables: set[str]) -> None:
    if tables >= NEEDED:
        return
    if tables >= LEGACY:
        text = _("This is a database of FabOMatic, the former backend: `manage.py import_fabomatic` takes over those.")
        raise NoBackup(text)
    raise NoBackup(_("This is a database, but none of Fabomatic."))


def require_known(facts: Facts) -> None:
    """Going back to an older program is not what backups are for."""
    known = set(MigrationLoader(None).disk_migrations)
    if unknown := sorted(facts.migrations - known):
        text = _("It was made by a newer version of Fabomatic (%(migration)s): update first, then restore.")
        raise NoBackup(text % {"migration": ".".join(unknown[0])[:80]})


def version_of(facts: Facts) -> str:
    """Of the tables: the latest migration of each of our apps."""
    latest = {app: max((name for each, name in facts.migrations if each == app), default="") for app in OURS}
    return ", ".join(f"{app} {name[:4]}" for app, name in latest.items() if name)
