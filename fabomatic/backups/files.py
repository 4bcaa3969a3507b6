"""Files that hold everything about everybody: private, whole or not there, and never larger than the disk."""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import os
import shutil
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from fabomatic.backups.errors import BackupFailed, NoBackup

PART = ".fabomatic-part-"
PIECE = 1024 * 1024
ABANDONED_SECONDS = 86400
SPARE = 16 * PIECE  # what the disk keeps for everybody else


def own_folder() -> Path:
    """Parents are made below the project only: elsewhere a missing one is a disk that is not mounted."""
    folder = Path(settings.BACKUP_FOLDER)
    if folder.is_dir():
        return folder
    try:
        folder.mkdir(mode=0o700, parents=folder.is_relative_to(settings.BASE_DIR))
    except OSError:
        text = _("The folder for backups, %(folder)s, cannot be made; is its disk mounted?")
        raise BackupFailed(text % {"folder": folder}) from None
    if os.geteuid() == 0:
        give_to_owner_of(folder.parent, folder)
    return folder


@contextmanager
def workplace(folder: Path, prefix: str = PART) -> Iterator[Path]:
    """A hidden folder in it, gone afterwards. Its lock, which goes with the process, says that somebody is at work."""
    with TemporaryDirectory(prefix=prefix, dir=folder, ignore_cleanup_errors=True) as place:
        lock = os.open(place, os.O_RDONLY)
        try:
            with suppress(OSError):  # shares in the network may know no locks on folders
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield Path(place)
        finally:
            os.close(lock)


def tidy(folder: Path, prefix: str = PART) -> None:
    """What a run left behind that was killed."""
    for place in folder.glob(f"{prefix}*"):
        with suppress(OSError):
            lock = os.open(place, os.O_RDONLY)
            try:
                if _is_abandoned(lock):
                    shutil.rmtree(place)
            finally:
                os.close(lock)


def _is_abandoned(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return time.time() - os.fstat(lock).st_mtime > ABANDONED_SECONDS
    return True


def private(path: Path) -> Path:
    """E-mail addresses, password hashes and cards are in it."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    return path


def give_to_owner_of(folder: Path, path: Path) -> None:
    """What root makes has to be readable by the lab's own user; some disks know no owners."""
    owner = folder.stat()
    with suppress(OSError):
        os.chown(path, owner.st_uid, owner.st_gid)


def put(part: Path, path: Path) -> None:
    """Under its good name once all of it is on the disk, and for good."""
    sync(part)
    if os.geteuid() == 0:
        give_to_owner_of(path.parent, part)
    part.rename(path)
    with suppress(OSError):  # nor that a folder is to be written
        sync(path.parent)


def sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def require_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE:
        text = _("There is not enough space in %(folder)s: %(needed)s are needed, %(free)s are free.")
        sizes = {"needed": filesizeformat(needed + SPARE), "free": filesizeformat(free)}
        raise BackupFailed(text % {"folder": folder, **sizes})


def pack(plain: Path, packed: Path, at: datetime) -> None:
    with (
        plain.open("rb") as source,
        private(packed).open("wb") as target,
        gzip.GzipFile("", "wb", 6, target, int(at.timestamp())) as zipped,
    ):
        shutil.copyfileobj(source, zipped, PIECE)


def unpack(packed: Path, plain: Path) -> datetime | None:
    """When it was packed. What unpacks to more than the disk holds is no backup of ours."""
    try:
        with gzip.open(packed, "rb") as source:
            _copy_bounded(source, plain)
            return datetime.fromtimestamp(source.mtime, UTC) if source.mtime else None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise NoBackup(_("The file is damaged: it cannot be unpacked to its end.")) from None


def copy_plain(path: Path, plain: Path) -> None:
    with path.open("rb") as source:
        _copy_bounded(source, plain)


def _copy_bounded(source: IO[bytes] | gzip.GzipFile, plain: Path) -> None:
    left = shutil.disk_usage(plain.parent).free - SPARE
    with private(plain).open("wb") as target:
        while piece := source.read(PIECE):
            left -= len(piece)
            if left < 0:
                raise NoBackup(_("The file unpacks to more than the disk has room for."))
            target.write(piece)


def sha256(path: Path) -> str:
    """Of what is on the disk, as far as the system can be made to forget what it has in memory."""
    with path.open("rb") as file:
        with suppress(OSError):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return hashlib.file_digest(file, "sha256").hexdigest()
