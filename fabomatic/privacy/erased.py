"""Who was deleted, by number alone: a backup of before still has them, and has to forget them again once restored.

Beside the backups, not in the database: it has to survive its being replaced.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from members.models import Member

log = logging.getLogger(__name__)

NAME = "erased.txt"


def remember(member_id: int, at: datetime) -> None:
    """A line that survives a power cut. Deleting goes on where it cannot be written."""
    try:
        _append(f"{member_id} {at.astimezone(UTC).isoformat(timespec='microseconds')}\n")
    except OSError as error:
        log.error(
            "That member %d was deleted could not be noted in %s (%s): a restored backup would bring them back.",
            *(member_id, NAME, type(error).__name__),
        )


def remember_deleted(instance: Member, **kwargs: Any) -> None:
    """Whoever deletes, wherever. The time is that after the commit: a backup begun before it still has them."""
    member_id = instance.pk
    transaction.on_commit(lambda: remember(member_id, timezone.now()))


def again(backup_at: datetime, now: datetime) -> int:
    """In a database just restored: erases whom the lab had erased since that backup was made. How many."""
    from fabomatic.privacy.erasing import erase_restored

    people = [
        member
        for member_id, at in _since(backup_at).items()
        if (member := Member.objects.select_related("role").filter(pk=member_id, created_at__lte=at).first())
    ]
    erase_restored(people, now)
    return len(people)


def _since(backup_at: datetime) -> dict[int, datetime]:
    """The latest time of each; read to its end, for the ledger grows while they are erased again."""
    return {member_id: at for member_id, at in _entries() if at > backup_at}


def _entries() -> Iterator[tuple[int, datetime]]:
    try:
        lines = _path().read_text(encoding="ascii", errors="replace").splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        number, _blank, time = line.partition(" ")
        with suppress(ValueError, OverflowError):  # a line that a full disk cut off
            at = datetime.fromisoformat(time)
            if at.tzinfo is not None:
                yield int(number), at


def _append(line: str) -> None:
    path = _path()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    is_new = not path.exists()
    with open(path, "ab", opener=_private) as file:
        if file.tell() and not _ends_with_line(path):
            file.write(b"\n")
        file.write(line.encode())
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        _sync_folder(path.parent)


def _ends_with_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _path() -> Path:
    return Path(settings.BACKUP_FOLDER) / NAME


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
