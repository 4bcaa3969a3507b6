"""To which text somebody has agreed, and when. Old papers name no version; a version without a day proves nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q, Subquery
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from members import agreements
from members.changes import Details, value
from members.models import Agreement, Member

WITHOUT_DAY = gettext_lazy("Say when they agreed to it. To withdraw a consent, empty both.")
_field: Any = Member._meta.get_field
IN_FUTURE = gettext_lazy("This is in the future.")


def objection(consent_at: datetime | None, consent_to: Agreement | None, now: datetime) -> tuple[str, Any] | None:
    """The field, and what is wrong with it."""
    if consent_to is not None and consent_at is None:
        return "consent_at", WITHOUT_DAY
    if consent_at is not None and consent_at > now:
        return "consent_at", IN_FUTURE
    return None


def record(member: Member, agreement: Agreement, now: datetime) -> Details:
    before = member.consent_at, member.consent_to
    member.consent_at, member.consent_to = now, agreement
    member.save(update_fields=["consent_at", "consent_to"])
    return _details(before, member)


def _details(before: tuple[datetime | None, Agreement | None], member: Member) -> Details:
    with override(None):
        at, to = (str(field.verbose_name) for field in (_field("consent_at"), _field("consent_to")))
        values = [
            value(at, before[0], member.consent_at, personal=True),
            value(to, before[1], member.consent_to, personal=True),
        ]
    return [{"did": "changed", "values": [entry for entry in values if entry["old"] != entry["new"]]}]


# ---- in lists --------------------------------------------------------------------------------------------------------


_LATEST = Subquery(Agreement.objects.order_by("-version").values("version")[:1])
AGREED = Q(consent_to__version=_LATEST)
# Or on a paper that names no version.
AGREED_BEFORE = Q(consent_at__isnull=False) & (Q(consent_to__isnull=True) | Q(consent_to__version__lt=_LATEST))
NOT_AGREED = Q(consent_at__isnull=True)


def add_standings(members: list[Member]) -> None:
    latest = agreements.current() if any(member.consent_to_id for member in members) else None
    for member in members:
        member.standing = standing_of(member, latest)  # type: ignore[attr-defined]


def standing_of(member: Member, latest: Agreement | None) -> str:
    if member.consent_at is None:
        return ""
    if member.consent_to is None:
        day = timezone.localtime(member.consent_at, timezone.get_default_timezone())
        return _("agreed %(day)s") % {"day": date_format(day, "SHORT_DATE_FORMAT")}
    about = {"version": member.consent_to.version}
    if latest is None or member.consent_to_id == latest.pk:
        return _("version %(version)d") % about
    return _("older: version %(version)d") % about
