"""What boards know of members, in the list of members: their last visit. And what they leave behind."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import connection
from django.db.models import F, OuterRef, Subquery, Value
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from machines.models import Use
from members.admin import MemberAdmin
from members.models import Card, Member
from telemetry.forgetting import forget
from telemetry.models import Tap

RECENT = 20


def add_last_visits(members: list[Member]) -> None:
    """One query for the page. Taps are sorted by time in their index; of somebody's uses with a card, and of those that
    staff wrote down without one, the last recorded are looked at: there may be thousands."""
    keys = [member.pk for member in members]
    people, cards = Member.objects.filter(pk__in=keys).order_by(), Card.objects.filter(member__in=keys).order_by()
    tapped = Tap.objects.filter(member=OuterRef("pk")).order_by("-at", "-pk").values("at")[:1]
    parts = (
        people.annotate(visit=Subquery(tapped)).values_list("pk", "visit"),
        people.annotate(visit=_latest_use("pk", Value(""))).values_list("pk", "visit"),
        cards.annotate(visit=_latest_use("member_id", OuterRef(OuterRef("uid")))).values_list("member_id", "visit"),
    )
    latest: dict[int, Any] = {}
    for key, at in parts[0].union(*parts[1:], all=True):
        if at is not None:
            latest[key] = max(at, latest.get(key, at))
    for member in members:
        member.latest_visit = latest.get(member.pk)  # type: ignore[attr-defined]


def _latest_use(member_key: str, uid: Any) -> Subquery:
    # PostgreSQL would look among the latest of everybody, and read everything for who never came.
    last_recorded: Any = "-pk" if connection.vendor == "sqlite" else (F("pk") + 0).desc()
    of_card = Use.objects.filter(member=OuterRef(OuterRef(member_key)), card_uid=uid)
    recent = of_card.order_by(last_recorded).values("pk")[:RECENT]
    return Subquery(Use.objects.filter(pk__in=recent).order_by("-started_at").values("started_at")[:1])


@admin.display(description=_("last visit"), empty_value="–")
def last_visit(member: Any) -> str | None:
    at = member.latest_visit
    return None if at is None else date_format(timezone.localtime(at), "SHORT_DATE_FORMAT")


MemberAdmin.fill_rows.append(add_last_visits)
MemberAdmin.forget_before.append(forget)
MemberAdmin.list_display = (*MemberAdmin.list_display, last_visit)
