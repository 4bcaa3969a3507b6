"""What all parts of the invented lab stand on: when it is, the dice, and what there is already."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from django.utils import timezone

from machines.models import EndReason, Machine, Use
from members.models import Card, Member
from members.uids import looks_random
from telemetry.models import Tap

FORTNIGHT = 14
OPENS, CLOSES = time(9), time(21)
LOST_AFTER = timedelta(hours=1)
SUNDAY = 6


class LabNotEmpty(Exception):
    """There are people or machines that an invented lab must not mix with."""


@dataclass
class SampleLab:
    """People, machines, and what happened in the last two weeks; of what was before only how much it was."""

    members: list[Member] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    machines: list[Machine] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    taps: list[Tap] = field(default_factory=list)
    who_left: list[Member] = field(default_factory=list)
    earlier_uses: int = 0
    earlier_seconds: Counter[int] = field(default_factory=Counter)

    def uses_of(self, machine_id: int) -> list[Use]:
        return [use for use in self.uses if use.machine_id == machine_id]


class Ground:
    def __init__(self, now: datetime, seed: int, days: int) -> None:
        self.now = now
        self.seed = seed
        self.rng = random.Random(seed)  # noqa: S311  (no secrets in it)
        self.days = days
        self.latest_days = min(days, FORTNIGHT)
        self.today = timezone.localdate(now, timezone.get_default_timezone())
        self.lab = SampleLab()
        self._taken: set[str] = set()

    def minutes(self, low: int, high: int, rng: random.Random | None = None) -> timedelta:
        return timedelta(seconds=(rng or self.rng).randint(low * 60, high * 60))

    def day(self, days_ago: int) -> date:
        return self.today - timedelta(days=days_ago)

    def hours_of(self, day: date) -> tuple[datetime, datetime]:
        """When it opens and closes; in UTC, where a night in which summer ends is as long as it lasts."""
        zone = timezone.get_default_timezone()
        opens, closes = (timezone.make_aware(datetime.combine(day, at), zone) for at in (OPENS, CLOSES))
        return opens.astimezone(UTC), closes.astimezone(UTC)

    def add_card(self, member: Member, rng: random.Random | None = None, **fields: object) -> Card:
        uid = self.new_uid(rng)
        card = Card.objects.create(uid=uid, member=member, created_at=member.created_at, **fields)
        self.lab.cards.append(card)
        self._taken.add(uid)
        return card

    def new_uid(self, rng: random.Random | None = None) -> str:
        while True:
            uid = f"{(rng or self.rng).randrange(1, 2**32):08x}"
            if uid not in self._taken and not looks_random(uid):
                return uid

    def new_use(
        self, machine: Machine, card: Card, started_at: datetime, ended_at: datetime, rng: random.Random | None = None
    ) -> Use:
        dice = rng or self.rng
        is_lost = dice.random() < 0.03
        is_replay = not is_lost and dice.random() < 0.04
        return Use(
            machine=machine,
            member_id=card.member_id,
            card_uid=card.uid,
            started_at=started_at,
            last_seen_at=ended_at,
            ended_at=ended_at,
            duration=(ended_at - started_at) // timedelta(seconds=1),
            end_reason=EndReason.LOST if is_lost else EndReason.STOP,
            is_replay=is_replay,
            recorded_at=min(self.now, ended_at + LOST_AFTER) if is_replay else started_at,
        )
