from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from machines.exchange.authorization_import import AuthorizationImport
from machines.exchange.use_import import UseImport
from machines.models import Authorization, EndReason, Intervention, Machine, Use
from members.exchange.kinds import Choice, Day, Hours, OneCard, Time, Whole, Words, YesNo
from members.exchange.people import column_of
from members.exchange.tables import Column, Table, register
from members.models import Member

NUMBER = _("machine number")


def _machine_columns(*, name: str = "") -> tuple[Column, Column]:
    return (
        Column(NUMBER, "machine_id", Whole(), name=name),
        Column(Machine._meta.verbose_name, "machine__name"),
    )


def _who(model: Any, *, is_read: bool = False) -> tuple[Column, Column]:
    return (
        column_of(model, "member", Words(), personal=True),
        column_of(Member, "email", attribute="member__email", name="email" if is_read else "", personal=True),
    )


def _first_card(authorization: Authorization) -> str | None:
    """Whoever has no e-mail is found again by a card."""
    cards = authorization.member.cards.all()
    return min((card.uid for card in cards if not card.is_lost), default=None)


MACHINES = Table(
    Machine,
    (
        Column(NUMBER, "pk"),
        column_of(Machine, "name"),
        column_of(Machine, "type", Words()),
        column_of(Machine, "location"),
        column_of(Machine, "is_blocked", YesNo()),
        column_of(Machine, "blocked_reason"),
        column_of(Machine, "blocked_at", Time()),
        Column(_("odometer, hours"), "seconds_used", Hours()),
        Column(_("hours before the first use here"), "initial_seconds", Hours()),
        column_of(Machine, "last_seen_at", Time()),
        column_of(Machine, "documentation_url"),
    ),
    related=("type",),
)

AUTHORIZATIONS = Table(
    Authorization,
    (
        *_who(Authorization, is_read=True),
        Column(_("card number"), _first_card, OneCard(), name="card", personal=True),
        *_machine_columns(name="machine"),
        column_of(Authorization, "valid_until", Day(), name="valid_until"),
        column_of(Authorization, "granted_by", Words(), personal=True),
        column_of(Authorization, "granted_at", Time()),
        column_of(Authorization, "note", name="note", personal=True),
    ),
    related=("member", "machine", "granted_by"),
    prefetched=("member__cards",),
    importer=AuthorizationImport,
)
AuthorizationImport.table = AUTHORIZATIONS

USES = Table(
    Use,
    (
        *_machine_columns(name="machine"),
        *_who(Use, is_read=True),
        column_of(Use, "card_uid", OneCard(), name="card", personal=True),
        column_of(Use, "started_at", Time(), name="started_at"),
        column_of(Use, "ended_at", Time(), name="ended_at"),
        Column(_("hours"), "duration", Hours()),
        column_of(Use, "end_reason", Choice(EndReason.choices)),
        column_of(Use, "is_replay", YesNo()),
        column_of(Use, "recorded_at", Time()),
        column_of(Use, "note", name="note", personal=True),
    ),
    related=("machine", "member"),
    importer=UseImport,
)
UseImport.table = USES

INTERVENTIONS = Table(
    Intervention,
    (
        column_of(Intervention, "at", Time()),
        *_machine_columns(),
        Column(_("maintenance plan"), "plan__description"),
        *_who(Intervention),
        Column(_("odometer, hours"), "reading", Hours()),
        column_of(Intervention, "is_replay", YesNo()),
        column_of(Intervention, "note", personal=True),
    ),
    related=("plan", "machine", "member"),
)

for table in (MACHINES, AUTHORIZATIONS, USES, INTERVENTIONS):
    register(table)
