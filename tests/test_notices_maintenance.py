"""Who does maintenance and asked for it is told once when some falls due: all of it in one mail."""

from datetime import timedelta

import pytest
from django.core import mail

from fabomatic.notices.maintenance import due_plans
from machines.models import Intervention, Machine, MaintenancePlan
from members.models import Member
from tests.conftest import NOW
from tests.noticing import lab_with_mail, languages, last_mail, later, refused, told
from tests.staff import backend_role

__all__ = ["lab_with_mail", "languages", "refused"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def mira(make_member, roles):
    """Does maintenance, never enters the administration."""
    return make_member("Mira", role=roles.staff, email="mira@example.org", wants_maintenance_mail=True)


@pytest.fixture
def plan(laser, make_plan):
    """Due since two days, at noon."""
    return make_plan(laser, days_between=30, last_work_at=NOW - timedelta(days=32))


LASER = [("mira@example.org", "Maintenance is due: Laser (7)")]


def work(plan, at):
    Intervention.objects.create(plan=plan, at=at, reading=0)


def test_what_is_due_is_told_once(mira, plan):
    assert told() == LASER
    assert told(later(minutes=15)) == []


def test_nothing_is_told_before_it_is_due(mira, laser, make_plan):
    make_plan(laser, days_between=30)
    assert told(later(days=29, hours=23)) == []
    assert told(later(days=30)) == LASER


def test_hours_of_use_fall_due_as_well(mira, laser, make_plan):
    make_plan(laser, hours_between=10)
    assert told() == []
    Machine.objects.filter(pk=laser.pk).update(seconds_used=36000)
    assert told() == LASER
    assert "due now" in last_mail()[0]


def test_it_is_told_again_when_it_falls_due_after_the_next_work(mira, plan):
    told()
    work(plan, NOW)
    assert told(later(days=1)) == []
    assert told(later(days=30)) == LASER
    assert told(later(days=31)) == []


def test_it_is_told_again_after_staff_reset_the_hours_by_hand(mira, laser, make_plan):
    plan = make_plan(laser, hours_between=10)
    Machine.objects.filter(pk=laser.pk).update(seconds_used=36000)
    told()
    plan.reading_at_last_work = 36000
    plan.save()
    Machine.objects.filter(pk=laser.pk).update(seconds_used=72000)
    assert told() == LASER


def test_it_is_told_again_when_a_longer_interval_is_over(mira, plan):
    told()
    MaintenancePlan.objects.filter(pk=plan.pk).update(days_between=60)
    assert told() == []
    assert told(later(days=40)) == LASER


def test_thirty_overdue_plans_are_one_mail(mira, laser, printer, make_plan):
    for number in range(30):
        machine = laser if number % 2 else printer
        make_plan(machine, f"Work {number}", days_between=30, last_work_at=NOW - timedelta(days=31 + number))
    assert told() == [("mira@example.org", "Maintenance is due at 2 machines")]
    text, page = last_mail()
    assert all(f"Work {number}:" in text and f"Work {number}:" in page for number in range(30))
    assert text.index("Work 29") < text.index("Work 0:")
    assert told(later(minutes=15)) == []


def test_only_what_is_new_is_told_the_second_time(mira, plan, printer, make_plan):
    told()
    make_plan(printer, "Level the bed", days_between=1, last_work_at=NOW)
    assert told(later(days=1)) == [("mira@example.org", "Maintenance is due: Printer (12)")]
    assert "Clean the lens" not in last_mail()[0]


def test_mail_says_what_where_how_far_and_how(mira, plan):
    MaintenancePlan.objects.update(instructions_url="https://wiki.example.org/lens?a=1&b=2")
    told()
    text, page = last_mail()
    assert "* Laser (7), Room 2\n  Clean the lens: 2 days overdue\n" in text
    assert "Instructions: https://wiki.example.org/lens?a=1&b=2" in text
    assert 'href="https://wiki.example.org/lens?a=1&amp;b=2"' in page


def test_link_to_the_plan_is_for_those_who_may_open_it(mira, plan, make_member):
    role = backend_role("Workshop", "view_maintenanceplan")
    role.can_maintain = True
    role.save()
    make_member("Wanda", role=role, email="wanda@example.org", wants_maintenance_mail=True)
    assert len(told()) == 2
    link = f"https://lab.example.org/admin/machines/maintenanceplan/{plan.pk}/change/"
    with_link = {message.to[0]: link in message.body for message in mail.outbox}
    assert with_link == {"mira@example.org": False, "wanda@example.org": True}


def test_mail_is_in_the_readers_language(mira, plan, languages):
    Member.objects.update(language="it")
    assert told() == [("mira@example.org", "[it] Maintenance is due: Laser (7)")]
    text, page = last_mail()
    assert "Clean the lens: in ritardo di 2 giorni" in text
    assert '<html lang="it">' in page


def test_names_are_escaped_in_the_page_and_stay_one_line_in_the_subject(mira, plan, laser):
    Machine.objects.filter(pk=laser.pk).update(name="<b>Laser</b>\nBcc: x@example.org")
    assert told() == [("mira@example.org", "Maintenance is due: <b>Laser</b> Bcc: x@example.org (7)")]
    assert "<b>Laser" not in last_mail()[1]


@pytest.mark.parametrize(
    "change", [{"wants_maintenance_mail": False}, {"email": None}, {"is_active": False, "deactivated_at": NOW}]
)
def test_who_did_not_ask_or_is_gone_is_not_told(mira, plan, change):
    Member.objects.filter(pk=mira.pk).update(**change)
    assert told() == []


def test_who_does_no_maintenance_any_more_is_not_told(mira, plan, roles):
    Member.objects.filter(pk=mira.pk).update(role=roles.members)
    assert told() == []


def test_inactive_plan_is_not_told(mira, plan):
    MaintenancePlan.objects.update(is_active=False)
    assert told() == []


def test_lab_can_switch_these_mails_off(mira, plan, settings):
    settings.MAIL_MAINTENANCE_DUE = False
    assert told() == []


def test_work_done_before_the_mail_could_be_sent_is_not_told(mira, plan, refused):
    refused.add("mira@example.org")
    assert told() == []
    refused.clear()
    work(plan, NOW)
    assert told(later(minutes=15)) == []


def test_long_lists_name_fifty_and_count_the_rest(mira, laser, make_plan):
    for number in range(53):
        make_plan(laser, f"Work {number}", days_between=1, last_work_at=NOW - timedelta(days=2))
    told()
    assert last_mail()[0].count("\n* ") == 50
    assert "and 3 more" in last_mail()[0]
    assert told(later(minutes=15)) == []


def test_number_of_queries_does_not_depend_on_the_number_of_plans(laser, make_plan, django_assert_num_queries):
    for number in range(20):
        make_plan(laser, f"Work {number}", days_between=1, last_work_at=NOW - timedelta(days=2))
    with django_assert_num_queries(1):
        assert len(due_plans(NOW)) == 20
