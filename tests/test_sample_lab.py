from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum

from fabomatic.sample_lab import load_sample_lab
from machines.access import Outcome, decide
from machines.models import Authorization, Intervention, Machine, MachineType, MaintenancePlan, Use
from members.models import Card, Member, Role
from telemetry.models import Downtime, Tap

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 15, 30, 7, 250_000, tzinfo=UTC)


@pytest.fixture
def lab():
    return load_sample_lab(NOW)


@pytest.mark.usefixtures("lab")
def test_odometers_are_exactly_what_was_used():
    for machine in Machine.objects.annotate(used=Sum("uses__duration")):
        assert machine.used > 0
        assert machine.seconds_used == machine.initial_seconds + machine.used


@pytest.mark.usefixtures("lab")
def test_no_machine_is_used_twice_at_a_time():
    for machine in Machine.objects.all():
        uses = list(machine.uses.order_by("started_at"))
        assert all(before.ended_at <= after.started_at for before, after in pairwise(uses))


@pytest.mark.usefixtures("lab")
def test_nothing_happened_in_the_future_or_before_the_two_weeks():
    times = Use.objects.values_list("started_at", "last_seen_at", "ended_at", "recorded_at")
    taps = Tap.objects.values_list("at", flat=True)

    assert all(NOW - timedelta(days=15) < at < NOW for use in times for at in use)
    assert all(NOW - timedelta(days=15) < at < NOW for at in taps)


@pytest.mark.usefixtures("lab")
def test_it_is_a_whole_lab():
    assert Machine.objects.count() == 8
    assert Machine.objects.values("type").distinct().count() == 3
    assert Member.objects.count() == 30
    assert Card.objects.filter(is_lost=True).count() == 1
    assert Use.objects.count() > 200
    assert Intervention.objects.count() >= 3
    assert Authorization.objects.filter(valid_until__lt=NOW.date()).exists()
    assert {"granted", "unknown_card", "not_authorized"} <= set(Tap.objects.values_list("outcome", flat=True))


@pytest.mark.usefixtures("lab")
def test_machines_were_silent_and_blocked_and_not_in_use_meanwhile():
    assert {"offline", "blocked"} == set(Downtime.objects.values_list("kind", flat=True))
    for down in Downtime.objects.all():
        assert NOW - timedelta(days=15) < down.started_at < down.ended_at < NOW
        uses = down.machine.uses.filter(started_at__lt=down.ended_at, ended_at__gt=down.started_at)
        assert not uses.exists()


@pytest.mark.usefixtures("lab")
def test_no_machine_is_number_1_which_reset_boards_call_themselves():
    assert not Machine.objects.filter(pk=1).exists()


@pytest.mark.usefixtures("lab")
def test_every_use_had_been_granted_by_the_rules():
    for use in Use.objects.exclude(machine__is_blocked=True)[:100]:
        assert decide(use.machine_id, use.card_uid, use.started_at).outcome is Outcome.GRANTED


@pytest.mark.usefixtures("lab")
def test_some_maintenance_is_due_and_some_is_not():
    due = [
        (plan.hours_between is not None and _hours_since(plan) >= plan.hours_between)
        or (plan.days_between is not None and (NOW - plan.last_work_at).days >= plan.days_between)
        for plan in MaintenancePlan.objects.select_related("machine")
    ]

    assert {True, False} == set(due)


def _hours_since(plan):
    return (plan.machine.seconds_used - plan.reading_at_last_work) / 3600


def test_same_time_and_seed_give_the_same_lab(lab):
    first = facts(lab)
    for model in (Intervention, MaintenancePlan, Use, Tap, Machine, Card, Member, MachineType):
        model.objects.all().delete()

    assert facts(load_sample_lab(NOW)) == first


def facts(lab):
    return [(use.machine_id, use.card_uid, use.started_at, use.duration) for use in lab.uses]


@pytest.mark.parametrize("seed", range(2, 6))
def test_other_seeds_give_whole_labs_too(seed):
    assert len(load_sample_lab(NOW, seed).uses) > 200


@pytest.mark.parametrize("hour", [0, 3, 9, 23])
def test_any_hour_of_the_day_will_do(hour):
    assert len(load_sample_lab(NOW.replace(hour=hour)).uses) > 200


def test_lab_with_a_machine_is_refused():
    Machine.objects.create(id=7, name="Saw", type=MachineType.objects.get())

    with pytest.raises(CommandError, match="empty database"):
        call_command("load_sample_lab")


def test_lab_with_a_member_is_refused():
    Member.objects.create_user(None, first_name="Ada", role=Role.objects.get(name="Members"))

    with pytest.raises(CommandError, match="empty database"):
        call_command("load_sample_lab")


def test_administrator_is_no_reason_to_refuse_and_gets_a_card_to_try_remote_start_with(tmp_path, capsys):
    admin = Member.objects.create_superuser("admin@lab.invalid", "x", first_name="Administrator")

    call_command("load_sample_lab", cards_file=tmp_path / "cards")

    assert "8 machines, 30 members" in capsys.readouterr().out
    invented = Card.objects.exclude(member=admin).order_by("pk")
    assert (tmp_path / "cards").read_text().split() == list(invented.values_list("uid", flat=True))
    assert admin.cards.count() == 1
    assert MachineType.objects.filter(allow_remote_start=True).count() == 1
