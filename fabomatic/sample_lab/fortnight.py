"""What happened in the last two weeks, as today's rules would have decided it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from fabomatic.sample_data import SampleMachine, SampleType
from fabomatic.sample_lab.ground import SUNDAY, Ground
from machines.access import Decision, decide
from machines.models import Machine, Use
from members.models import Card
from telemetry.models import Tap


def add_history(ground: Ground, machine: Machine, sample: SampleMachine) -> None:
    rng = ground.rng
    usual = rng.sample(ground.lab.cards, 14)
    for started_at, ended_at in _sessions(ground, sample.type):
        if rng.random() < 0.12:
            _try_in_vain(ground, machine, started_at - timedelta(seconds=rng.randint(30, 240)))
        decision, card = _somebody_let_in(ground, machine, usual, started_at)
        if card is not None and ended_at < ground.now:
            _add_tap(ground, machine, card.uid, started_at - timedelta(seconds=2), decision)
            ground.lab.uses.append(ground.new_use(machine, card, started_at, ended_at))


def _sessions(ground: Ground, kind: SampleType) -> Iterator[tuple[datetime, datetime]]:
    """One after the other while the lab is open; what runs at closing time, like a print, runs on."""
    free_from = ground.now - timedelta(days=ground.latest_days)
    for days_ago in range(ground.latest_days, -1, -1):
        day = ground.day(days_ago)
        opens, closes = ground.hours_of(day)
        if day.weekday() == SUNDAY:
            continue
        starts = max(opens, free_from) + ground.minutes(5, kind.pause)
        while starts < closes and starts < ground.now:
            free_from = starts + ground.minutes(kind.shortest, kind.longest)
            yield starts, free_from
            starts = free_from + ground.minutes(5, kind.pause)


def _somebody_let_in(ground: Ground, machine: Machine, cards: list[Card], at: datetime) -> tuple[Decision, Card | None]:
    for card in ground.rng.sample(cards, len(cards)):
        decision = decide(machine.pk, card.uid, at)
        if decision.is_granted:
            return decision, card
    return decision, None


def _try_in_vain(ground: Ground, machine: Machine, at: datetime) -> None:
    """A card of the house, lost or not entitled, or one that nobody knows."""
    uid = ground.new_uid() if ground.rng.random() < 0.4 else ground.rng.choice(ground.lab.cards).uid
    decision = decide(machine.pk, uid, at)
    if not decision.is_granted and at < ground.now:
        _add_tap(ground, machine, uid, at, decision)


def _add_tap(ground: Ground, machine: Machine, uid: str, at: datetime, decision: Decision) -> None:
    holder = decision.member
    ground.lab.taps.append(
        Tap(
            at=at,
            machine=machine,
            uid=uid,
            card_id=holder.card_id if holder else None,
            member_id=holder.member_id if holder else None,
            outcome=decision.outcome.value,
            level=decision.level,
        )
    )


def record_history(ground: Ground) -> None:
    """In one go, which does not pass by Use.save: the odometers follow here."""
    lab = ground.lab
    lab.uses.sort(key=lambda use: use.ended_at or ground.now)
    lab.taps.sort(key=lambda tap: tap.at)
    Use.objects.bulk_create(lab.uses)
    Tap.objects.bulk_create(lab.taps)
    for machine in lab.machines:
        uses = lab.uses_of(machine.pk)
        used = lab.earlier_seconds[machine.pk] + sum(use.duration or 0 for use in uses)
        machine.seconds_used = machine.initial_seconds + used
        machine.last_seen_at = max((use.last_seen_at for use in uses), default=None)
        Machine.objects.filter(pk=machine.pk).update(
            seconds_used=machine.seconds_used, last_seen_at=machine.last_seen_at
        )
