"""Fills the bench's database and audits it afterwards, in a process of its own: `DATABASE_URL` names the database.

`python -m tests.bench.seed fill MACHINES MEMBERS USES | grow MACHINES MEMBERS | liven MACHINES MEMBERS | audit` prints
one JSON object.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fabomatic.settings")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db.models import Count, F, Sum  # noqa: E402
from django.db.models.functions import Coalesce  # noqa: E402
from django.utils import timezone  # noqa: E402

from machines.models import Authorization, Machine, MachineType, MaintenancePlan, Use  # noqa: E402
from members.models import Card, Member, Role  # noqa: E402
from tests.bench.lab import Lab, card_uid  # noqa: E402

_BATCH = 2000
_BETWEEN_USES = timedelta(hours=3)


def fill(lab: Lab, uses: int) -> None:
    call_command("migrate", verbosity=0)
    _create_members(lab)
    _create_machines(lab, [*lab.machine_ids, lab.spare_id])
    if uses:
        _create_history(lab, uses)


def grow(lab: Lab) -> None:
    known = set(Machine.objects.values_list("id", flat=True))
    _create_machines(lab, [machine_id for machine_id in lab.all_ids if machine_id not in known])


def liven(lab: Lab) -> None:
    """As on some afternoon: every fifth machine is in use, some are blocked, few are silent."""
    now = timezone.now()
    machines = list(Machine.objects.order_by("pk"))
    is_running = set(Use.objects.filter(ended_at__isnull=True).values_list("machine_id", flat=True))
    members = _members()
    uses = []
    for machine in machines:
        machine.last_seen_at = now - timedelta(hours=1) if machine.id % 25 == 0 else now
        machine.is_blocked = machine.id % 20 == 1
        machine.blocked_at = now - timedelta(hours=machine.id % 50) if machine.is_blocked else None
        machine.blocked_reason = f"Belt {machine.id} is worn, a new one is ordered" if machine.is_blocked else ""
        if machine.id % 5 == 0 and machine.id not in is_running:
            authorized = lab.authorized(machine.id)
            number = authorized[machine.id // 5 % len(authorized)]
            begun = now - timedelta(seconds=machine.id * 7919 % 20000)
            uses.append(
                Use(
                    machine=machine,
                    member_id=members[number],
                    card_uid=card_uid(number),
                    started_at=begun,
                    last_seen_at=now,
                    recorded_at=begun,
                )
            )
    Machine.objects.bulk_update(machines, ["last_seen_at", "is_blocked", "blocked_at", "blocked_reason"], 200)
    Use.objects.bulk_create(uses, _BATCH)


def audit() -> dict[str, int]:
    """Whether each odometer says what its uses add up to, to the second."""
    machines = Machine.objects.annotate(
        hours=Coalesce(Sum("uses__duration"), 0), counted=F("seconds_used") - F("initial_seconds")
    )
    closed = Use.objects.filter(ended_at__isnull=False).aggregate(
        uses=Count("id"), seconds=Coalesce(Sum("duration"), 0)
    )
    return {
        "machines": machines.count(),
        "wrong_odometers": machines.exclude(hours=F("counted")).count(),
        "running": Use.objects.filter(ended_at__isnull=True).count(),
        **closed,
    }


def _create_members(lab: Lab) -> None:
    role = Role.objects.get(name="Members")
    members = Member.objects.bulk_create(
        [Member(first_name="Ada", last_name=f"Lovelace {n}", role=role, password="!") for n in range(lab.members)],
        _BATCH,
    )
    Card.objects.bulk_create([Card(uid=card_uid(n), member=member) for n, member in enumerate(members)], _BATCH)


def _create_machines(lab: Lab, machine_ids: Iterable[int]) -> None:
    kind, _created = MachineType.objects.get_or_create(
        name="Laser cutter", defaults={"auto_logoff_minutes": 480, "grace_minutes": 3}
    )
    now = timezone.now()
    machines = [_machine(machine_id, kind) for machine_id in machine_ids]
    Machine.objects.bulk_create(machines, _BATCH)
    MaintenancePlan.objects.bulk_create([_plan(machine, now) for machine in machines], _BATCH)
    members = _members()
    rights = [
        Authorization(machine=machine, member_id=members[n]) for machine in machines for n in lab.authorized(machine.id)
    ]
    Authorization.objects.bulk_create(rights, _BATCH)


def _machine(machine_id: int, kind: MachineType) -> Machine:
    before = machine_id % 7 * 3600
    return Machine(
        id=machine_id,
        name=f"Laser {machine_id}",
        type=kind,
        location=f"Room {machine_id % 9 + 1}",
        initial_seconds=before,
        seconds_used=before,
    )


def _plan(machine: Machine, now: datetime) -> MaintenancePlan:
    return MaintenancePlan(
        machine=machine,
        description="Clean the lens",
        lcd_message="Clean the lens",
        hours_between=1_000_000,
        reading_at_last_work=machine.seconds_used,
        last_work_at=now,
    )


def _create_history(lab: Lab, uses: int) -> None:
    Use.objects.bulk_create(_history(lab, uses), _BATCH)
    for machine_id, seconds in Use.objects.order_by().values_list("machine_id").annotate(Sum("duration")):
        Machine.objects.filter(pk=machine_id).update(seconds_used=F("initial_seconds") + seconds)
    hours = dict(Machine.objects.values_list("id", "seconds_used"))
    for plan in MaintenancePlan.objects.all():
        MaintenancePlan.objects.filter(pk=plan.pk).update(reading_at_last_work=hours[plan.machine_id])


def _history(lab: Lab, uses: int) -> Iterator[Use]:
    """Oldest first, one after the other at each machine, the last ones three hours ago."""
    now = datetime.now(UTC).replace(microsecond=0)
    members = _members()
    for number in range(uses):
        machine_id = lab.machine_ids[number % lab.machines]
        rounds_ago = (uses - 1 - number) // lab.machines + 1
        authorized = lab.authorized(machine_id)
        member = authorized[number // lab.machines % len(authorized)]
        yield _use(machine_id, members[member], card_uid(member), now - rounds_ago * _BETWEEN_USES, 60 + number % 7000)


def _use(machine_id: int, member_id: int, uid: str, ended_at: datetime, seconds: int) -> Use:
    return Use(
        machine_id=machine_id,
        member_id=member_id,
        card_uid=uid,
        started_at=ended_at - timedelta(seconds=seconds),
        last_seen_at=ended_at,
        ended_at=ended_at,
        duration=seconds,
        end_reason="stop",
        recorded_at=ended_at,
    )


def _members() -> list[int]:
    """Keys in the order of the members' numbers."""
    return list(Member.objects.order_by("pk").values_list("pk", flat=True))


def main(command: str, *numbers: str) -> None:
    given = [int(number) for number in numbers]
    report: dict[str, Any] = {}
    match command:
        case "fill":
            fill(Lab(*given[:2]), given[2])
        case "grow":
            grow(Lab(*given))
        case "liven":
            liven(Lab(*given))
        case "audit":
            report = audit()
    print(json.dumps(report))


if __name__ == "__main__":
    main(*sys.argv[1:])
