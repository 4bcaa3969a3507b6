"""Cards that nobody owns yet, and rights and memberships that are about to end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, QuerySet, Window
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabomatic.attention.box import NAMED, Box, Line, may_list, moment
from machines.models import Authorization
from members.models import Member
from telemetry.enrolment import MOST_CARDS, unknown_cards

SOON = timedelta(days=30)
ENROLS = ("telemetry.view_tap", "members.add_card", "members.view_member")


def card_boxes(user: Any, now: datetime) -> Iterator[Box]:
    if not user.has_perms(ENROLS):
        return
    cards = unknown_cards(now)
    count = len(cards)
    title = ngettext("%(count)d unknown card was tapped", "%(count)d unknown cards were tapped", count)
    if count == MOST_CARDS:
        title = _("At least %(count)d unknown cards were tapped")
    lines = [Line(card.uid, f"{card.machine}, {moment(card.at)}") for card in cards[:NAMED]]
    yield Box("unknown", title % {"count": count}, count, reverse("admin:telemetry_unknown_cards"), lines)


def ending_boxes(user: Any, now: datetime, most: int = NAMED) -> Iterator[Box]:
    today = timezone.localdate(now, timezone.get_default_timezone())
    names_people = user.has_perm("members.view_member")
    if may_list(user, "machines.authorization"):
        yield _rights(today, names_people, most)
    if may_list(user, "members.member"):
        yield _memberships(today, names_people, most)


def _rights(today: date, names_people: bool, most: int) -> Box:
    fields = ("valid_until", "machine__name", "machine_id", "member__first_name", "member__last_name")
    count, rows = _soonest(Authorization.objects.all(), today, most, *fields)
    lines = [
        Line(
            f"{first} {last}".strip() + f" – {machine} ({number})" if names_people else f"{machine} ({number})",
            _day(until),
        )
        for until, machine, number, first, last in rows
    ]
    title = ngettext(
        "%(count)d authorization ends within 30 days", "%(count)d authorizations end within 30 days", count
    )
    url = f"{reverse('admin:machines_authorization_changelist')}?expiry=soon"
    return Box("rights", title % {"count": count}, count, url, lines)


def _memberships(today: date, names_people: bool, most: int) -> Box:
    members = Member.objects.filter(is_active=True)
    count, rows = _soonest(members, today, most, "valid_until", "pk", "first_name", "last_name")
    lines = [
        Line(f"{first} {last}".strip(), _day(until), reverse("admin:members_member_change", args=[pk]))
        for until, pk, first, last in rows
        if names_people
    ]
    title = ngettext("%(count)d membership ends within 30 days", "%(count)d memberships end within 30 days", count)
    url = f"{reverse('admin:members_member_changelist')}?membership=soon&state=active"
    return Box("memberships", title % {"count": count}, count, url, lines)


def _soonest(things: QuerySet[Any], today: date, most: int, *fields: str) -> tuple[int, list[Any]]:
    """How many there are, and the first few of them, by one query."""
    ending = things.filter(valid_until__range=(today, today + SOON)).order_by("valid_until", "pk")
    rows = list(ending.annotate(all_of_them=Window(Count("pk"))).values_list("all_of_them", *fields)[:most])
    return (rows[0][0] if rows else 0), [row[1:] for row in rows]


def _day(day: date) -> str:
    return _("until %(day)s") % {"day": date_format(day, "DATE_FORMAT")}
