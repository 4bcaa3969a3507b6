"""SQLite's journal holds pages as they were, and keeps them while anybody has the database open, as the worker always
has. What was deleted is gone when the journal was written back and cut off."""

from __future__ import annotations

import logging
import time

from django.db import DatabaseError, connection

from telemetry.database import sqlite_path

log = logging.getLogger(__name__)

ATTEMPTS = 10
PAUSE = 0.2  # seconds between two
PATIENCE_MS = 50  # whoever cuts it off keeps writers waiting until the last reader has gone


def remove_traces() -> None:
    """After something was deleted. A reader that does not end leaves it to the next purge."""
    if connection.in_atomic_block or not _has_journal():
        return
    try:
        if not _cut_off_in_time():
            log.info("The database's journal could not be cut off: somebody reads without an end.")
    except DatabaseError as error:  # what was to be deleted is deleted
        log.warning("The database's journal could not be cut off: %s", type(error).__name__)


def _has_journal() -> bool:
    """One that is cut off holds nothing; only SQLite has any."""
    path = sqlite_path()
    journal = path and path.with_name(f"{path.name}-wal")
    return journal is not None and journal.is_file() and journal.stat().st_size > 0


def _cut_off_in_time() -> bool:
    with connection.cursor() as cursor:
        patience = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout={PATIENCE_MS}")
        try:
            for attempt in range(ATTEMPTS):
                time.sleep(PAUSE if attempt else 0)
                cursor.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()  # the long part of it: holds nobody up
                if not cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                    return True
            return False
        finally:
            cursor.execute(f"PRAGMA busy_timeout={int(patience)}")
