"""Tells people that a job failed: once a day, not at each of its runs."""

from __future__ import annotations

import logging
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
    if not settings.FAILURE_MAIL_TO or (_was_told_today(run) if run is not None else _was_marked_today(name)):
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


def _was_told_today(run: Run) -> bool:
    """The failures before it since it last went well are one trouble."""
    before = Run.objects.filter(kind=run.kind, pk__lt=run.pk).order_by("-pk").first()
    return before is not None and not before.is_ok and _day(before.at) == _day(run.at)


def _was_marked_today(name: str) -> bool:
    """In a file, as there is no database. One that cannot be written may cost a mail each time, but not the first."""
    mark, today = Path(settings.LOCK_FOLDER) / f"{name}.told", _day(timezone.now()).isoformat()
    try:
        if mark.is_file() and mark.read_text(encoding="ascii", errors="replace") == today:
            return True
        mark.write_text(today, encoding="ascii")
    except OSError as error:
        log.warning("That %s is told could not be marked: %s", name, type(error).__name__)
    return False


def _day(at: datetime) -> date:
    return timezone.localdate(at, timezone.get_default_timezone())
