"""An invented lab with weeks or years behind it, for `make demo` and for whoever wants to look around."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from fabomatic.sample_data import BLOCKED_MACHINE, BLOCKED_REASON, MACHINES, PLANS
from fabomatic.sample_lab import earlier, fortnight, people, places, upkeep
from fabomatic.sample_lab.ground import FORTNIGHT, Ground, LabNotEmpty, SampleLab
from machines.models import Machine, whole_second
from members.models import Member

__all__ = ["FORTNIGHT", "LONGEST", "LabNotEmpty", "SampleLab", "load_sample_lab"]

LONGEST = 1100  # days


def load_sample_lab(now: datetime, seed: int = 1, days: int = FORTNIGHT) -> SampleLab:
    """The same lab for the same time, seed and days. Raises LabNotEmpty."""
    if Machine.objects.exists() or Member.objects.filter(is_superuser=False).exists():
        raise LabNotEmpty
    with transaction.atomic():
        return _build(Ground(whole_second(now), seed, days))


def _build(ground: Ground) -> SampleLab:
    """Of more than two weeks the last two are the same ones, and what was before has dice of its own."""
    long_ago = earlier.Earlier(ground) if ground.days > FORTNIGHT else None
    people.add_people(ground)
    places.add_machines(ground)
    places.add_authorizations(ground)
    if long_ago:
        long_ago.add_people_who_left()
        long_ago.add_history()
    for machine, sample in zip(ground.lab.machines, MACHINES, strict=True):
        fortnight.add_history(ground, machine, sample)
    fortnight.record_history(ground)
    for plan in PLANS:
        upkeep.add_plan(ground, plan)
    places.block(ground, BLOCKED_MACHINE, BLOCKED_REASON)
    people.add_cards_of_administrators(ground)
    for machine in ground.lab.machines:
        upkeep.add_downtimes(ground, machine)
    if long_ago:
        long_ago.add_interventions()
    return ground.lab
