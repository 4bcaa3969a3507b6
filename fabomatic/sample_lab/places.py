"""The invented lab's machines, and who may use them."""

from __future__ import annotations

from datetime import datetime, timedelta

from fabomatic.sample_data import LASER, MACHINES, PRINTER, ROLES_OF, WORKSHOP, SampleType
from fabomatic.sample_lab.ground import FORTNIGHT, Ground
from machines.models import Authorization, Machine, MachineType
from members.models import Member


def add_machines(ground: Ground) -> None:
    types = {sample: _add_type(sample) for sample in (LASER, PRINTER, WORKSHOP)}
    for sample in MACHINES:
        ground.lab.machines.append(
            Machine.objects.create(
                id=sample.id,
                name=sample.name,
                type=types[sample.type],
                location=sample.location,
                initial_seconds=sample.hours_before * 3600,
            )
        )


def _add_type(sample: SampleType) -> MachineType:
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


def add_authorizations(ground: Ground) -> None:
    """Most people may use a few machines; some rights have ended."""
    members, rng = ground.lab.members, ground.rng
    teachers = [member for number, member in enumerate(members) if number in ROLES_OF]
    learners = [member for number, member in enumerate(members) if number not in ROLES_OF]
    guarded = [machine for machine in ground.lab.machines if machine.type.needs_authorization]
    for member in learners[:-2]:
        for machine in rng.sample(guarded, rng.randint(1, 4)):
            ends_in = rng.choice([None, None, 200, 90, -4, -30])
            Authorization.objects.create(
                member=member,
                machine=machine,
                valid_until=None if ends_in is None else ground.today + timedelta(days=ends_in),
                granted_by=rng.choice(teachers),
                granted_at=_granted_at(ground, member, rng.randint(60, 300)),
            )


def _granted_at(ground: Ground, member: Member, days_ago: int) -> datetime:
    """In a long history soon after they came."""
    if ground.days <= FORTNIGHT:
        return ground.now - timedelta(days=days_ago)
    return member.created_at + timedelta(days=days_ago // 20)


def block(ground: Ground, machine_id: int, reason: str) -> None:
    machine = next(machine for machine in ground.lab.machines if machine.pk == machine_id)
    machine.is_blocked, machine.blocked_reason = True, reason
    machine.save(update_fields={"is_blocked", "blocked_reason"})
