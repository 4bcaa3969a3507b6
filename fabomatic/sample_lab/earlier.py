"""What happened before the last two weeks, for as long as it is wanted.

Written down week by week: two years need no more memory than one. Whoever left in the meantime has used the machines,
too.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from fabomatic.sample_data import MACHINES, PEOPLE_WHO_LEFT, PLANS, ROLES_OF, SampleMachine
from fabomatic.sample_lab.ground import SUNDAY, Ground
from fabomatic.sample_lab.people import address_of
from machines.access import Outcome
from machines.models import Authorization, Intervention, Machine, MaintenancePlan, Use
from members.models import Card, Member, Role
from telemetry.models import Downtime, Tap

HOLIDAYS = frozenset({(1, 1), (1, 6), (4, 25), (5, 1), (6, 2), (8, 15), (12, 25), (12, 26)})
EVENING = 17
# Pauses between two uses, against those of the last two weeks.
BY_DAY, IN_THE_EVENING = 1.8, 0.5
IN_VAIN = 0.1
TRIED_AFTERWARDS = timedelta(days=60)  # by then whoever left knows that their card is of no use here
# The plans' own last work is later than this.
QUIET_DAYS = 45


@dataclass(slots=True)
class Visitor:
    card: Card
    came_at: datetime
    left_at: datetime | None
    level: int
    machines: frozenset[int]

    def is_here(self, at: datetime) -> bool:
        return self.came_at < at and (self.left_at is None or at < self.left_at)

    def may_try(self, at: datetime) -> bool:
        return self.came_at < at and (self.left_at is None or at < self.left_at + TRIED_AFTERWARDS)

    def outcome(self, machine: Machine, at: datetime) -> Outcome:
        if self.left_at is not None and at >= self.left_at:
            return Outcome.MEMBER_INACTIVE
        if self.card.is_lost:
            return Outcome.LOST_CARD
        is_allowed = self.level > 1 or not machine.type.needs_authorization or machine.pk in self.machines
        return Outcome.GRANTED if is_allowed else Outcome.NOT_AUTHORIZED


class Earlier:
    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.rng = random.Random(f"{ground.seed}, earlier")  # noqa: S311
        self.began_at = ground.now - timedelta(days=ground.days)
        self.ended_at = ground.now - timedelta(days=ground.latest_days)
        self.visitors: list[Visitor] = []
        self.free_from: dict[int, datetime] = {}
        self.readings: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
        self.uses: list[Use] = []
        self.taps: list[Tap] = []
        self.downtimes: list[Downtime] = []

    # ---- people ------------------------------------------------------------------------------------------------------

    def add_people_who_left(self) -> None:
        """Not among those whom the last two weeks know."""
        role = Role.objects.get(name="Members")
        guarded = [machine for machine in self.ground.lab.machines if machine.type.needs_authorization]
        self._know_those_who_stayed()
        for number, (first_name, last_name) in enumerate(PEOPLE_WHO_LEFT):
            left_at = self.began_at + (self.ended_at - self.began_at) * (number + 1) / (len(PEOPLE_WHO_LEFT) + 1)
            came_at = min(self.began_at, left_at) - timedelta(days=self.rng.randint(10, 300))
            member = Member.objects.create_user(
                address_of(first_name, last_name) if number % 4 else None,
                first_name=first_name,
                last_name=last_name,
                role=role,
                is_active=bool(number % 5 == 1),
                valid_until=left_at.date() if number % 5 == 1 else None,
                consent_at=came_at,
                created_at=came_at,
            )
            self.ground.lab.who_left.append(member)
            if not member.is_active:
                Member.objects.filter(pk=member.pk).update(deactivated_at=left_at)
            card = Card.objects.create(uid=self.ground.new_uid(self.rng), member=member, created_at=came_at)
            self._allow(member, self.rng.sample(guarded, self.rng.randint(1, 3)))
            self._know(card, came_at, left_at, 1)

    def _allow(self, member: Member, machines: list[Machine]) -> None:
        granted_by = self.ground.lab.members[self.rng.choice(list(ROLES_OF))]
        Authorization.objects.bulk_create(
            Authorization(member=member, machine=machine, granted_by=granted_by, granted_at=member.created_at)
            for machine in machines
        )

    def _know_those_who_stayed(self) -> None:
        for card in self.ground.lab.cards:
            member = card.member
            level = 3 if member.role.is_backend_admin else 2 if member.role.authorize_all else 1
            self._know(card, member.created_at, None if member.is_active else self.ended_at, level)

    def _know(self, card: Card, came_at: datetime, left_at: datetime | None, level: int) -> None:
        machines = Authorization.objects.filter(member_id=card.member_id).values_list("machine_id", flat=True)
        self.visitors.append(Visitor(card, came_at, left_at, level, frozenset(machines)))

    # ---- day by day --------------------------------------------------------------------------------------------------

    def add_history(self) -> None:
        for days_ago in range(self.ground.days, self.ground.latest_days - 1, -1):
            day = self.ground.day(days_ago)
            if day.weekday() == SUNDAY:
                self._write_down()
            elif (day.month, day.day) not in HOLIDAYS:
                opens, closes = self.ground.hours_of(day)
                for machine, sample in zip(self.ground.lab.machines, MACHINES, strict=True):
                    self._add_day(machine, sample, opens, closes)
        self._write_down()

    def _add_day(self, machine: Machine, sample: SampleMachine, opens: datetime, closes: datetime) -> None:
        """What runs at closing time, like a print, runs on; on some nights the machine is switched off."""
        kind = sample.type
        regulars = [one for one in self.visitors if one.is_here(opens) and one.is_here(closes)]
        regulars = [one for one in regulars if one.outcome(machine, opens) is Outcome.GRANTED]
        starts = self._after_pause(max(opens, self.free_from.get(machine.pk, opens)), kind.pause)
        while starts < closes and regulars:
            ends = starts + self.ground.minutes(kind.shortest, kind.longest, self.rng)
            if ends >= self.ended_at:
                return
            if self.rng.random() < IN_VAIN:
                self._try_in_vain(machine, starts - timedelta(seconds=self.rng.randint(30, 240)))
            self._add_use(machine, self.rng.choice(regulars), starts, ends)
            self.free_from[machine.pk] = ends
            starts = self._after_pause(ends, kind.pause)
        if self.rng.random() < 0.25:
            self._switch_off(machine, closes + timedelta(hours=1), closes + timedelta(hours=11, minutes=30))

    def _after_pause(self, at: datetime, longest: int) -> datetime:
        """In the evening, when people come from work, the next one waits already."""
        busy = IN_THE_EVENING if timezone.localtime(at, timezone.get_default_timezone()).hour >= EVENING else BY_DAY
        return at + self.ground.minutes(5, max(6, int(longest * busy)), self.rng)

    def _add_use(self, machine: Machine, visitor: Visitor, starts: datetime, ends: datetime) -> None:
        use = self.ground.new_use(machine, visitor.card, starts, ends, self.rng)
        self.uses.append(use)
        self.ground.lab.earlier_seconds[machine.pk] += use.duration or 0
        if not use.is_replay:  # the board had no network, and nobody asked us
            self._add_tap(machine, starts - timedelta(seconds=2), Outcome.GRANTED, visitor.card, level=visitor.level)

    def _try_in_vain(self, machine: Machine, at: datetime) -> None:
        """A card that nobody knows, or one of the house that is lost, not entitled, or of somebody who left."""
        visitor = self.rng.choice(self.visitors)
        if self.rng.random() < 0.3:
            self._add_tap(machine, at, Outcome.UNKNOWN_CARD, None)
        elif visitor.may_try(at) and (outcome := visitor.outcome(machine, at)) is not Outcome.GRANTED:
            self._add_tap(machine, at, outcome, visitor.card)

    def _add_tap(self, machine: Machine, at: datetime, outcome: Outcome, card: Card | None, level: int = 0) -> None:
        self.taps.append(
            Tap(
                at=at,
                machine=machine,
                uid=card.uid if card else self.ground.new_uid(self.rng),
                card=card,
                member_id=card.member_id if card else None,
                outcome=outcome.value,
                level=level,
            )
        )

    def _switch_off(self, machine: Machine, start: datetime, end: datetime) -> None:
        if self.free_from.get(machine.pk, start) <= start and end < self.ended_at:
            kind = Downtime.Kind.OFFLINE
            self.downtimes.append(Downtime(machine=machine, kind=kind, started_at=start, ended_at=end))

    # ---- what is written ---------------------------------------------------------------------------------------------

    def _write_down(self) -> None:
        self.uses.sort(key=lambda use: use.ended_at or self.ended_at)
        self.taps.sort(key=lambda tap: tap.at)
        Use.objects.bulk_create(self.uses)
        Tap.objects.bulk_create(self.taps)
        Downtime.objects.bulk_create(self.downtimes)
        self.ground.lab.earlier_uses += len(self.uses)
        for machine in self.ground.lab.machines:
            mine = [use.ended_at for use in self.uses if use.machine_id == machine.pk and use.ended_at]
            if mine:
                reading = machine.initial_seconds + self.ground.lab.earlier_seconds[machine.pk]
                self.readings[machine.pk].append((max(mine), reading))
        self.uses, self.taps, self.downtimes = [], [], []

    def add_interventions(self) -> None:
        """Whenever a plan had fallen due, sooner or later, at the end of a week."""
        staff = [member for member in self.ground.lab.members if member.role.can_maintain]
        for sample in PLANS:
            plan = MaintenancePlan.objects.get(machine_id=sample.machine, description=sample.description)
            done = [
                Intervention(
                    plan=plan,
                    machine_id=sample.machine,
                    member=self.rng.choice(staff),
                    at=at,
                    reading=reading,
                    note="Done as described." if self.rng.random() < 0.1 else "",
                )
                for at, reading in self._due(plan)
            ]
            Intervention.objects.bulk_create(done)

    def _due(self, plan: MaintenancePlan) -> list[tuple[datetime, int]]:
        last_at, last_reading = self.began_at, plan.machine.initial_seconds
        due = []
        for at, reading in self.readings[plan.machine_id]:
            patience = self.rng.uniform(0.9, 1.3)
            by_hours = (reading - last_reading) / 3600 >= (plan.hours_between or 10**6) * patience
            by_days = (at - last_at).days >= (plan.days_between or 10**6) * patience
            if (by_hours or by_days) and at < self.ground.now - timedelta(days=QUIET_DAYS):
                last_at, last_reading = at, reading
                due.append((at, reading))
        return due
