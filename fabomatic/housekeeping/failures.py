"""Tells people that a job failed: once a day, not at each of its runs."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone
from django.utils.translation import gettext as _

from fabomatic.models import Run

log = logging.getLogger(__name__)


def tell(name: str, failure: str, run: Run | None) -> None:
    """To FAILURE_MAIL_TO, unless they have been told today. Without `run`: not even that could be noted."""
    if not settings.FAILURE_MAIL_TO or _was_told_today(name, run):
        return
    text = _("The job %(job)s failed:\n\n%(text)s\n\nThe system page knows more: %(page)s")
    mail = EmailMessage(
        _("Fabomatic: %(job)s failed") % {"job": name},
        text % {"job": name, "text": failure, "page": f"{settings.SITE_URL}/admin/system/"},
        to=settings.FAILURE_MAIL_TO,
        headers={"Auto-Submitted": "auto-generated"},
    )
    try:
        mail.send()
    except Exception as error:  # whatever a mail server thinks of: the job's own failure is noted already
        log.error("That %s failed could not be told by mail: %s", name, type(error).__name__)
        return
    try:
        _mark(name).write_text(_day(timezone.now()).isoformat(), encoding="ascii")
    except OSError as error:
        log.warning("That %s is told could not be marked: %s", name, type(error).__name__)


def is_over(name: str) -> None:
    """It went well: what fails next is another trouble."""
    with suppress(OSError):
        _mark(name).unlink(missing_ok=True)


def _mark(name: str) -> Path:
    """A file: there may be no database."""
    return Path(settings.LOCK_FOLDER) / f"{name}.told"


def _was_told_today(name: str, run: Run | None) -> bool:
    mark = _mark(name)
    try:
        if mark.is_file():
            return mark.read_text(encoding="ascii", errors="replace") == _day(timezone.now()).isoformat()
    except OSError:
        pass
    return run is not None and not os.access(mark.parent, os.W_OK) and _failed_today(run)


def _failed_today(run: Run) -> bool:
    """The failures before it since it last went well are one trouble."""
    before = Run.objects.filter(kind=run.kind, pk__lt=run.pk).order_by("-pk").first()
    return before is not None and not before.is_ok and _day(before.at) == _day(run.at)


def _day(at: datetime) -> date:
    return timezone.localdate(at, timezone.get_default_timezone())
