"""What is left behind by logging in, by mails and by imports, and is of no use any more."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Q

from fabomatic.models import Notice
from fabomatic.privacy.purge_rows import Old, Watch, deleted
from fabomatic.privacy.purge_span import Span
from members.exchange.jobs import KEPT_SECONDS, sweep

AFTER_THE_WAIT = timedelta(days=1)


class Several:
    def __init__(self, *parts: Old) -> None:
        self._parts = parts

    def count(self, watch: Watch) -> int:
        return sum(part.count(watch) for part in self._parts)

    def purge(self, watch: Watch) -> int:
        return sum(part.purge(watch) for part in self._parts)


def sessions(span: Span) -> Old:
    return deleted(Session, Q(expire_date__lt=span.now), is_indexed=True)


def wrong_passwords(span: Span) -> Several:
    """Whoever gave them has been let in again long since."""
    until = span.now - settings.AXES_COOLOFF_TIME - AFTER_THE_WAIT
    models: tuple[Any, ...] = (AccessAttempt, AccessFailureLog, AccessLog)
    return Several(*(deleted(model, Q(attempt_time__lt=until)) for model in models))


def notices(span: Span) -> Old:
    return deleted(Notice, Q(created_at__lt=span.cutoff), is_indexed=True)


class ImportFiles:
    """Their hour is that of the disk they are on."""

    def count(self, watch: Watch) -> int:
        return sum(path.stat().st_mtime < time.time() - KEPT_SECONDS for path in _files())

    def purge(self, watch: Watch) -> int:
        before = len(_files())
        if before:
            sweep()
        return before - len(_files())


def _files() -> list[Path]:
    return [path for path in Path(settings.IMPORT_FOLDER).glob("*.*") if path.is_file()]
