"""A board that is silent for an hour is told once to staff that asked; a lab that is switched off is no news."""

from datetime import timedelta

import pytest

from fabomatic.notices.letters import may_list, readers
from machines.models import EndReason, Machine, Use
from members.models import Member
from telemetry.models import Downtime
from tests.conftest import NOW
from tests.noticing import lab_with_mail, languages, last_mail, later, refused, told
from tests.staff import backend_role

__all__ = ["lab_with_mail", "languages", "refused"]

pytestmark = pytest.mark.django_db
LASER = [("dora@example.org", "A board is silent: Laser (7)")]
ALL = [("dora@example.org", "All boards are silent")]
AGO = timedelta(minutes=61)


@pytest.fixture(autouse=True)
def asked(dora):
    Member.objects.filter(pk=dora.pk).update(wants_silence_mail=True)


@pytest.fixture
def mill(laser_type):
    return Machine.objects.create(id=20, name="Mill", type=laser_type)


def hear(*machines, at=NOW):
    """As the worker writes it, silences ended included."""
    for machine in machines:
        Machine.objects.filter(pk=machine.pk).update(last_seen_at=at)
        machine.downtimes.filter(ended_at__isnull=True).update(ended_at=at)


def fall_silent(*machines, at=NOW - AGO):
    """As the worker writes it once they have been silent for 90 seconds."""
    for machine in machines:
        Machine.objects.filter(pk=machine.pk).update(last_seen_at=at)
        Downtime.objects.create(machine=machine, kind=Downtime.Kind.OFFLINE, started_at=at)


def use(machine, at, **fields):
    return Use.objects.create(machine=machine, started_at=at - timedelta(minutes=30), last_seen_at=at, **fields)


# ---- a board ---------------------------------------------------------------------------------------------------------


def test_silent_board_is_told_once(laser, printer):
    hear(printer)
    fall_silent(laser)
    assert told() == LASER
    hear(printer, at=later(minutes=15))
    assert told(later(minutes=15)) == []


def test_nothing_is_told_before_the_hour_is_over(laser, printer):
    hear(printer)
    fall_silent(laser, at=NOW - timedelta(minutes=59))
    assert told() == []


def test_it_is_told_again_when_it_falls_silent_again(laser, printer):
    hear(printer)
    fall_silent(laser)
    told()
    hear(laser, at=later(minutes=10))
    fall_silent(laser, at=later(minutes=10))
    hear(printer, at=later(minutes=80))
    assert told(later(minutes=80)) == LASER


def test_board_that_came_back_is_no_news(laser, printer):
    hear(printer)
    fall_silent(laser)
    hear(laser)
    assert told() == []


def test_board_that_is_heard_is_no_news_also_where_its_silence_was_never_ended(laser, printer):
    """As in a database restored behind the worker's back."""
    fall_silent(laser)
    Machine.objects.update(last_seen_at=NOW)
    assert told() == []


def test_board_in_use_is_no_news(laser, printer):
    hear(printer)
    fall_silent(laser)
    use(laser, NOW - AGO)
    assert told() == []


def test_use_that_has_ended_hides_no_silence(laser, printer):
    hear(printer)
    fall_silent(laser)
    use(laser, NOW - AGO, ended_at=NOW - AGO, end_reason=EndReason.LOST)
    assert told() == LASER


def test_silence_the_worker_did_not_note_is_not_claimed(laser, printer):
    hear(printer)
    Machine.objects.filter(pk=laser.pk).update(last_seen_at=NOW - timedelta(hours=3))
    assert told() == []


def test_board_in_a_drawer_is_no_news(laser, printer):
    hear(printer)
    fall_silent(laser, at=NOW - timedelta(days=7, minutes=1))
    assert told() == []


def test_machine_never_heard_is_no_news(laser, printer):
    hear(printer)
    assert told() == []


def test_several_are_one_mail(laser, printer, mill):
    hear(printer)
    fall_silent(laser, mill)
    assert told() == [("dora@example.org", "2 boards are silent")]
    text, page = last_mail()
    assert "these boards have been silent" in text
    assert "* Laser (7), Room 2\n  since 10 Mar 2026, 11:59" in text
    assert "https://lab.example.org/admin/machines/machine/20/change/" in page


def test_only_what_is_new_is_told_the_second_time(laser, printer, mill):
    hear(printer)
    fall_silent(laser)
    told()
    fall_silent(mill, at=NOW - timedelta(minutes=30))
    hear(printer, at=later(minutes=45))
    assert told(later(minutes=45)) == [("dora@example.org", "A board is silent: Mill (20)")]


def test_quiet_hours_put_it_off(laser, printer):
    night, morning = later(hours=11), later(hours=20)  # 00:00 and 09:00 in the lab
    fall_silent(laser, at=night - AGO)
    hear(printer, at=night)
    assert told(night) == []
    hear(printer, at=morning)
    assert told(morning) == LASER


def test_what_came_back_in_the_quiet_hours_is_no_news(laser, printer):
    fall_silent(laser, at=later(hours=10))
    hear(laser, printer, at=later(hours=20))
    assert told(later(hours=20)) == []


def test_lab_can_switch_these_mails_off(laser, printer, settings):
    settings.MAIL_SILENT_BOARDS = False
    hear(printer)
    fall_silent(laser)
    assert told() == []


