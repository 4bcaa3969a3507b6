"""Members and their cards as files."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from members.exchange.kinds import Cards, Day, OneCard, Time, Whole, Words, YesNo
from members.exchange.member_import import MemberImport
from members.exchange.tables import Column, Table, register
from members.models import Card, Member


def column_of(model: Any, field: str, kind: Any = None, *, attribute: Any = "", name: str = "", **more: Any) -> Column:
    """Called as the model calls the field."""
    return Column(model._meta.get_field(field).verbose_name, attribute or field, kind, name=name, **more)


def _of_member(field: str, kind: Any = None, *, attribute: str = "", is_read: bool = True) -> Column:
    return column_of(Member, field, kind, attribute=attribute, name=field if is_read else "", personal=True)


def _cards(*, is_lost: bool) -> Any:
    return lambda member: [card.uid for card in member.cards.all() if card.is_lost is is_lost]


MEMBERS = Table(
    Member,
    (
        _of_member("first_name"),
        _of_member("last_name"),
        _of_member("email"),
        _of_member("role", Words()),
        _of_member("is_active", YesNo()),
        _of_member("valid_until", Day()),
        Column(_("cards"), _cards(is_lost=False), Cards(), name="cards", personal=True),
        Column(_("lost cards"), _cards(is_lost=True), Cards(), name="lost_cards", personal=True),
        _of_member("language", Words(), attribute="get_language_display"),
        _of_member("wants_weekly_summary", YesNo()),
        _of_member("wants_maintenance_mail", YesNo()),
        _of_member("wants_silence_mail", YesNo()),
        _of_member("notes"),
        _of_member("consent_at", Time()),
        Column(_("consent to version"), "consent_to__version", Whole(), name="consent_to", personal=True),
        _of_member("created_at", Time(), is_read=False),
        _of_member("deactivated_at", Time(), is_read=False),
    ),
    related=("role", "consent_to"),
    prefetched=("cards",),
    importer=MemberImport,
)
MemberImport.table = MEMBERS

CARDS = Table(
    Card,
    (
        column_of(Card, "uid", OneCard(), personal=True),
        column_of(Card, "member", Words(), personal=True),
        column_of(Member, "email", attribute="member__email", personal=True),
        column_of(Card, "label", personal=True),
        column_of(Card, "is_lost", YesNo()),
        column_of(Card, "created_at", Time()),
    ),
    related=("member",),
)

register(MEMBERS)
register(CARDS)
