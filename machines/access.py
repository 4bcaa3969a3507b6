"""May this card use this machine, and if not, why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from django.db.models import FilteredRelation, Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from machines.models import Authorization, Machine, Use
from machines.prepared import Prepared
from members.models import Card
from members.uids import is_reader_uid


class Outcome(StrEnum):
    GRANTED = "granted"
    UNKNOWN_CARD = "unknown_card"
    LOST_CARD = "lost_card"
    MEMBER_INACTIVE = "member_inactive"
    MEMBERSHIP_EXPIRED = "membership_expired"
    MACHINE_BLOCKED = "machine_blocked"
    NOT_AUTHORIZED = "not_authorized"
    AUTHORIZATION_EXPIRED = "authorization_expired"
    UNKNOWN_MACHINE = "unknown_machine"
    BOARD_CONFLICT = "board_conflict"
    UNANSWERED = "unanswered"

    @property
    def sentence(self) -> Promise:
        return _SENTENCES[self]

    @classmethod
    def choices(cls) -> list[tuple[str, Promise]]:
        return [(outcome.value, outcome.sentence) for outcome in cls]


_SENTENCES: dict[Outcome, Promise] = {
    Outcome.GRANTED: _("May use the machine."),
    Outcome.UNKNOWN_CARD: _("The card belongs to nobody."),
    Outcome.LOST_CARD: _("The card was reported lost."),
    Outcome.MEMBER_INACTIVE: _("The member is disabled."),
    Outcome.MEMBERSHIP_EXPIRED: _("The membership has ended."),
    Outcome.MACHINE_BLOCKED: _("The machine is blocked."),
    Outcome.NOT_AUTHORIZED: _("The member has no authorization for this machine."),
    Outcome.AUTHORIZATION_EXPIRED: _("The member's authorization has expired."),
    Outcome.UNKNOWN_MACHINE: _("There is no machine with this number."),
    Outcome.BOARD_CONFLICT: _("Two boards speak for this machine: staff has to say which one belongs there."),
    Outcome.UNANSWERED: _("No answer was possible in time; the board decided by itself."),
}
MISSING_AUTHORIZATION = frozenset({Outcome.NOT_AUTHORIZED, Outcome.AUTHORIZATION_EXPIRED})


class MachineFacts(NamedTuple):
    id: int
    name: str
    is_blocked: bool
    type_id: int
    auto_logoff_minutes: int
    grace_minutes: int
    needs_authorization: bool
    seconds_used: int


class Holder(NamedTuple):
    """The card and the member it belongs to, with the right to one machine."""

    card_id: int
    is_lost: bool
    member_id: int
    first_name: str
    last_name: str
    is_active: bool
    valid_until: date | None
    authorizes_all: bool
    can_maintain: bool
    is_backend_admin: bool
    authorization_id: int | None
    authorization_ends: date | None

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def level(self) -> int:
        """What the board lets the person do: 1 member, 2 staff, 3 administrator."""
        if self.is_backend_admin and self.authorizes_all:
            return 3
        return 2 if self.can_maintain or self.authorizes_all else 1

    def may_confirm_maintenance(self) -> bool:
        return self.can_maintain and self.is_active and not self.is_lost


@dataclass(frozen=True, slots=True)
class Decision:
    outcome: Outcome
    level: int = 0
    member: Holder | None = None

    @property
    def is_granted(self) -> bool:
        return self.outcome is Outcome.GRANTED

    @property
    def is_missing_authorization(self) -> bool:
        return self.outcome in MISSING_AUTHORIZATION


def decide(machine_id: int, uid: str, now: datetime, *, has_conflict: bool = False) -> Decision:
    """What a tap of this card gives at this machine; `has_conflict`: two boards claim the machine."""
    return judge(find_machine(machine_id), find_holder(machine_id, uid), now, has_conflict=has_conflict)


def judge(machine: MachineFacts | None, holder: Holder | None, now: datetime, *, has_conflict: bool) -> Decision:
    outcome = _outcome(machine, holder, timezone.localdate(now, timezone.get_default_timezone()), has_conflict)
    level = holder.level if outcome is Outcome.GRANTED and holder is not None else 0
    return Decision(outcome, level, holder)


def _outcome(machine: MachineFacts | None, holder: Holder | None, today: date, has_conflict: bool) -> Outcome:
    """The order is the design's: the first reason that applies is the one people are told."""
    if machine is None:
        return Outcome.UNKNOWN_MACHINE
    if has_conflict:
        return Outcome.BOARD_CONFLICT
    if holder is None:
        return Outcome.UNKNOWN_CARD
    if holder.is_lost:
        return Outcome.LOST_CARD
    if not holder.is_active:
        return Outcome.MEMBER_INACTIVE
    if _is_past(holder.valid_until, today):
        return Outcome.MEMBERSHIP_EXPIRED
    if holder.authorizes_all:
        return Outcome.GRANTED
    if machine.is_blocked:
        return Outcome.MACHINE_BLOCKED
    if not machine.needs_authorization:
        return Outcome.GRANTED
    if holder.authorization_id is None:
        return Outcome.NOT_AUTHORIZED
    if _is_past(holder.authorization_ends, today):
        return Outcome.AUTHORIZATION_EXPIRED
    return Outcome.GRANTED


