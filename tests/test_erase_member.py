"""Erasing a person: what goes, what stays without a name, who is refused, and what a killed one leaves to do."""

import dataclasses

import pytest
import time_machine
from axes.models import AccessAttempt
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from fabomatic.models import Notice
from fabomatic.privacy import erasing
from fabomatic.privacy.erasing import CannotErase, erase
from machines.models import Authorization, Intervention, Machine, Use
from members.changes import note, sentences
from members.exchange import jobs
from members.models import Card, Change, Member
from telemetry.models import Screen, Tap
from tests.conftest import NOW, UIDS
from tests.staff import backend_role

pytestmark = pytest.mark.django_db


@pytest.fixture
def traces(ada, bruno, laser, printer, make_use, make_plan, authorize):
    """Of Ada, and of Bruno beside."""
    make_use(laser, 3600, member=ada, card_uid=ada.uid, note="for Ada Lovelace")
    make_use(laser, 1800, hours_ago=50, card_uid=ada.uid)
    make_use(laser, 600, hours_ago=80, member=bruno, card_uid=bruno.uid)
    Tap.objects.create(at=NOW, machine=laser, uid=ada.uid, outcome="unknown_card")
    Tap.objects.create(at=NOW, machine=laser, uid=ada.uid, member=ada, card=ada.cards.get(), outcome="granted")
    Tap.objects.create(at=NOW, machine=laser, uid=bruno.uid, member=bruno, outcome="granted")
    Intervention.objects.create(plan=make_plan(laser), member=ada, at=NOW)
    Notice.objects.create(kind="membership", member=ada, about="2026-04-01")
    Screen.objects.create(name="Entrance", created_by=ada)
    authorize(bruno, printer, granted_by=ada)
    note(ada.pk, laser, Change.Kind.CHANGED, [])
    AccessAttempt.objects.create(username="ada@example.org", ip_address="192.0.2.7", failures_since_start=3)
    AccessAttempt.objects.create(username="bruno@example.org", ip_address="192.0.2.7", failures_since_start=1)
    for owner in (ada, bruno):
        jobs.make(owner.pk, "member", file_name="a.csv", heading=[], rows=[], unknown=[], language="en")
    return ada


# ---- what is done ----------------------------------------------------------------------------------------------------


def test_the_counts_say_what_was_done(traces, dora):
    erased = erase(traces, dora.pk, NOW)
    assert dataclasses.asdict(erased) == {
        "uses": 2,
        "taps": 2,
        "interventions": 1,
        "changes": 1,
        "gone": 3,  # card, authorization, notice
        "sessions": 0,
        "failed_logins": 1,
        "uploads": 1,
        "texts": 1,
    }


def test_the_account_and_what_is_theirs_goes(traces, bruno, dora):
    erase(traces, dora.pk, NOW)
    assert not Member.objects.filter(email="ada@example.org").exists()
    assert not Card.objects.filter(uid=UIDS["ada"]).exists()
    assert not Notice.objects.exists()
    assert set(Authorization.objects.values_list("member", flat=True)) == {bruno.pk}
    assert AccessAttempt.objects.get().username == "bruno@example.org"
    assert jobs.files_of(traces.pk) == []
    assert jobs.files_of(bruno.pk) == ["a.csv"]


def test_the_history_stays_without_name_and_card(traces, bruno, dora, laser, odometer, true_odometer):
    before = odometer(laser)
    erase(traces, dora.pk, NOW)
    assert odometer(laser) == true_odometer(laser) == before
    assert set(Use.objects.values_list("member", "card_uid")) == {(None, ""), (bruno.pk, bruno.uid)}
    assert set(Tap.objects.values_list("member", "uid", "card")) == {(None, "", None), (bruno.pk, bruno.uid, None)}
    assert (Use.objects.count(), Tap.objects.count(), Intervention.objects.get().member) == (3, 3, None)


def test_what_they_wrote_stays_without_author(traces, dora, printer):
    erase(traces, dora.pk, NOW)
    assert Authorization.objects.get(machine=printer).granted_by is None
    assert Screen.objects.get().created_by is None
    assert Change.objects.order_by("pk").first().member is None


def test_their_sessions_end_and_nobody_elses(ada, bruno, dora):
    for member in (ada, bruno):
        session = SessionStore()
        session[SESSION_KEY] = str(member.pk)
        session.save()
    assert erase(ada, dora.pk, NOW).sessions == 1
    assert Session.objects.get().get_decoded() == {SESSION_KEY: str(bruno.pk)}


