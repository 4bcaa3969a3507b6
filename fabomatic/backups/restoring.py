"""Puts a backup in the place of the lab's database, while the lab is running."""

from __future__ import annotations

import logging
import traceback
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabomatic.backups import examining, files, making, postgresql, sqlite
from fabomatic.backups.errors import BackupFailed, NoBackup, RestoreFailed, in_words
from fabomatic.backups.second_place import LEDGER
from fabomatic.housekeeping.locks import AlreadyRunning, CannotLock, alone
from fabomatic.models import Run, note_run
from telemetry import nudge
from telemetry.database import sqlite_path
from telemetry.outbox import NotPublished, publish_once

log = logging.getLogger("fabomatic.housekeeping")

LOCK = "backup"  # neither runs while the other does
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Restored:
    kept_aside: Path | None
    sentences: list[str]


@dataclass(frozen=True, slots=True)
class _Swap:
    """What took the place of what."""

    kept_aside: Path | None
    erased: int
    was_updated: bool
    is_another_file: bool = False


def restore(path: Path, now: datetime) -> Restored:
    """NoBackup, RestoreFailed: the present database is as it was."""
    try:
        with alone(LOCK):
            examined, swap = _restore_sqlite(path, now) if connection.vendor == "sqlite" else _restore_pg(path, now)
    except AlreadyRunning:
        raise RestoreFailed(_("A backup or a restore is running: try again when it has ended.")) from None
    except (NoBackup, RestoreFailed):
        raise
    except (BackupFailed, CannotLock) as failure:
        raise RestoreFailed(str(failure)) from None
    except Exception as error:  # a migration that does not suit, a broken disk: their words may hold names
        frames = traceback.extract_tb(error.__traceback__)
        log.error("restore failed: %s\n%s", type(error).__name__, "".join(traceback.format_list(frames)))
        text = _("The backup could not be put in place (%(error)s); the present database is as it was.")
        raise RestoreFailed(text % {"error": in_words(error)}) from None
    ContentType.objects.clear_cache()
    _tell_the_worker()
    return Restored(swap.kept_aside, list(_said(path, examined, swap)))


# ---- SQLite ----------------------------------------------------------------------------------------------------------


def _restore_sqlite(path: Path, now: datetime) -> tuple[examining.Examined, _Swap]:
    live = sqlite_path()
    if live is None:
        raise RestoreFailed(_("There is no database file: check DATABASE_URL."))
    live = live.resolve()
    if live.exists() and path.exists() and live.samefile(path):
        raise NoBackup(_("This is the present database itself."))
    files.tidy(live.parent)
    with files.workplace(live.parent) as place:
        plain = place / "new.sqlite3"
        examined = examining.look(path, plain)
        _take_over_ledger(path)
        with sqlite.instead_of_ours(plain):
            was_updated, erased = _bring_up_to_date(examined, now)
        condition = sqlite.condition(live)
        if condition is not sqlite.Condition.HEALTHY:
            aside = sqlite.exchange(plain, live, now)
            return examined, _Swap(aside, erased, was_updated, is_another_file=True)
        files.require_space(live.parent, plain.stat().st_size)  # the journal takes all of it at once
        connection.close()
        aside = sqlite.pour(plain, live, lambda: making.put_aside(now))
        return examined, _Swap(aside, erased, was_updated)


# ---- PostgreSQL ------------------------------------------------------------------------------------------------------


def _restore_pg(path: Path, now: datetime) -> tuple[examining.Examined, _Swap]:
    examined = examining.examine(path)
    _take_over_ledger(path)
    aside = None
    try:
        with transaction.atomic():
            if "members_member" in postgresql.own_tables():
                postgresql.let_nobody_write()
                aside = making.put_aside(now)
            postgresql.put_back(path)
            was_updated, erased = _bring_up_to_date(examined, now)
    except Exception as error:  # the driver's own, and Django's around it
        if isinstance(error, NoBackup | BackupFailed | RestoreFailed | OSError):
            raise
        raise postgresql.failure_in_words(error) from None
    finally:
        if not connection.in_atomic_block:
            connection.close()  # the script left settings of its own
    return examined, _Swap(aside, erased, was_updated)


# ---- both ------------------------------------------------------------------------------------------------------------


def _bring_up_to_date(examined: examining.Examined, now: datetime) -> tuple[bool, int]:
    """Before anybody sees it: nobody is logged in by it, and who was erased since then is erased again."""
    from fabomatic.privacy import erased

    before = _migrations()
    call_command("migrate", verbosity=0, interactive=False)
    Session.objects.all().delete()
    count = erased.again(examined.at or _LONG_AGO, now)
    note_run(Run.Kind.BACKUP, _("Restored the backup of %(time)s.") % {"time": _time(examined.at)}, at=now)
    return _migrations() != before, count


def _migrations() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_migrations")
        return int(cursor.fetchone()[0])


def _take_over_ledger(path: Path) -> None:
    """Who restores from the second place on a new computer has the ledger of the erased only there.

    Where there is one it stays the only one: members of another lab have the same numbers.
    """
    theirs, ours = path.parent / LEDGER, files.own_folder() / LEDGER
    if theirs.is_file() and not ours.exists():
        files.private(ours).write_bytes(theirs.read_bytes())
        files.sync(ours)


def _tell_the_worker() -> None:
    with suppress(NotPublished):  # it looks by itself every few seconds
        publish_once(nudge.TOPIC, b"")


def _said(path: Path, examined: examining.Examined, swap: _Swap) -> list[str]:
    facts = {"name": path.name, "time": _time(examined.at), "counts": examined.in_words()}
    said = [_("Restored %(name)s of %(time)s (%(counts)s).") % facts]
    if swap.kept_aside is None:
        said.append(_("There was no database before."))
    else:
        said.append(_("What was there before is kept in %(path)s.") % {"path": swap.kept_aside})
    if swap.erased:
        text = ngettext(
            "%(count)d person who had been erased since then was erased again.",
            "%(count)d people who had been erased since then were erased again.",
            swap.erased,
        )
        said.append(text % {"count": swap.erased})
    said.append(_("Everybody has to log in again."))
    said.append(_("Run `manage.py purge_gdpr`: what was purged since then is there again."))
    if swap.was_updated or swap.is_another_file:
        said.append(_("Restart the web server and the worker."))
    else:
        said.append(_("Nothing has to be restarted: the worker answers by the restored database already."))
    return said


def _time(at: datetime | None) -> str:
    return date_format(timezone.localtime(at), "Y-m-d H:i") if at is not None else _("an unknown time")
