"""A copy of the copy, better on another disk: a stick, a share. What goes wrong there leaves the first one alone."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from fabomatic.backups import files, keeping
from fabomatic.backups.errors import BackupFailed, in_words

LEDGER = "erased.txt"


def copy(path: Path, now: datetime) -> str:
    """The trouble in a sentence, or nothing."""
    if settings.BACKUP_SECOND_FOLDER is None:
        return ""
    folder = Path(settings.BACKUP_SECOND_FOLDER)
    try:
        _copy(path, folder, now)
    except BackupFailed as failure:
        return str(failure)
    except OSError as error:
        text = _("The second place, %(folder)s, could not be written: %(error)s.")
        return text % {"folder": folder, "error": in_words(error)}
    return ""


def _copy(path: Path, folder: Path, now: datetime) -> None:
    if not folder.is_dir():  # not made here: below a disk that is not mounted it would be on the first one
        text = _("The second place, %(folder)s, is not there: is its disk mounted? Make the folder yourself.")
        raise BackupFailed(text % {"folder": folder})
    if folder.samefile(path.parent):
        raise BackupFailed(_("The second place for backups is the same folder as the first."))
    files.tidy(folder)
    files.require_space(folder, path.stat().st_size)
    with files.workplace(folder) as place:
        _copy_whole(path, place / path.name, folder / path.name)
        ledger = path.with_name(LEDGER)
        if ledger.is_file():
            _copy_whole(ledger, place / LEDGER, folder / LEDGER)
    keeping.rotate(folder, now)


def _copy_whole(path: Path, part: Path, target: Path) -> None:
    with path.open("rb") as source, files.private(part).open("wb") as copied:
        shutil.copyfileobj(source, copied, files.PIECE)
    files.sync(part)
    if files.sha256(part) != files.sha256(path):
        text = _("The second place, %(folder)s, gives back something else than what was written: is its disk failing?")
        raise BackupFailed(text % {"folder": target.parent})
    files.put(part, target)
