"""The list of machines: what each does, what it needs, which board speaks for it, and how to find those that matter."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from machines.models import Machine, MachineType, Use
from telemetry.live.wall import wall
from telemetry.models import Board
from tests.conftest import NOW
from tests.staff import backend_role, client_of, page

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


def heard(*machines, at=NOW):
    Machine.objects.filter(pk__in=[machine.pk for machine in machines]).update(last_seen_at=at)


def rows(client, **query):
    """The list's rows by machine number, as people read them."""
    content = client.get(page(Machine, "changelist"), query).content.decode()
    table = re.search(r'<table id="result_list">.*?</table>', content, re.DOTALL)
    found = re.findall(r"<tr.*?</tr>", table[0].split("<tbody>")[1], re.DOTALL) if table else []
    texts = [" ".join(re.sub(r"<[^>]+>", " ", re.sub(r"</?bdi>", "", row)).split()) for row in found]
    return {int(text.split()[0]): text for text in texts}


# ---- columns ---------------------------------------------------------------------------------------------------------


def test_a_row_says_what_a_machine_is(boss, laser, make_use):
    make_use(laser, 5 * 3600 + 42 * 60)
    assert rows(boss)[7].startswith("7 Laser Laser cutter")
    assert "5:42 h" in rows(boss)[7]


def test_states_are_said_in_the_live_pages_words(boss, laser, printer, laser_type, make_plan):
    others = [Machine.objects.create(id=20 + number, name="M", type=laser_type) for number in range(3)]
    heard(laser, printer, *others[1:])
    make_plan(others[1], hours_between=None, days_between=1, last_work_at=NOW - timedelta(days=3))
    Use.objects.create(machine=laser, started_at=NOW - timedelta(minutes=5))
    printer.is_blocked, printer.blocked_reason = True, "Nozzle gone"
    printer.save()
    found = rows(boss)
    assert "In use" in found[7]
    assert "Blocked Nozzle gone" in found[12]
    assert "Silent" in found[20]
    assert "Maintenance due" in found[21]
    assert "Free" in found[22]


def test_each_state_has_its_shape(boss, laser):
    content = boss.get(page(Machine, "changelist")).content.decode()
    assert '<span class="machine-state offline"><svg' in content


def test_a_block_shows_also_while_somebody_works_on(boss, laser):
    Use.objects.create(machine=laser, started_at=NOW - timedelta(minutes=5))
    laser.is_blocked, laser.blocked_reason = True, "Mirror cracked"
    laser.save()
    assert "In use Blocked: Mirror cracked" in rows(boss)[7]


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (7, "Clean the lens: 7 of 10 h, in 3 h"),
        (9.5, "Clean the lens: 10 of 10 h, in less than 1 h"),
        (10, "Clean the lens: due now"),
        (22, "Clean the lens: 12 h overdue"),
    ],
)
def test_a_plan_tells_how_far_it_is_by_hours(boss, laser, make_plan, make_use, hours, said):
    make_plan(laser)
    make_use(laser, int(hours * 3600), hours_ago=30)
    assert said in rows(boss)[7]


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (20, "Oil: 20 of 30 days, in 10 days"),
        (29, "Oil: 29 of 30 days, in 1 day"),
        (29.5, "Oil: 30 of 30 days, in less than a day"),
        (31, "Oil: 1 day overdue"),
        (33, "Oil: 3 days overdue"),
    ],
)
def test_a_plan_tells_how_far_it_is_by_days(boss, laser, make_plan, days, said):
    make_plan(laser, "Oil", hours_between=None, days_between=30, last_work_at=NOW - timedelta(days=days))
    assert said in rows(boss)[7]


def test_the_most_overdue_plan_comes_first_and_ended_plans_do_not_show(boss, laser, make_plan, make_use):
    make_plan(laser, "Not yet", hours_between=100)
    make_plan(laser, "Long ago", hours_between=5)
    make_plan(laser, "Lately", hours_between=10)
    make_plan(laser, "Given up", hours_between=1, is_active=False)
    make_use(laser, 12 * 3600, hours_ago=30)
    assert re.search(r"Long ago: 7 h overdue Lately: 2 h overdue Not yet: 12 of 100 h, in 88 h", rows(boss)[7])
    assert "Given up" not in rows(boss)[7]


def test_a_row_tells_when_it_was_last_seen_and_by_which_board(boss, laser, printer):
    heard(laser, at=NOW - timedelta(minutes=30))
    Board.objects.create(serial="AABBCC", machine=laser, firmware="1.4.2")
    Board.objects.create(serial="DDEEFF", machine=printer, conflict_machine=laser)
    found = rows(boss)
    assert "12:30 AABBCC · 1.4.2 DDEEFF – in conflict" in found[7]
    assert "never DDEEFF – in conflict" in found[12]


