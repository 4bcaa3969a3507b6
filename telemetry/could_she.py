"""What a tap would give now, and all that stands in the way. The rules are asked again and again, each time as if what
they named last had been put right: there is no second copy of them here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from machines.access import Decision, Holder, MachineFacts, Outcome, find_holder, find_machine, judge
from machines.maintenance import Plan, active_plans, due
from machines.models import Machine, Use
from members.models import Card, Member
from members.uids import is_reader_uid
from telemetry.boards import has_conflict
from telemetry.status import is_online
from telemetry.taps import STAFF_LEVEL, Stop, stop_of_board

Obstacle = Outcome | Stop


@dataclass(frozen=True, slots=True)
class Case:
    """What the rules look at."""

    machine: MachineFacts | None
    holder: Holder | None
    has_conflict: bool

    def judged(self, now: datetime) -> Decision:
        return judge(self.machine, self.holder, now, has_conflict=self.has_conflict)

    def put_right(self, outcome: Outcome) -> Case | None:
        """As if this reason were gone; None where nothing is left to ask."""
        if outcome is Outcome.BOARD_CONFLICT:
            return replace(self, has_conflict=False)
        if self.machine is None or self.holder is None:
            return None
        if outcome is Outcome.MACHINE_BLOCKED:
            return replace(self, machine=self.machine._replace(is_blocked=False))
        changes = _PUT_RIGHT.get(outcome)
        return None if changes is None else replace(self, holder=self.holder._replace(**changes))


_PUT_RIGHT: dict[Outcome, dict[str, Any]] = {
    Outcome.LOST_CARD: {"is_lost": False},
    Outcome.MEMBER_INACTIVE: {"is_active": True},
    Outcome.MEMBERSHIP_EXPIRED: {"valid_until": None},
    Outcome.NOT_AUTHORIZED: {"authorization_id": 0, "authorization_ends": None},
    Outcome.AUTHORIZATION_EXPIRED: {"authorization_ends": None},
}


@dataclass(frozen=True, slots=True)
class Reader:
    """What is so at the machine, whoever taps."""

    facts: MachineFacts | None
    has_conflict: bool
    is_online: bool
    due: tuple[Plan, ...]
    running: Use | None


@dataclass(frozen=True, slots=True)
class CardAnswer:
    """`obstacles` in the order in which the rules, and then the board, ask; the first is what people are told."""

    card: Card
    decision: Decision
    obstacles: tuple[Obstacle, ...]
    level: int
    confirms_maintenance: bool
    is_ending: bool
    is_ignored: bool

    @property
    def is_readable(self) -> bool:
        return is_reader_uid(self.card.uid)

    @property
    def is_yes(self) -> bool:
        return not self.obstacles and self.is_readable


@dataclass(frozen=True, slots=True)
class Answer:
    member: Member
    machine: Machine
    reader: Reader
    cards: tuple[CardAnswer, ...]


def ask(member: Member, machine: Machine, now: datetime) -> Answer:
    reader = _reader(machine, now)
    cards = Card.objects.filter(member=member).order_by("is_lost", "pk")
    return Answer(member, machine, reader, tuple(_of_card(card, reader, now) for card in cards))


def _reader(machine: Machine, now: datetime) -> Reader:
    facts = find_machine(machine.pk)
    return Reader(
        facts=facts,
        has_conflict=has_conflict(machine.pk),
        is_online=is_online(machine.last_seen_at, now),
        due=tuple(due(active_plans(machine.pk), facts.seconds_used, now)) if facts else (),
        running=Use.objects.filter(machine=machine, ended_at__isnull=True).order_by().first(),
    )


def _of_card(card: Card, reader: Reader, now: datetime) -> CardAnswer:
    holder = find_holder(reader.facts.id, card.uid) if reader.facts else None
    case = Case(reader.facts, holder, reader.has_conflict)
    refusals, level = _refusals(case, now)
    is_own_use = reader.running is not None and reader.running.card_uid == card.uid
    return CardAnswer(
        card=card,
        decision=case.judged(now),
        obstacles=(*refusals, *_stops(reader, refusals, level)),
        level=level,
        confirms_maintenance=bool(reader.due) and level >= STAFF_LEVEL,
        is_ending=is_own_use,
        is_ignored=reader.running is not None and not is_own_use,
    )


def _refusals(case: Case, now: datetime) -> tuple[list[Outcome], int]:
    """Why the backend says no, and the level once it says yes."""
    refusals: list[Outcome] = []
    while not (decision := case.judged(now)).is_granted:
        refusals.append(decision.outcome)
        changed = case.put_right(decision.outcome)
        if changed is None:
            return refusals, 0
        case = changed
    return refusals, decision.level


def _stops(reader: Reader, refusals: list[Outcome], level: int) -> list[Stop]:
    """What the board says after the backend's yes; a block that the backend has named already is the same one."""
    if not level or reader.facts is None:
        return []
    blocked = reader.facts.is_blocked and Outcome.MACHINE_BLOCKED not in refusals
    both = (
        stop_of_board(level, is_blocked=blocked, is_maintenance_due=False),
        stop_of_board(level, is_blocked=False, is_maintenance_due=bool(reader.due)),
    )
    return [stop for stop in both if stop is not None]
