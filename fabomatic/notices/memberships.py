"""A membership is about to end: to the member."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from email.utils import parseaddr

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import lazy
from django.utils.translation import gettext as _

from fabomatic.models import Notice
from fabomatic.notices.letters import Letter, readers, settled


def membership_letters(now: datetime) -> Iterator[Letter]:
    """Whose ends first comes first. A prolonged one is told again when its new end comes near."""
    if not settings.MAIL_MEMBERSHIP_ENDS:
        return
    today = timezone.localdate(now, timezone.get_default_timezone())
    soon = today + timedelta(days=settings.MEMBERSHIP_NOTICE_DAYS)
    members = readers(valid_until__range=(today, soon))
    ending = [(member.valid_until, member) for member in members.order_by("valid_until", "pk") if member.valid_until]
    days = {day.isoformat() for day, _member in ending}
    told = settled(Notice.Kind.MEMBERSHIP, members.order_by().values("pk"), days) if ending else set()
    _name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    for day, member in ending:
        if (member.pk, day.isoformat()) not in told:
            context = {"until": day, "is_today": day == today, "address": address}
            yield Letter(Notice.Kind.MEMBERSHIP, member, (day.isoformat(),), _lazy_subject(day), "membership", context)


def _subject(day: date) -> str:
    return _("Your membership ends on %(day)s") % {"day": date_format(day, "DATE_FORMAT")}


_lazy_subject = lazy(_subject, str)