def test_a_machine_heard_this_second_is_not_called_silent(boss, laser):
    """The database follows within half a minute."""
    heard(laser, at=NOW - timedelta(minutes=2))
    assert "Silent" in rows(boss)[7]
    wall.note(7, is_online=True)
    try:
        assert "Free" in rows(boss)[7]
        assert not rows(boss, silent="yes")
    finally:
        wall.forget_who_is_online()


def test_what_people_wrote_is_no_markup(boss, laser, make_plan):
    make_plan(laser, "<b>Oil</b>")
    laser.is_blocked, laser.blocked_reason = True, "<i>loud</i>"
    laser.save()
    Board.objects.create(serial="<u>x</u>", machine=laser)
    content = boss.get(page(Machine, "changelist")).content.decode()
    assert not {"<b>Oil", "<i>loud", "<u>x"} & set(re.findall(r"<[biu]>\w+", content))


def test_the_list_is_read_in_italian(boss, laser, make_plan, dora):
    make_plan(laser)
    dora.language = "it"
    dora.save()
    assert 'lang="it"' in boss.get(page(Machine, "changelist")).content.decode()
    assert "Clean the lens" in rows(boss)[7]


# ---- filters ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def floor(laser, printer, laser_type, make_plan):
    """7 is blocked, 12 silent without a board, 30 due, 31 fine."""
    due, fine = (Machine.objects.create(id=number, name="M", type=laser_type) for number in (30, 31))
    heard(laser, due, fine)
    Machine.objects.filter(pk=7).update(is_blocked=True, blocked_at=NOW)
    make_plan(due, hours_between=None, days_between=1, last_work_at=NOW - timedelta(days=3))
    make_plan(fine)
    Board.objects.bulk_create([Board(serial=str(number), machine_id=number) for number in (7, 30, 31)])
    Board.objects.filter(serial="31").update(conflict_machine=30)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({"is_blocked__exact": "1"}, {7}),
        ({"due": "yes"}, {30}),
        ({"due": "no"}, {7, 12, 31}),
        ({"silent": "yes"}, {12}),
        ({"silent": "no"}, {7, 30, 31}),
        ({"board": "none"}, {12}),
        ({"board": "some"}, {7, 30, 31}),
        ({"board": "conflict"}, {30}),
        ({"state": "blocked"}, {7}),
        ({"state": "offline"}, {12}),
        ({"state": "maintenance"}, {30}),
        ({"state": "free"}, {31}),
        ({"state": "in_use"}, set()),
        ({"location": "Room 2"}, {7}),
        ({"due": "nonsense", "silent": "nonsense", "state": "nonsense", "board": "nonsense"}, {7, 12, 30, 31}),
        ({"type__id__exact": "nonsense"}, set()),
        ({"silent": "no", "due": "no"}, {7, 31}),
        ({"q": "Room"}, {7}),
    ],
)
def test_filters_find_what_they_say(boss, floor, query, numbers):
    assert set(rows(boss, **query)) == numbers


def test_machines_of_a_type_are_found(boss, floor, printer_type):
    assert set(rows(boss, type__id__exact=printer_type.pk)) == {12}


def test_the_types_list_leads_to_its_machines(boss, floor, printer_type):
    content = boss.get(page(MachineType, "changelist")).content.decode()
    assert f'<a href="/admin/machines/machine/?type__id__exact={printer_type.pk}">1</a>' in content


def test_a_type_with_machines_is_kept_and_said_of_which(boss, floor, laser_type):
    content = boss.get(page(MachineType, "delete", laser_type.pk)).content.decode()
    assert "Give them another type first" in content
    assert "Laser (7)" in content
    chosen = {"action": "delete_selected", "_selected_action": [laser_type.pk]}
    content = boss.post(page(MachineType, "changelist"), chosen).content.decode()
    assert "Give them another type first" in content
    boss.post(page(MachineType, "changelist"), {**chosen, "post": "yes"})
    assert MachineType.objects.filter(pk=laser_type.pk).exists()


# ---- what it costs ---------------------------------------------------------------------------------------------------


def test_a_thousand_machines_are_listed_with_few_queries(
    make_member, laser_type, make_plan, django_assert_max_num_queries
):
    machines = [Machine(id=number, name=f"M{number}", type=laser_type) for number in range(2, 1002)]
    Machine.objects.bulk_create(machines)
    for machine in machines[:60]:
        make_plan(machine)
        Board.objects.create(serial=str(machine.pk), machine=machine)
    client = client_of(make_member("Tina", role=backend_role("Technicians", "view_machine", "change_machine")))
    client.get(page(Machine, "changelist"))
    with django_assert_max_num_queries(9):
        found = rows(client)
    assert len(found) == 50
    for query in ({"due": "yes"}, {"silent": "yes"}, {"state": "offline"}, {"board": "none"}, {"p": 3}):
        with django_assert_max_num_queries(9):
            rows(client, **query)
