"""To whom a week's summary goes: to staff who asked for it, each once, whatever becomes of the others' mails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import IntegrityError
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabomatic.models import Notice
from fabomatic.post import deliver, owed
from fabomatic.summary.figures import Figures
from fabomatic.summary.sections import may_read_all, may_read_any, sections_for
from fabomatic.summary.week import Week
from members.mail import letter
from members.models import Member


@dataclass(frozen=True, slots=True)
class Sent:
    sent: int
    troubles: Counter[str]

    @property
    def text(self) -> str:
        """Without addresses."""
        parts = [ngettext("%(count)d sent", "%(count)d sent", self.sent) % {"count": self.sent}]
        for trouble, count in self.troubles.items():
            not_sent = ngettext("%(count)d not sent: %(trouble)s", "%(count)d not sent: %(trouble)s", count)
            parts.append(not_sent % {"count": count, "trouble": trouble})
        return ", ".join(parts) + ("" if self.troubles else ".")


def who_asked() -> list[Member]:
    """Role and address may have changed since."""
    staff = Member.objects.filter(is_active=True, role__is_backend_admin=True, email__isnull=False)
    return list(staff.filter(wants_weekly_summary=True).select_related("role").order_by("pk"))


def staff_at(address: str) -> Member | None:
    """Whether they asked for it or not."""
    staff = Member.objects.filter(is_active=True, role__is_backend_admin=True).select_related("role")
    return staff.filter(email=address.strip().lower()).first()


def without_it(week: Week, readers: Iterable[Member]) -> list[Member]:
    have_it = Notice.objects.filter(kind=Notice.Kind.SUMMARY, about=str(week), sent_at__isnull=False)
    told = set(have_it.order_by().values_list("member_id", flat=True))
    return [reader for reader in readers if reader.pk not in told]


def send(figures: Figures, readers: Iterable[Member], now: datetime) -> Sent:
    """Noted after each mail, so that a crash between two sends nobody another."""
    sent, troubles = 0, Counter[str]()
    for reader in readers:
        try:
            notices = _notices(reader, figures.week, now)
        except IntegrityError:  # deleted meanwhile
            continue
        if trouble := deliver(mail_for(reader, figures), notices, now):
            troubles[trouble] += 1
        else:
            sent += 1
    return Sent(sent, troubles)


def _notices(reader: Member, week: Week, now: datetime) -> list[Notice]:
    """Also of somebody who has it, where it is sent again on purpose."""
    about = [str(week)]
    unsent = owed(Notice.Kind.SUMMARY, reader, about, now)
    return unsent or list(Notice.objects.filter(kind=Notice.Kind.SUMMARY, member=reader, about__in=about))


def mail_for(reader: Member, figures: Figures) -> EmailMultiAlternatives:
    with translation.override(reader.language or settings.LANGUAGE_CODE):
        week = {"week": figures.week.name}
        return letter(
            reader,
            _("Fabomatic: %(week)s") % week,
            "weekly_summary",
            sections=sections_for(reader, figures),
            opening=_("this was the week of %(week)s.") % week,
            nothing=_nothing(reader),
            why=_why(reader),
        )


def _nothing(reader: Member) -> str:
    if not may_read_any(reader):
        return _("Your role may see nothing of what this mail tells.")
    if not may_read_all(reader):  # others may know more
        return _("Of what your role may see nothing happened, and there is nothing to do.")
    return _("It was a quiet week: nothing happened, and there is nothing to do. Enjoy the next one!")


def _why(reader: Member) -> str:
    if reader.wants_weekly_summary:
        return _("You get this mail because you asked for it; whoever looks after the members can switch it off.")
    return _("Somebody had this mail sent to you once.")
