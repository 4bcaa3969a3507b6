"""`load_sample_lab --days N`: an invented lab with a long past, whose last two weeks are those of `make demo`."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command

from fabomatic.sample_lab import load_sample_lab
from machines import hours_check
from machines.models import EndReason, Intervention, Machine, MaintenancePlan, Use
from members.models import Member
from telemetry.models import Downtime, Tap

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 15, 30, 7, tzinfo=UTC)
DAYS = 120  # the end of summer time is among them
BEGAN = NOW - timedelta(days=DAYS + 1)
A_FORTNIGHT_AGO = NOW - timedelta(days=14)
ROME = ZoneInfo("Europe/Rome")


@pytest.fixture
def lab():
    return load_sample_lab(NOW, days=DAYS)


@pytest.mark.usefixtures("lab")
def test_its_odometers_and_readings_agree_with_its_uses():
    assert hours_check.differing() == []
    assert hours_check.readings_ahead() == []
    assert hours_check.odd_uses() == []


@pytest.mark.usefixtures("lab")
def test_no_machine_is_used_twice_at_a_time_nor_while_it_is_switched_off():
    for machine in Machine.objects.all():
        uses = list(machine.uses.order_by("started_at"))
        assert all(before.ended_at <= after.started_at for before, after in pairwise(uses))
    for down in Downtime.objects.all():
        assert not down.machine.uses.filter(started_at__lt=down.ended_at, ended_at__gt=down.started_at).exists()


@pytest.mark.usefixtures("lab")
def test_all_of_it_lies_within_its_days():
    for times in Use.objects.values_list("started_at", "last_seen_at", "ended_at", "recorded_at"):
        assert all(BEGAN < at < NOW for at in times)
    assert all(BEGAN < at < NOW for at in Tap.objects.values_list("at", flat=True))
    assert Use.objects.filter(started_at__lt=BEGAN + timedelta(days=7)).exists()


@pytest.mark.usefixtures("lab")
def test_it_lives_as_a_lab_does():
    local = [at.astimezone(ROME) for at in Use.objects.values_list("started_at", flat=True)]
    hours = Counter(at.hour for at in local)
    assert not any(at.weekday() == 6 and at.hour > 8 for at in local), "closed on Sundays"
    assert hours[18] > 1.2 * hours[11], "evenings are busier"
    overnight = Use.objects.filter(machine__type__name="3D printer", duration__gt=6 * 3600)
    assert any(use.started_at.astimezone(ROME).date() < use.ended_at.astimezone(ROME).date() for use in overnight)
    outcomes = set(Tap.objects.filter(at__lt=A_FORTNIGHT_AGO).values_list("outcome", flat=True))
    assert {"granted", "unknown_card", "not_authorized", "lost_card", "member_inactive"} <= outcomes
    assert {EndReason.STOP, EndReason.LOST} == set(Use.objects.values_list("end_reason", flat=True))
    assert Use.objects.filter(is_replay=True, started_at__lt=A_FORTNIGHT_AGO).exists()
    assert Intervention.objects.filter(at__lt=A_FORTNIGHT_AGO).count() > 5


@pytest.mark.usefixtures("lab")
def test_some_people_left_and_came_no_more():
    left = Member.objects.filter(is_active=False, deactivated_at__lt=A_FORTNIGHT_AGO)
    assert left.count() > 8
    for member in left:
        assert all(use.started_at < member.deactivated_at for use in member.uses.all())
    assert Use.objects.filter(member__in=left).exists()


@pytest.mark.usefixtures("lab")
def test_nobody_used_a_machine_before_coming_to_the_lab():
    for use in Use.objects.select_related("member"):
        assert use.member.created_at < use.started_at


@pytest.mark.usefixtures("lab")
def test_plans_follow_their_latest_intervention():
    for plan in MaintenancePlan.objects.all():
        latest = plan.interventions.order_by("-at").first()
        assert latest is None or latest.at <= plan.last_work_at


def test_same_time_seed_and_days_give_the_same_lab(db):
    load_sample_lab(NOW, days=40)
    first = everything()
    for model in (Intervention, MaintenancePlan, Use, Tap, Downtime, Machine, Member):
        model.objects.all().delete()
    load_sample_lab(NOW, days=40)
    assert everything() == first


def everything():
    uses = Use.objects.order_by("started_at", "machine").values_list("machine_id", "card_uid", "started_at", "duration")
    taps = Tap.objects.order_by("at", "machine").values_list("machine_id", "uid", "at", "outcome")
    return list(uses), list(taps)


def test_a_short_history_is_short(db):
    load_sample_lab(NOW, days=3)
    assert Use.objects.exists()
    assert not Use.objects.filter(started_at__lt=NOW - timedelta(days=4)).exists()
    assert hours_check.differing() == []


@pytest.mark.parametrize("days", [0, -1, 1101])
def test_a_history_of_no_days_or_too_many_is_refused(days):
    with pytest.raises(CommandError, match="1 to 1100"):
        call_command("load_sample_lab", days=days)


def test_the_command_counts_all_of_it(capsys):
    call_command("load_sample_lab", days=40)
    assert f"8 machines, 46 members, {Use.objects.count()} uses" in capsys.readouterr().out
