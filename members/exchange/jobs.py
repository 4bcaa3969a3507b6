"""An uploaded file between its preview and its end: in a folder that nobody else reads, under a name that nobody
guesses, for an hour at most, one for each person and list."""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Timer
from typing import Any

from django.conf import settings

KEPT_SECONDS = 3600
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")


@dataclass
class Progress:
    """How far it came. `refused` are rows that were good in the preview and no longer were when their turn came."""

    done: int = 0
    written: int = 0
    unchanged: int = 0
    left_out: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)
    is_begun: bool = False
    is_over: bool = False

    def count(self, what: str, rows: int = 1) -> None:
        setattr(self, what, getattr(self, what) + rows)
        self.done += rows

    def refuse(self, number: int, errors: list[tuple[str, str]]) -> None:
        self.refused.append({"number": number, "errors": errors})
        self.done += 1


@dataclass
class Job:
    token: str
    owner: int
    model: str
    file_name: str
    heading: list[str]
    rows: list[dict[str, Any]]  # number, cells, verdict, about, details, remarks, errors
    unknown: list[str]
    language: str

    @property
    def counts(self) -> dict[str, int]:
        verdicts = [row["verdict"] for row in self.rows]
        return {verdict: verdicts.count(verdict) for verdict in ("new", "changed", "unchanged", "error")}

    # ---- progress ----------------------------------------------------------------------------------------------------

    def progress(self) -> Progress:
        try:
            return Progress(**json.loads(_path(self.token, "state").read_text()))
        except FileNotFoundError:
            return Progress()

    def keep(self, progress: Progress) -> None:
        _write(_path(self.token, "state"), asdict(progress))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """A second click waits for the first one."""
        with open(_path(self.token, "lock"), "w", opener=_private) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def make(owner: int, model: str, **fields: Any) -> Job:
    sweep()
    for path in _folder().glob(f"{owner}-*.{model}.json"):
        remove(path.name.split(".")[0])
    job = Job(token=f"{owner}-{secrets.token_urlsafe(24)}", owner=owner, model=model, **fields)
    keep_rows(job)
    timer = Timer(KEPT_SECONDS + 1, sweep)
    timer.daemon = True
    timer.start()
    return job


def keep_rows(job: Job) -> None:
    _write(_path(job.token, f"{job.model}.json"), asdict(job))


def find(token: str, owner: int, model: str) -> Job | None:
    """None once it is gone, or somebody else's."""
    sweep()
    number, _dash, secret = token.partition("-")
    if number != str(owner) or not _TOKEN.fullmatch(secret):
        return None
    try:
        return Job(**json.loads(_path(token, f"{model}.json").read_text()))
    except FileNotFoundError:
        return None


def remove(token: str) -> None:
    for path in _folder().glob(f"{token}.*"):
        path.unlink(missing_ok=True)


def files_of(owner: int) -> list[str]:
    """As they called those that wait."""
    sweep()
    return [json.loads(path.read_text())["file_name"] for path in sorted(_folder().glob(f"{owner}-*.*.json"))]


def remove_all_of(owner: int) -> int:
    """How many files they had uploaded."""
    tokens = {path.name.split(".")[0] for path in _folder().glob(f"{owner}-*.*")}
    for token in tokens:
        remove(token)
    return len(tokens)


def sweep() -> None:
    oldest = time.time() - KEPT_SECONDS
    for path in _folder().glob("*.*"):
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
        except FileNotFoundError:
            continue


def _folder() -> Path:
    folder = Path(settings.IMPORT_FOLDER)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _path(token: str, kind: str) -> Path:
    return _folder() / f"{token}.{kind}"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _write(path: Path, content: dict[str, Any]) -> None:
    """Whole or not at all."""
    new = path.with_suffix(f".{secrets.token_hex(4)}")
    with open(new, "w", opener=_private) as file:
        json.dump(content, file)
    os.replace(new, path)
