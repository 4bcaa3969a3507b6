"""One job at a time of each kind, whoever starts it: cron, a timer, a person."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.conf import settings
from django.utils.translation import gettext as _


class AlreadyRunning(Exception):
    pass


class CannotLock(Exception):
    """With a sentence for people."""


@contextmanager
def alone(name: str) -> Iterator[None]:
    """The lock goes with the process: one that was killed leaves nothing to tidy up."""
    with _opened(Path(settings.LOCK_FOLDER) / f"{name}.lock") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(name) from None
        yield


def _opened(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return open(path, "w", opener=_private)
    except OSError as error:
        text = _("%(file)s cannot be opened (%(kind)s): all jobs have to run as the same user.")
        raise CannotLock(text % {"file": f"{path.parent.name}/{path.name}", "kind": type(error).__name__}) from None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