def _is_past(last_day: date | None, today: date) -> bool:
    return last_day is not None and last_day < today


_machine = Prepared(
    lambda machine_id: (
        Machine.objects.filter(pk=machine_id)
        .order_by()
        .values_list(
            "id",
            "name",
            "is_blocked",
            "type_id",
            "type__auto_logoff_minutes",
            "type__grace_minutes",
            "type__needs_authorization",
            "seconds_used",
        )
    ),
    machine_id=int,
)


def _holders(machine_id: int, **card: Any) -> Any:
    return (
        Card.objects.filter(**card)
        .annotate(
            held=FilteredRelation("member__authorizations", condition=Q(member__authorizations__machine_id=machine_id))
        )
        .order_by()
        .values_list(
            "id",
            "is_lost",
            "member_id",
            "member__first_name",
            "member__last_name",
            "member__is_active",
            "member__valid_until",
            "member__role__authorize_all",
            "member__role__can_maintain",
            "member__role__is_backend_admin",
            "held__id",
            "held__valid_until",
        )
    )


_holder = Prepared(_holders, machine_id=int, uid=str)


def find_machine(machine_id: int) -> MachineFacts | None:
    row = _machine.first(machine_id=machine_id)
    return None if row is None else MachineFacts._make(row)


def find_holder(machine_id: int, uid: str) -> Holder | None:
    """`uid` is normalised; a database compares it letter by letter."""
    row = _holder.first(machine_id=machine_id, uid=uid)
    return None if row is None else Holder._make(row)


# ---- cards for a board to remember -----------------------------------------------------------------------------------

RECENT_USES = 50
MOST_STAFF = 200


def useful_cards(machine_id: int, now: datetime, limit: int, *, has_conflict: bool = False) -> list[tuple[str, int]]:
    """Cards this machine lets in, with their level: staff first, then those who last used it, then other holders."""
    machine = find_machine(machine_id)
    found: dict[str, int] = {}
    for uids in (_staff_cards, _recent_cards, _authorized_cards):
        for uid in uids(machine_id, limit):
            if len(found) == limit:
                return list(found.items())
            if not is_reader_uid(uid):
                continue
            decision = judge(machine, find_holder(machine_id, uid), now, has_conflict=has_conflict)
            if decision.is_granted:
                found.setdefault(uid, decision.level)
    return list(found.items())


def _staff_cards(machine_id: int, limit: int) -> list[str]:
    power = Q(member__role__authorize_all=True) | Q(member__role__can_maintain=True)
    staff = Card.objects.filter(power, is_lost=False, member__is_active=True).order_by("pk")
    return list(staff.values_list("uid", flat=True)[:MOST_STAFF])


def _recent_cards(machine_id: int, limit: int) -> list[str]:
    last_uses = Use.objects.filter(machine_id=machine_id, ended_at__isnull=False).order_by("-ended_at", "-id")
    return list(dict.fromkeys(last_uses.values_list("card_uid", flat=True)[:RECENT_USES]))


def _authorized_cards(machine_id: int, limit: int) -> list[str]:
    rights = Authorization.objects.filter(machine_id=machine_id, member__cards__is_lost=False)
    return list(rights.order_by("-granted_at").values_list("member__cards__uid", flat=True)[: 5 * limit])