def test_board_that_came_back_before_the_mail_could_be_sent_is_no_news(laser, printer, refused):
    refused.add("dora@example.org")
    hear(printer)
    fall_silent(laser)
    assert told() == []
    refused.clear()
    hear(laser, printer, at=later(minutes=15))
    assert told(later(minutes=15)) == []


# ---- the whole lab ---------------------------------------------------------------------------------------------------


def test_lab_switched_off_in_the_evening_is_no_news(laser, printer, mill):
    fall_silent(laser, printer, mill)
    use(laser, NOW - timedelta(minutes=70), ended_at=NOW - timedelta(minutes=70), end_reason=EndReason.STOP)
    assert told() == []
    assert told(later(hours=1)) == []


def test_machines_switched_off_one_after_the_other_in_the_evening_are_no_news(laser, printer, mill):
    for machine, minutes in ((laser, 100), (printer, 80), (mill, 61)):
        fall_silent(machine, at=NOW - timedelta(minutes=minutes))
    assert told() == []


def test_lab_switched_on_again_one_board_after_the_other_is_no_news(laser, printer, mill):
    fall_silent(laser, printer, mill, at=NOW - timedelta(hours=14))
    hear(printer)
    assert told() == []
    hear(laser, mill, printer, at=later(minutes=3))
    assert told(later(minutes=15)) == []


def test_board_that_stays_silent_when_the_lab_is_on_again_is_told(laser, printer, mill):
    fall_silent(laser, printer, mill, at=NOW - timedelta(hours=14))
    hear(printer, mill)
    assert told() == []
    Machine.objects.filter(pk__in=[printer.pk, mill.pk]).update(last_seen_at=later(minutes=15))
    assert told(later(minutes=15)) == LASER


def test_lab_that_falls_silent_in_the_middle_of_a_use_is_told_in_one_sentence_once(laser, printer, mill):
    fall_silent(laser, printer, mill)
    use(laser, NOW - AGO, ended_at=NOW - AGO, end_reason=EndReason.LOST)
    assert told() == ALL
    text, page = last_mail()
    assert "no board has been heard since 10 Mar 2026, 11:59" in text
    assert "the broker or the worker is away" in page
    assert "Laser" not in text
    assert told(later(hours=2)) == []


def test_worker_that_goes_away_in_the_middle_of_a_use_is_told_without_claiming_whose_fault_it_is(laser, printer):
    Machine.objects.update(last_seen_at=NOW - AGO)
    use(laser, NOW - AGO)
    assert told() == ALL


def test_worker_that_is_away_claims_nothing_of_boards_that_were_silent_before(laser, printer):
    fall_silent(laser, at=NOW - timedelta(hours=3))
    hear(printer, at=NOW - timedelta(minutes=50))
    assert told() == []


def test_long_silence_of_a_whole_lab_is_no_news_any_more(laser):
    """As in yesterday's backup, restored."""
    fall_silent(laser, at=NOW - timedelta(hours=25))
    use(laser, NOW - timedelta(hours=25))
    assert told() == []


def test_uses_lost_long_before_tell_nothing_of_this_silence(laser, printer):
    fall_silent(laser, printer)
    use(laser, NOW - timedelta(hours=5), ended_at=NOW - timedelta(hours=5), end_reason=EndReason.LOST)
    assert told() == []


# ---- who -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change", [{"wants_silence_mail": False}, {"email": None}, {"is_active": False, "deactivated_at": NOW}]
)
def test_who_did_not_ask_or_is_gone_is_not_told(laser, printer, dora, change):
    Member.objects.filter(pk=dora.pk).update(**change)
    hear(printer)
    fall_silent(laser)
    assert told() == []


def test_staff_is_told_only_of_what_it_may_list(laser, printer, make_member):
    for name, role in (
        ("Wanda", backend_role("Workshop", "view_machine")),
        ("Cleo", backend_role("Changers", "change_machine", "view_machine")),
        ("Olga", backend_role("Office", "view_member")),
    ):
        make_member(name, role=role, email=f"{name.lower()}@example.org", wants_silence_mail=True)
    hear(printer)
    fall_silent(laser)
    assert [to for to, _subject in told()] == ["dora@example.org", "wanda@example.org", "cleo@example.org"]


def test_superuser_whose_role_does_not_enter_is_not_told(dora, roles):
    Member.objects.filter(pk=dora.pk).update(role=roles.staff)
    assert not readers().filter(may_list("machines.machine")).exists()


def test_mail_is_in_the_readers_language(laser, printer, languages):
    Member.objects.update(language="it")
    hear(printer)
    fall_silent(laser)
    assert told() == [("dora@example.org", "[it] A board is silent: Laser (7)")]
    assert '<html lang="it">' in last_mail()[1]


def test_number_of_queries_does_not_depend_on_how_many_there_are(laser_type, make_member, django_assert_num_queries):
    role = backend_role("Workshop", "view_machine")
    for number in range(10):
        make_member("X", role=role, email=f"x{number}@example.org", wants_silence_mail=True)
    machines = [Machine.objects.create(id=100 + number, name="M", type=laser_type) for number in range(20)]
    hear(machines[0])
    fall_silent(*machines[1:])
    told()
    with django_assert_num_queries(8):  # those of maintenance and memberships are one each
        assert told() == []
