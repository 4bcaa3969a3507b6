"""Members who left long ago go once nothing of theirs is left; nobody who is in charge ever does."""

from datetime import timedelta

import pytest

from fabomatic.models import Notice
from machines.models import Authorization, Intervention, Use
from members.models import Agreement, Card, Change, Member
from telemetry.models import Screen, Tap
from tests.conftest import NOW, UIDS
from tests.purging import CUTOFF, SECOND, YEAR, purged, tap, use_ended, would_purge

pytestmark = pytest.mark.django_db
LONG_AGO = CUTOFF - YEAR


@pytest.fixture
def leave(dora):
    """`leave(member)`: they were here long ago, and were disabled a second too early to stay."""

    def leave(member, **fields):
        gone = {"is_active": False, "deactivated_at": CUTOFF - SECOND, "created_at": LONG_AGO, **fields}
        Member.objects.filter(pk=member.pk).update(**gone)
        member.refresh_from_db()
        return member

    return leave


def is_there(member):
    return Member.objects.filter(pk=member.pk).exists()


ENDED = {"is_active": True, "deactivated_at": None}


def test_who_was_disabled_long_ago_goes_with_cards_and_authorizations(leave, ada):
    leave(ada)
    assert purged() == {"members deleted": 1}
    assert not is_there(ada)
    assert not Card.objects.filter(uid=UIDS["ada"]).exists()
    assert not Authorization.objects.exists()


def test_whose_membership_ended_long_ago_goes(leave, ada, bruno):
    leave(ada, **ENDED, valid_until=CUTOFF.date() - timedelta(days=1))
    leave(bruno, **ENDED, valid_until=CUTOFF.date())
    assert purged() == {"members deleted": 1}
    assert (is_there(ada), is_there(bruno)) == (False, True)


@pytest.mark.parametrize(
    "fields",
    [
        {"deactivated_at": CUTOFF},
        {"is_active": True, "deactivated_at": None},
        {"created_at": CUTOFF},
        {"last_login": CUTOFF},
    ],
    ids=["left at the cutoff", "active", "new", "logged in"],
)
def test_who_was_here_since_stays(leave, ada, fields):
    leave(ada, **fields)
    assert purged() == {}
    assert is_there(ada)


def test_who_is_still_named_somewhere_stays(leave, make_member, laser, make_plan):
    people = {name: make_member(name, f"{number:08x}") for number, name in enumerate(("use", "tap", "work", "log"))}
    use_ended(laser, CUTOFF, member=people["use"])
    tap(laser, CUTOFF, people["tap"])
    Intervention.objects.create(plan=make_plan(laser), member=people["work"], at=CUTOFF)
    Change.objects.create(member=people["log"], at=CUTOFF, object_repr="Laser", kind="changed")
    for member in people.values():
        leave(member)
    assert purged() == {}


def test_who_has_a_running_use_stays(leave, ada, laser):
    Use.objects.create(machine=laser, started_at=LONG_AGO, member=ada, card_uid=ada.uid)
    leave(ada)
    assert purged() == {}


def test_what_is_left_without_them_names_nobody(leave, ada, laser, bruno, make_plan):
    old = use_ended(laser, CUTOFF - SECOND, member=ada, card_uid=ada.uid)
    tap(laser, CUTOFF - SECOND, ada)
    tap(laser, NOW, uid=ada.uid, outcome="board_conflict")
    Intervention.objects.create(plan=make_plan(laser), member=ada, at=CUTOFF - SECOND)
    Authorization.objects.filter(member=bruno).update(granted_by=ada)
    Screen.objects.create(name="Door", created_by=ada)
    agreement = Agreement.objects.create(version=1, text="…", published_by=ada)
    Member.objects.filter(pk=ada.pk).update(consent_to=agreement)
    Notice.objects.create(kind="membership", member=ada, about="x", created_at=NOW)
    Change.objects.create(member=ada, at=CUTOFF - SECOND, object_repr="Laser", kind="changed")
    leave(ada)
    assert purged()["members deleted"] == 1
    assert Use.objects.get().pk == old.pk
    assert set(Tap.objects.values_list("uid", flat=True)) == {""}
    assert Authorization.objects.get().granted_by is None
    assert Screen.objects.get().created_by is None
    assert Agreement.objects.get().published_by is None
    assert not Notice.objects.exists()


def test_the_one_who_was_in_charge_alone_stays(dora, roles):
    Member.objects.filter(pk=dora.pk).update(created_at=LONG_AGO, valid_until=LONG_AGO.date())
    assert purged() == {}
    assert is_there(dora)


def test_active_staff_of_the_administration_stays_and_other_staff_goes(leave, make_member, roles, carla):
    oscar = make_member("Oscar", role=roles.administrators)
    olga = make_member("Olga", role=roles.administrators, is_superuser=True)
    for member in (oscar, olga, carla):
        leave(member, **ENDED, valid_until=LONG_AGO.date())
    assert purged() == {"members deleted": 1}
    assert not is_there(carla)


def test_a_superuser_who_was_disabled_long_ago_goes(leave, make_member, roles):
    leave(make_member("Olga", role=roles.administrators, is_superuser=True))
    assert purged() == {"members deleted": 1}


def test_who_came_back_while_others_were_deleted_stays(leave, ada, bruno, monkeypatch):
    for member in (ada, bruno):
        leave(member)

    def come_back(member):
        Member.objects.filter(pk=bruno.pk).update(is_active=True, deactivated_at=None)

    monkeypatch.setattr("fabomatic.privacy.purge_members.forget", come_back)
    assert purged() == {"members deleted": 1}
    assert is_there(bruno)


def test_a_dry_run_deletes_nobody_and_counts_those_whose_old_history_would_be_anonymous(leave, ada, laser):
    use_ended(laser, CUTOFF - SECOND, member=ada, card_uid=ada.uid)
    leave(ada)
    assert would_purge() == {"uses made anonymous": 1, "members deleted": 1}
    assert is_there(ada)
