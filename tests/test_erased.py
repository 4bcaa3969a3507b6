"""The ledger of who was deleted, with which a restored backup forgets them again."""

import logging
import stat
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from fabomatic.privacy import erased
from fabomatic.privacy.erasing import erase
from machines.models import Use
from members.changes import note, value
from members.models import Change, Member
from tests.conftest import NOW
from tests.member_desk import act
from tests.staff import client_of

pytestmark = pytest.mark.django_db
AN_HOUR = timedelta(hours=1)


@pytest.fixture
def ledger(settings):
    return settings.BACKUP_FOLDER / "erased.txt"


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    return lambda: django_capture_on_commit_callbacks(execute=True)


def numbers(ledger) -> list[int]:
    return [int(line.split()[0]) for line in ledger.read_text().splitlines()]


# ---- who is in it ----------------------------------------------------------------------------------------------------


def test_whoever_is_deleted_is_remembered_by_number_and_time_alone(ada, ledger, committed):
    number = ada.pk
    with time_machine.travel(NOW, tick=False), committed():
        ada.delete()
    assert ledger.read_text() == f"{number} 2026-03-10T12:00:00.000000+00:00\n"
    assert stat.S_IMODE(ledger.stat().st_mode) == 0o600


def test_so_are_those_whom_staff_deletes_or_erases(ada, bruno, hugo, dora, ledger, committed):
    with committed():
        act(client_of(dora), "delete_selected", bruno, hugo, post="yes")
    with committed():
        erase(ada, dora.pk, NOW)
    assert set(numbers(ledger)) == {ada.pk, bruno.pk, hugo.pk}


def test_a_deletion_that_is_taken_back_is_not_remembered(ada, ledger):
    ada.delete()  # never committed
    assert not ledger.exists()


def test_a_folder_that_cannot_be_written_is_an_error_in_the_log_and_stops_nothing(
    ada, settings, tmp_path, caplog, committed
):
    (tmp_path / "a-file").write_text("")
    settings.BACKUP_FOLDER = tmp_path / "a-file" / "backups"
    with caplog.at_level(logging.ERROR), committed():
        Member.objects.filter(pk=ada.pk).delete()
    assert not Member.objects.exists()
    assert "restored backup would bring them back" in caplog.text
    assert "Lovelace" not in caplog.text


def test_a_line_that_a_full_disk_cut_off_swallows_no_other(ledger):
    erased.remember(1, NOW)
    with ledger.open("a") as file:
        file.write("2 2026-03-1")
    erased.remember(3, NOW)
    assert [number for number, _at in erased._entries()] == [1, 3]


# ---- once restored ---------------------------------------------------------------------------------------------------


def test_a_restored_backup_forgets_whom_it_still_has(ada, bruno, dora, laser, make_use, make_member, roles):
    Member.objects.update(created_at=NOW - 100 * AN_HOUR)
    make_use(laser, member=ada, card_uid=ada.uid)
    erased.remember(ada.pk, NOW)
    assert erased.again(NOW - AN_HOUR, NOW + AN_HOUR) == 1
    assert set(Member.objects.values_list("pk", flat=True)) == {bruno.pk, dora.pk}
    assert Use.objects.get().card_uid == ""
    assert Change.objects.get().member is None


def test_several_are_forgotten_in_one_reading(ada, bruno, carla, dora, laser, make_use):
    Member.objects.update(created_at=NOW - 100 * AN_HOUR)
    make_use(laser, note="Ada Lovelace with Bruno Munari and Carla Scarpa")
    note(dora.pk, ada, Change.Kind.CHANGED, [{"did": "changed", "values": [value("notes", None, "shy")]}])
    both = [{"did": "changed", "values": [value("member", "Ada Lovelace", "Bruno Munari", personal=True)]}]
    note(dora.pk, Use.objects.get(), Change.Kind.CHANGED, both)
    for member in (ada, bruno):
        erased.remember(member.pk, NOW)
    assert erased.again(NOW - AN_HOUR, NOW + AN_HOUR) == 2
    assert Use.objects.get().note == "… with … and Carla Scarpa"
    about, of_use, *_erased = Change.objects.order_by("pk")
    assert about.details[0]["values"] == [value("notes", None, "…")]
    assert of_use.details[0]["values"] == [value("member", "…", "…", personal=True)]


def test_who_was_deleted_before_the_backup_was_made_is_not_in_it(ada):
    Member.objects.update(created_at=NOW - 100 * AN_HOUR)
    erased.remember(ada.pk, NOW)
    assert erased.again(NOW, NOW) == 0
    assert Member.objects.exists()


def test_somebody_who_came_later_and_got_the_number_stays(ada):
    Member.objects.update(created_at=NOW + AN_HOUR)
    erased.remember(ada.pk, NOW)
    assert erased.again(NOW - AN_HOUR, NOW + AN_HOUR) == 0


def test_nothing_is_a_reason_to_keep_somebody_who_came_back(dora, laser):
    Member.objects.update(created_at=NOW - 100 * AN_HOUR)
    use = Use.objects.create(machine=laser, member=dora, card_uid=dora.uid, started_at=NOW - AN_HOUR)
    erased.remember(dora.pk, NOW)
    assert erased.again(NOW - AN_HOUR, NOW) == 1
    use.refresh_from_db()
    assert (use.member, use.card_uid) == (None, "")


def test_without_a_ledger_and_with_a_spoilt_one_nothing_is_erased(ada, ledger):
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    assert erased.again(long_ago, NOW) == 0
    ledger.parent.mkdir(parents=True)
    ledger.write_text(
        f"\n{ada.pk}\n{ada.pk} yesterday\nx 2026-03-10T12:00:00+00:00\n{ada.pk} 2027-03-10T12:00:00\n ÿ\n"
    )
    assert erased.again(long_ago, NOW) == 0
    assert Member.objects.exists()
