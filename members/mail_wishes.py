"""Which mails somebody wishes who will not get them. Said, not refused: the address or the role may come tomorrow."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from members.models import Member

WISHES = ("wants_weekly_summary", "wants_maintenance_mail", "wants_silence_mail")


def in_vain(member: Member) -> Iterator[str]:
    if not any(getattr(member, wish) for wish in WISHES):
        return
    if not member.email:
        yield _("Without an e-mail address nobody gets the mails they wish.")
    if member.wants_maintenance_mail and not member.role.can_maintain:
        yield _("Mails about due maintenance go to people whose role does maintenance only.")
    if (member.wants_silence_mail or member.wants_weekly_summary) and not member.role.is_backend_admin:
        yield _(
            "The weekly summary and mails about silent boards go to people whose role enters this administration only."
        )
