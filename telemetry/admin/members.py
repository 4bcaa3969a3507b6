"""What boards know of members, in the list of members: their last visit."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Max
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from machines.models import Use
from members.admin import MemberAdmin
from members.models import Member
from telemetry.models import Tap


def add_last_visits(members: list[Member]) -> None:
    """One query for the page, by the index on the member: it reads what these people did and nothing else."""
    keys = [member.pk for member in members]
    taps = Tap.objects.filter(member__in=keys).order_by().values("member_id").annotate(latest=Max("at"))
    uses = Use.objects.filter(member__in=keys).order_by().values("member_id").annotate(latest=Max("started_at"))
    latest: dict[int, Any] = {}
    for key, at in taps.values_list("member_id", "latest").union(uses.values_list("member_id", "latest"), all=True):
        latest[key] = max(at, latest.get(key, at))
    for member in members:
        member.latest_visit = latest.get(member.pk)  # type: ignore[attr-defined]


@admin.display(description=_("last visit"), empty_value="–")
def last_visit(member: Any) -> str | None:
    at = member.latest_visit
    return None if at is None else date_format(timezone.localtime(at), "SHORT_DATE_FORMAT")


MemberAdmin.fill_rows.append(add_last_visits)
MemberAdmin.list_display = (*MemberAdmin.list_display, last_visit)