def test_the_log_says_that_somebody_was_erased_and_by_whom(ada, dora):
    erase(ada, dora.pk, NOW)
    change = Change.objects.latest("pk")
    assert (change.at, change.member, change.kind, change.object_repr) == (NOW, dora, "deleted", str(ada.pk))
    assert sentences(change, sees_people=False)[-1] == "Erased a member."


def test_who_erases_themselves_leaves_no_name(dora, make_member, roles):
    other = make_member("Oscar", role=roles.administrators, is_superuser=True, password="oscar-knows-it")
    erase(dora, dora.pk, NOW)
    assert Change.objects.latest("pk").member is None
    assert other in Member.objects.all()


def test_the_worker_and_the_screens_hear_of_it_at_once(ada, dora, monkeypatch, django_capture_on_commit_callbacks):
    told = []
    monkeypatch.setattr("telemetry.nudge.nudge", lambda: told.append(Member.objects.filter(pk=ada.pk).exists()))
    with django_capture_on_commit_callbacks(execute=True):
        erase(ada, dora.pk, NOW)
    assert False in told


# ---- who is refused --------------------------------------------------------------------------------------------------


def refusal(member, by) -> str:
    with pytest.raises(CannotErase) as refused:
        erase(member, by.pk if by else None, NOW)
    assert Member.objects.get(pk=member.pk).is_active
    return str(refused.value)


def test_nobody_is_erased_at_a_running_machine(ada, dora, laser):
    Use.objects.create(machine=laser, member=ada, card_uid=ada.uid, started_at=NOW)
    assert "right now" in refusal(ada, dora)


def test_nobody_whose_card_runs_a_machine_is_erased(ada, dora, laser):
    Use.objects.create(machine=laser, card_uid=ada.uid, started_at=NOW)
    assert "right now" in refusal(ada, dora)


@pytest.mark.parametrize("by_command", [True, False])
def test_the_last_superuser_stays(dora, by_command):
    assert "in charge" in refusal(dora, None if by_command else dora)


def test_only_superusers_erase_who_can_do_more_than_members(carla, make_member):
    clerk = make_member("Cleo", role=backend_role("Clerks", "view_member", "delete_member"))
    assert "superusers" in refusal(carla, clerk)


def test_the_command_line_may_erase_anybody_else(carla, dora):
    erase(carla, None, NOW)
    assert not Member.objects.filter(pk=carla.pk).exists()
    assert Change.objects.get().member is None


def test_a_tap_meanwhile_starts_nothing(ada, dora, monkeypatch):
    seen = []
    monkeypatch.setattr(erasing, "scrub", lambda _people: seen.append(Member.objects.get(pk=ada.pk).is_active) or 0)
    erase(ada, dora.pk, NOW)
    assert seen == [False]


# ---- killed ----------------------------------------------------------------------------------------------------------


class Killed(BaseException):
    pass


@pytest.mark.parametrize("where", ["_forget_history", "_without_author", "scrub", "end_sessions_of", "_delete_account"])
def test_killed_anywhere_it_finishes_when_asked_again(traces, dora, laser, monkeypatch, where):
    done = getattr(erasing, where)

    def die(*arguments, **options):
        if where != "_delete_account":
            done(*arguments, **options)
        raise Killed

    monkeypatch.setattr(erasing, where, die)
    with pytest.raises(Killed):
        erase(traces, dora.pk, NOW)
    monkeypatch.setattr(erasing, where, done)
    erase(Member.objects.get(pk=traces.pk), dora.pk, NOW)
    assert not Member.objects.filter(pk=traces.pk).exists()
    assert not Use.objects.filter(card_uid=UIDS["ada"]).exists()
    assert not Use.objects.filter(note__contains="Ada").exists()
    assert Change.objects.filter(kind="deleted").count() == 1


def test_a_note_that_somebody_writes_meanwhile_is_not_lost(traces, dora, monkeypatch):
    from fabomatic.privacy import scrubbing

    update, use = scrubbing._update, Use.objects.get(note="for Ada Lovelace")

    def write_before(model, row, new):
        if model is Use and row["note"] == "for Ada Lovelace":
            Use.objects.filter(pk=use.pk).update(note="for Ada Lovelace, in brass")
        return update(model, row, new)

    monkeypatch.setattr(scrubbing, "_update", write_before)
    erase(traces, dora.pk, NOW)
    use.refresh_from_db()
    assert use.note == "for …, in brass"


def test_machines_are_as_before(traces, dora, laser):
    before = Machine.objects.order_by("pk").values()
    rows = list(before)
    with time_machine.travel(NOW, tick=False):
        erase(traces, dora.pk, NOW)
    assert list(before.all()) == rows
