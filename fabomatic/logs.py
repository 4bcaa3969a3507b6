"""The worker's last lines in a file, for the system page. A full or read-only disk stops nobody from working."""

from __future__ import annotations

import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path

LARGEST = 256 * 1024  # bytes; one older file of the same size is kept
AT_MOST = 64 * 1024


class KeptLog(RotatingFileHandler):
    def __init__(self, path: str) -> None:
        super().__init__(path, maxBytes=LARGEST, backupCount=1, encoding="utf-8", delay=True)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:  # the directory cannot be written; the console has the line
            self.close()

    def handleError(self, record: logging.LogRecord) -> None:
        """Silent: the console handler says the same line."""

    def _open(self):  # type: ignore[no-untyped-def]  # what it returns is no part of its interface
        path = Path(self.baseFilename)
        path.parent.mkdir(parents=True, exist_ok=True)
        return open(path, "a", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o640))


def last_lines(path: Path, count: int) -> list[str] | None:
    """The latest last; None where there is no such file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - AT_MOST))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return None
    lines = text.splitlines()
    return (lines[1:] if size > AT_MOST else lines)[-count:]
