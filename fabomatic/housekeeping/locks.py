"""One job at a time of each kind, whoever starts it: cron, a timer, a person."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings


class AlreadyRunning(Exception):
    pass


@contextmanager
def alone(name: str) -> Iterator[None]:
    """The lock goes with the process: one that was killed leaves nothing to tidy up."""
    folder = Path(settings.LOCK_FOLDER)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(folder / f"{name}.lock", "w", opener=_private) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(name) from None
        yield


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
