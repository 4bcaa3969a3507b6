"""A lab of some years for the admin's lists: what `tests.bench.seed` leaves out because boards do not care.

`DATABASE_URL` names the database. `python -m tests.bench.office fill` prints one JSON object.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fabomatic.settings")
django.setup()

from django.contrib.contenttypes.models import ContentType  # noqa: E402
from django.db.models import F  # noqa: E402
from django.utils import timezone  # noqa: E402

from machines.models import Intervention, Machine, MaintenancePlan, Use  # noqa: E402
from members.models import Card, Change, Member, Role  # noqa: E402
from telemetry.models import Board, Screen, Tap  # noqa: E402

TAPS, INTERVENTIONS, CHANGES = 100_000, 20_000, 50_000
BOSS = "bench@example.org"
_BATCH = 2000
_FIRST = ("Ada", "Bruno", "Carla", "Dora", "Enzo", "Flora", "Gino", "Hugo", "Ines", "Jole")
_LAST = ("Lovelace", "Munari", "Scarpa", "Maar", "Mari", "Tristan", "Strada", "Pratt", "Boni", "Valeri", "Rossi")
_EVERY = {"granted": 1, "not_authorized": 7, "unknown_card": 11, "machine_blocked": 101, "lost_card": 1009}


def fill() -> None:
    if Member.objects.filter(email=BOSS).exists():
        return
    _name_members()
    _mark_uses()
    _insert(Tap, _taps())
    _insert(Intervention, _interventions())
    _insert(Change, _changes())
    known = set(Board.objects.values_list("machine_id", flat=True))
    Board.objects.bulk_create([_board(machine) for machine in Machine.objects.exclude(pk__in=known)], _BATCH)
    Screen.objects.bulk_create([Screen(name=f"Wall {number}") for number in range(5)])


def _name_members() -> None:
    members = list(Member.objects.order_by("pk"))
    for number, member in enumerate(members):
        member.first_name = _FIRST[number % len(_FIRST)]
        member.last_name = f"{_LAST[number % len(_LAST)]} {number}"
        member.email = f"member{number}@example.org"
    Member.objects.bulk_update(members, ["first_name", "last_name", "email"], 200)
    role = Role.objects.get(name="Administrators")
    Member.objects.create_user(BOSS, None, first_name="Bea", last_name="Boss", role=role, is_superuser=True)


def _mark_uses() -> None:
    """Some were replayed, lost or closed by staff, and of the oldest nobody remembers whose they were."""
    every = Use.objects.annotate
    every(rest=F("pk") % 997).filter(rest=0).update(is_replay=True)
    every(rest=F("pk") % 101).filter(rest=0).update(end_reason="lost")
    every(rest=F("pk") % 49_999).filter(rest=0).update(end_reason="staff", note="corrected")
    Use.objects.filter(started_at__lt=timezone.now() - timedelta(days=5 * 365)).update(member=None, card_uid="")


def _taps() -> Iterator[Tap]:
    now = timezone.now()
    cards = list(Card.objects.order_by("pk").values_list("pk", "uid", "member_id"))
    machines = list(Machine.objects.values_list("pk", flat=True))
    for number in range(TAPS):
        card, uid, member = cards[number * 7919 % len(cards)]
        outcome = next(name for name, every in reversed(_EVERY.items()) if number % every == 0)
        known = {"card_id": card, "member_id": member} if outcome != "unknown_card" else {}
        yield Tap(
            at=now - timedelta(minutes=5 * (TAPS - number)),
            machine_id=machines[number % len(machines)],
            uid=uid if known else f"{0xDE000000 + number % 40:08x}",
            outcome=outcome,
            level=1 if outcome == "granted" else 0,
            is_machine_blocked=number % 501 == 0,
            is_maintenance_due=number % 503 == 0,
            **known,
        )


def _interventions() -> Iterator[Intervention]:
    now = timezone.now()
    plans = list(MaintenancePlan.objects.values_list("pk", "machine_id"))
    members = list(Member.objects.values_list("pk", flat=True)[:20])
    for number in range(INTERVENTIONS):
        plan, machine = plans[number % len(plans)]
        yield Intervention(
            plan_id=plan,
            machine_id=machine,
            member_id=members[number % len(members)],
            at=now - timedelta(hours=2 * (INTERVENTIONS - number)),
            reading=number * 100,
            note="New belt" if number % 9 == 0 else "",
        )


def _changes() -> Iterator[Change]:
    now = timezone.now()
    boss = Member.objects.get(email=BOSS)
    kind = ContentType.objects.get_for_model(Use)
    for number in range(CHANGES):
        details: Any = [{"did": "changed", "values": [{"field": "note", "old": None, "new": f"note {number}"}]}]
        yield Change(
            at=now - timedelta(minutes=11 * (CHANGES - number)),
            member=boss,
            content_type=kind,
            object_id=str(number % 5000 + 1),
            object_repr=f"Laser {number % 50} – use {number}",
            kind=Change.Kind.CHANGED,
            details=details,
        )


def _insert(model: Any, things: Iterable[Any]) -> None:
    """A batch at a time: a worker is waiting."""
    waiting = iter(things)
    while batch := list(islice(waiting, _BATCH)):
        model.objects.bulk_create(batch)


def _board(machine: Machine) -> Board:
    return Board(serial=f"{machine.pk:012x}", machine=machine, firmware=f"0.{machine.pk % 4}.0", free_heap=150_000)


if __name__ == "__main__":
    if sys.argv[1:] == ["fill"]:
        fill()
    print(json.dumps({}))
