"""An invented lab with two weeks behind it, for `make demo` and for whoever wants to look around."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from django.db import transaction
from django.utils import timezone

from fabomatic.sample_data import (
    BLOCKED_MACHINE,
    BLOCKED_REASON,
    LASER,
    MACHINES,
    PEOPLE,
    PLANS,
    PRINTER,
    ROLES_OF,
    WORKSHOP,
    SampleMachine,
    SamplePlan,
    SampleType,
)
from machines.access import Decision, decide
from machines.models import (
    Authorization,
    EndReason,
    Intervention,
    Machine,
    MachineType,
    MaintenancePlan,
    Use,
    whole_second,
)
from members.models import Card, Member, Role
from members.uids import looks_random
from telemetry.models import Downtime, Tap

DAYS = 14
OPENS, CLOSES = time(9), time(21)
LOST_AFTER = timedelta(hours=1)


class LabNotEmpty(Exception):
    """There are people or machines that an invented lab must not mix with."""


@dataclass
class SampleLab:
    members: list[Member] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    machines: list[Machine] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    taps: list[Tap] = field(default_factory=list)


def load_sample_lab(now: datetime, seed: int = 1) -> SampleLab:
    """The same lab for the same time and seed. Raises LabNotEmpty."""
    if Machine.objects.exists() or Member.objects.filter(is_superuser=False).exists():
        raise LabNotEmpty
    with transaction.atomic():
        return _Builder(whole_second(now), random.Random(seed)).build()  # noqa: S311  (no secrets in it)


class _Builder:
    def __init__(self, now: datetime, rng: random.Random) -> None:
        self.now = now
        self.today = timezone.localdate(now, timezone.get_default_timezone())
        self.rng = rng
        self.lab = SampleLab()

    def build(self) -> SampleLab:
        self.add_people()
        self.add_machines()
        self.add_authorizations()
        for machine, sample in zip(self.lab.machines, MACHINES, strict=True):
            self.add_history(machine, sample)
        self.record_history()
        for plan in PLANS:
            self.add_plan(plan)
        self.block(BLOCKED_MACHINE)
        self.add_cards_of_administrators()
        for machine in self.lab.machines:
            self.add_downtimes(machine)
        return self.lab

    # ---- people ------------------------------------------------------------------------------------------------------

    def add_people(self) -> None:
        roles = {role.name: role for role in Role.objects.all()}
        for number, (first_name, last_name) in enumerate(PEOPLE):
            member = Member.objects.create_user(
                f"{_ascii(first_name)}.{_ascii(last_name)}@lab.invalid" if number % 5 else None,
                first_name=first_name,
                last_name=last_name,
                role=roles[ROLES_OF.get(number, "Members")],
                is_active=number != 28,
                valid_until=self.today - timedelta(days=20) if number in (26, 27) else None,
                consent_at=self.now - timedelta(days=400 - number),
                created_at=self.now - timedelta(days=400 - number),
                language="it" if number % 7 == 3 else "",
            )
            self.lab.members.append(member)
            if number == 25:
                self.add_card(member, is_lost=True, label="Lost in the tram")
            self.add_card(member)

    def add_card(self, member: Member, **fields: object) -> None:
        uid = self.new_uid()
        created_at = member.created_at
        self.lab.cards.append(Card.objects.create(uid=uid, member=member, created_at=created_at, **fields))

    def add_cards_of_administrators(self) -> None:
        """Of those who are real: to start machines from afar with. The invented boards do not know them."""
        for member in Member.objects.filter(is_superuser=True, cards__isnull=True):
            Card.objects.create(uid=self.new_uid(), member=member, label="Demo")

    def new_uid(self) -> str:
        taken = {card.uid for card in self.lab.cards}
        while True:
            uid = f"{self.rng.randrange(1, 2**32):08x}"
            if uid not in taken and not looks_random(uid):
                return uid

    # ---- machines ----------------------------------------------------------------------------------------------------

    def add_machines(self) -> None:
        types = {sample: self.add_type(sample) for sample in (LASER, PRINTER, WORKSHOP)}
        for sample in MACHINES:
            self.lab.machines.append(
                Machine.objects.create(
                    id=sample.id,
                    name=sample.name,
                    type=types[sample.type],
                    location=sample.location,
                    initial_seconds=sample.hours_before * 3600,
                )
            )

    def add_type(self, sample: SampleType) -> MachineType:
        machine_type, _created = MachineType.objects.get_or_create(
            name=sample.name,
            defaults={
                "auto_logoff_minutes": sample.auto_logoff_minutes,
                "grace_minutes": sample.grace_minutes,
                "needs_authorization": sample.needs_authorization,
                "allow_remote_start": sample.allow_remote_start,
            },
        )
        return machine_type

    def add_authorizations(self) -> None:
        """Most people may use a few machines; some rights have ended."""
        teachers = [member for number, member in enumerate(self.lab.members) if number in ROLES_OF]
        learners = [member for number, member in enumerate(self.lab.members) if number not in ROLES_OF]
        guarded = [machine for machine in self.lab.machines if machine.type.needs_authorization]
        for member in learners[:-2]:
            for machine in self.rng.sample(guarded, self.rng.randint(1, 4)):
                ends_in = self.rng.choice([None, None, 200, 90, -4, -30])
                Authorization.objects.create(
                    member=member,
                    machine=machine,
                    valid_until=None if ends_in is None else self.today + timedelta(days=ends_in),
                    granted_by=self.rng.choice(teachers),
                    granted_at=self.now - timedelta(days=self.rng.randint(60, 300)),
                )

    # ---- two weeks ---------------------------------------------------------------------------------------------------

    def add_history(self, machine: Machine, sample: SampleMachine) -> None:
        usual = self.rng.sample(self.lab.cards, 14)
        for started_at, ended_at in self.sessions(sample.type):
            if self.rng.random() < 0.12:
                self.try_in_vain(machine, started_at - timedelta(seconds=self.rng.randint(30, 240)))
            decision, card = self.somebody_let_in(machine, usual, started_at)
            if card is not None and ended_at < self.now:
                self.add_tap(machine, card.uid, started_at - timedelta(seconds=2), decision)
                self.lab.uses.append(self.new_use(machine, card, started_at, ended_at))

    def sessions(self, kind: SampleType) -> Iterator[tuple[datetime, datetime]]:
        """One after the other while the lab is open; what runs at closing time, like a print, runs on."""
        free_from = self.now - timedelta(days=DAYS)
        for days_ago in range(DAYS, -1, -1):
            day = self.today - timedelta(days=days_ago)
            opens = timezone.make_aware(datetime.combine(day, OPENS), timezone.get_default_timezone())
            closes = timezone.make_aware(datetime.combine(day, CLOSES), timezone.get_default_timezone())
            if day.weekday() == 6:
                continue
            starts = max(opens, free_from) + self.minutes(5, kind.pause)
            while starts < closes and starts < self.now:
                free_from = starts + self.minutes(kind.shortest, kind.longest)
                yield starts, free_from
                starts = free_from + self.minutes(5, kind.pause)

    def minutes(self, low: int, high: int) -> timedelta:
        return timedelta(seconds=self.rng.randint(low * 60, high * 60))

    def somebody_let_in(self, machine: Machine, cards: list[Card], at: datetime) -> tuple[Decision, Card | None]:
        for card in self.rng.sample(cards, len(cards)):
            decision = decide(machine.pk, card.uid, at)
            if decision.is_granted:
                return decision, card
        return decision, None

    def try_in_vain(self, machine: Machine, at: datetime) -> None:
        """A card of the house, lost or not entitled, or one that nobody knows."""
        uid = self.new_uid() if self.rng.random() < 0.4 else self.rng.choice(self.lab.cards).uid
        decision = decide(machine.pk, uid, at)
        if not decision.is_granted and at < self.now:
            self.add_tap(machine, uid, at, decision)

    def add_tap(self, machine: Machine, uid: str, at: datetime, decision: Decision) -> None:
        holder = decision.member
        self.lab.taps.append(
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

    def new_use(self, machine: Machine, card: Card, started_at: datetime, ended_at: datetime) -> Use:
        is_lost = self.rng.random() < 0.03
        is_replay = not is_lost and self.rng.random() < 0.04
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

    def record_history(self) -> None:
        """In one go, which does not pass by Use.save: the odometers follow here."""
        self.lab.uses.sort(key=lambda use: use.ended_at or self.now)
        self.lab.taps.sort(key=lambda tap: tap.at)
        Use.objects.bulk_create(self.lab.uses)
        Tap.objects.bulk_create(self.lab.taps)
        for machine in self.lab.machines:
            uses = self.uses_of(machine.pk)
            machine.seconds_used = machine.initial_seconds + sum(use.duration or 0 for use in uses)
            machine.last_seen_at = max((use.last_seen_at for use in uses), default=None)
            Machine.objects.filter(pk=machine.pk).update(
                seconds_used=machine.seconds_used, last_seen_at=machine.last_seen_at
            )

    def add_downtimes(self, machine: Machine) -> None:
        """On some nights it is switched off, and sometimes repaired in the morning."""
        for days_ago in range(DAYS - 1, 1, -1):
            day = self.today - timedelta(days=days_ago)
            closes = timezone.make_aware(datetime.combine(day, CLOSES), timezone.get_default_timezone())
            switched_off, switched_on = closes + self.minutes(60, 150), closes + self.minutes(11 * 60, 12 * 60 - 20)
            repaired = switched_on + self.minutes(10, 90)
            if self.rng.random() < 0.4 and self.is_unused(machine, switched_off, switched_on):
                self.add_downtime(machine, Downtime.Kind.OFFLINE, switched_off, switched_on)
                if self.rng.random() < 0.3 and self.is_unused(machine, switched_on, repaired):
                    self.add_downtime(machine, Downtime.Kind.BLOCKED, switched_on, repaired)

    def add_downtime(self, machine: Machine, kind: Downtime.Kind, started_at: datetime, ended_at: datetime) -> None:
        Downtime.objects.create(machine=machine, kind=kind, started_at=started_at, ended_at=ended_at)

    def is_unused(self, machine: Machine, start: datetime, end: datetime) -> bool:
        return not any(use.started_at < end and use.last_seen_at > start for use in self.uses_of(machine.pk))

    def uses_of(self, machine_id: int) -> list[Use]:
        return [use for use in self.lab.uses if use.machine_id == machine_id]

    # ---- maintenance -------------------------------------------------------------------------------------------------

    def add_plan(self, sample: SamplePlan) -> None:
        machine = next(machine for machine in self.lab.machines if machine.pk == sample.machine)
        beyond_hours, beyond_days = (sample.overdue or 0, 0) if sample.hours else (0, sample.overdue or 0)
        overdue_since = ((sample.hours or 0) + beyond_hours) * 3600
        plan = MaintenancePlan.objects.create(
            machine=machine,
            description=sample.description,
            lcd_message=sample.lcd_message,
            hours_between=sample.hours,
            days_between=sample.days,
            reading_at_last_work=max(0, machine.seconds_used - overdue_since),
            last_work_at=self.now - timedelta(days=(sample.days or 0) + beyond_days if not sample.hours else 25),
        )
        if sample.done is not None:
            self.add_intervention(plan, self.now - timedelta(days=sample.done))

    def add_intervention(self, plan: MaintenancePlan, at: datetime) -> None:
        uses = self.uses_of(plan.machine_id)
        before = sum(use.duration or 0 for use in uses if use.ended_at is not None and use.ended_at <= at)
        staff = [member for member in self.lab.members if member.role.can_maintain]
        Intervention.objects.create(
            plan=plan,
            member=self.rng.choice(staff),
            at=at,
            reading=plan.machine.initial_seconds + before,
        )

    def block(self, machine_id: int) -> None:
        machine = next(machine for machine in self.lab.machines if machine.pk == machine_id)
        machine.is_blocked, machine.blocked_reason = True, BLOCKED_REASON
        machine.save(update_fields={"is_blocked", "blocked_reason"})


def _ascii(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isascii() and letter.isalpha())
