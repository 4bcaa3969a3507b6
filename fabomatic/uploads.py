"""Backups that somebody uploads: they go to the disk as they come, beside the database, since /tmp is memory on many
small computers. Nobody else reads them, and they stay for an hour at most."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path
from threading import Timer
from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest
from django.utils.translation import gettext as _

KEPT_SECONDS = 3600
SPARE = 64 * 1024 * 1024  # what the disk keeps for everybody else
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)
_ODD = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)


class ToDisk(FileUploadHandler):
    """One file. What is wrong with it is said in `trouble`."""

    chunk_size = 256 * 1024

    def __init__(self, request: HttpRequest, owner: int) -> None:
        super().__init__(request)
        self.token = f"{owner}-{secrets.token_urlsafe(24)}"
        self.path: Path | None = None
        self.trouble = ""
        self.is_taken = False
        self._file: Any = None

    def new_file(self, field_name: str, *args: Any, **kwargs: Any) -> None:
        super().new_file(field_name, *args, **kwargs)
        if self.path is not None or self.trouble or field_name != "file":
            raise SkipFile
        try:
            place = folder() / self.token
            place.mkdir(mode=0o700)
            self.path = place / _safe(str(self.file_name))
            self._file = open(self.path, "xb", opener=_private)  # noqa: SIM115  (file_complete closes it)
        except OSError:
            self._give_up(_("The file could not be stored."))

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        try:
            if shutil.disk_usage(folder()).free < SPARE + len(raw_data):
                self._give_up(_("The disk has no room for this file."))
            self._file.write(raw_data)
        except OSError:
            self._give_up(_("The disk has no room for this file."))

    def file_complete(self, file_size: int) -> None:
        try:
            self._file.close()
        except OSError:
            self.trouble = _("The disk has no room for this file.")
            self.discard()

    def upload_interrupted(self) -> None:
        self.discard()

    def discard(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        remove(self.token)
        self.path = None

    def _give_up(self, trouble: str) -> None:
        self.trouble = trouble
        self.discard()
        raise SkipFile


def find(token: str, owner: int) -> Path | None:
    """None once it is gone, or somebody else's."""
    sweep()
    number, _dash, secret = token.partition("-")
    if number != str(owner) or not _TOKEN.fullmatch(secret):
        return None
    place = folder() / token
    return next((path for path in place.iterdir() if path.is_file()), None) if place.is_dir() else None


def remove(token: str) -> None:
    number, _dash, secret = token.partition("-")
    if number.isdigit() and _TOKEN.fullmatch(secret):
        shutil.rmtree(folder() / token, ignore_errors=True)


def sweep() -> None:
    oldest = time.time() - KEPT_SECONDS
    for place in folder().iterdir():
        with suppress(OSError):
            if max(path.stat().st_mtime for path in (place, *place.glob("*"))) < oldest:
                shutil.rmtree(place, ignore_errors=True)


def sweep_in_time() -> None:
    """Also when nobody comes back."""
    timer = Timer(KEPT_SECONDS + 1, sweep)
    timer.daemon = True
    timer.start()


def folder() -> Path:
    place = Path(settings.IMPORT_FOLDER).with_name("uploads")
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def _safe(name: str) -> str:
    """As it was called, for its date and for people; nothing that names a place, and nothing hidden."""
    return _ODD.sub("_", Path(name).name).lstrip(".")[-100:] or "backup"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
