"""Maintenance plans in the admin: what is most overdue first, and kept while work hangs on them."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from machines.models import Intervention, Machine, MaintenancePlan
from members.models import Change
from tests.conftest import NOW
from tests.staff import backend_role, client_of, errors_of, filled_in, page, save

pytestmark = pytest.mark.django_db

HOUR = 3600
LIST = "/admin/machines/maintenanceplan/"


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


def moment(name: str, at) -> dict:
    local = timezone.localtime(at)
    return {f"{name}_0": f"{local:%Y-%m-%d}", f"{name}_1": f"{local:%H:%M:%S}"}


def shown(client, **asked):
    return [plan.description for plan in client.get(LIST, asked).context["cl"].result_list]


@pytest.fixture
def plans(laser, printer, make_plan, make_use):
    """From far overdue to fresh; the laser has run 9 hours."""
    make_use(laser, 9 * HOUR, hours_ago=20)
    make_plan(laser, "Nearly", hours_between=10, reading_at_last_work=0)
    make_plan(printer, "Fresh", days_between=100)
    make_plan(printer, "Far over", days_between=10, last_work_at=NOW - timedelta(days=40))
    make_plan(laser, "Over", hours_between=6, reading_at_last_work=0)
    make_plan(printer, "Off", days_between=1, last_work_at=NOW - timedelta(days=400), is_active=False)


# ---- the list --------------------------------------------------------------------------------------------------------


def test_what_is_most_overdue_comes_first_and_what_is_switched_off_last(boss, plans):
    assert shown(boss) == ["Far over", "Over", "Nearly", "Fresh", "Off"]


def test_a_plan_by_hours_and_days_is_as_far_as_the_further_of_them(boss, plans, laser, make_plan):
    long_ago = NOW - timedelta(days=30)
    make_plan(laser, "Both", hours_between=1000, days_between=10, last_work_at=long_ago, reading_at_last_work=0)
    assert shown(boss)[:3] == ["Far over", "Both", "Over"]


@pytest.mark.parametrize(
    ("due", "found"), [("yes", ["Far over", "Over"]), ("soon", ["Nearly"]), ("no", ["Fresh"]), ("x", None)]
)
def test_plans_are_found_by_how_far_they_are(boss, plans, due, found):
    assert shown(boss, due=due) == (found or ["Far over", "Over", "Nearly", "Fresh", "Off"])


def test_plans_are_found_by_machine_type_and_state(boss, plans, laser):
    assert shown(boss, machine__id__exact=laser.pk) == ["Over", "Nearly"]
    assert shown(boss, machine__type__id__exact=laser.type_id) == ["Over", "Nearly"]
    assert shown(boss, is_active__exact=0) == ["Off"]


def test_how_far_is_said_in_words(boss, plans):
    content = boss.get(LIST).content.decode()
    for words in ("30 days overdue", "3 h overdue", "9 of 10 h, in 1 h", "0 of 100 days, in 100 days", "switched off"):
        assert words in content


def test_the_list_takes_few_queries(boss, plans, laser_type, make_plan, django_assert_max_num_queries):
    for number in range(100, 140):
        make_plan(Machine.objects.create(id=number, name="Machine", type=laser_type))
    with django_assert_max_num_queries(9):
        boss.get(LIST, {"due": "no"})


def test_another_heading_sorts_too(boss, plans):
    assert shown(boss, o="1")[0] == "Far over"
    assert shown(boss, o="-1")[0] == "Over"


def test_who_records_work_finds_a_button_at_each_plan(boss, make_member, laser, make_plan):
    plan = make_plan(laser)
    reader = client_of(make_member("Reader", role=backend_role("Readers", "view_maintenanceplan")))
    button = f"/admin/machines/intervention/add/?plan={plan.pk}"
    for url in (LIST, page(MaintenancePlan, "change", plan.pk)):
        assert button in boss.get(url).content.decode()
        assert button not in reader.get(url).content.decode()


def test_instructions_are_a_link_that_leads_out_safely(boss, laser, make_plan):
    make_plan(laser, instructions_url="https://lab.example.org/lens")
    link = '<a href="https://lab.example.org/lens" target="_blank" rel="noopener noreferrer">'
    assert link in boss.get(LIST).content.decode()


def test_what_no_browser_should_follow_is_no_link(boss, laser, make_plan):
    make_plan(laser, instructions_url="javascript:alert(1)")
    assert 'href="javascript' not in boss.get(LIST).content.decode()


@pytest.mark.parametrize("kind", ["changelist", "add"])
def test_the_pages_speak_italian(boss, plans, kind):
    response = boss.get(page(MaintenancePlan, kind), headers={"accept-language": "it"})
    assert 'lang="it"' in response.content.decode()


# ---- the form --------------------------------------------------------------------------------------------------------


def new_plan(machine: Machine, **fields) -> dict:
    work = moment("last_work_at", timezone.now())
    return {"machine": machine.pk, "description": "Oil", "hours_between": 50, "is_active": "on", **work, **fields}


@pytest.mark.parametrize(("hours_ago", "reading"), [("", 7200), ("0.5", 5400), ("2", 0)])
def test_a_plan_counts_from_now_or_from_so_many_hours_ago(boss, laser, make_use, hours_ago, reading):
    make_use(laser, 7200)
    assert boss.post(page(MaintenancePlan, "add"), new_plan(laser, hours_ago=hours_ago)).status_code == 302
    assert MaintenancePlan.objects.get().reading_at_last_work == reading


def test_work_cannot_be_older_than_the_machine(boss, laser):
    assert "hours_ago" in errors_of(boss.post(page(MaintenancePlan, "add"), new_plan(laser, hours_ago="1")))


def test_a_plan_needs_hours_or_days(boss, laser):
    response = boss.post(page(MaintenancePlan, "add"), new_plan(laser, hours_between=""))
    assert "Give hours of use, days, or both." in str(errors_of(response))


def test_a_form_left_open_does_not_undo_the_work_done_meanwhile(boss, laser, make_plan, make_use):
    plan = make_plan(laser)
    sent = filled_in(boss, page(MaintenancePlan, "change", plan.pk))
    make_use(laser, 3600)
    done = Intervention.objects.create(plan=plan, at=timezone.now().replace(microsecond=0))
    boss.post(page(MaintenancePlan, "change", plan.pk), {**sent, "description": "Clean it well"})
    plan.refresh_from_db()
    assert (plan.description, plan.last_work_at, plan.reading_at_last_work) == ("Clean it well", done.at, 3600)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Clean it really", None),
        ("Clean it thoroughly", "The board shows 15 columns; this has 19."),
        ("Pulire è bello", "Only plain ASCII letters, digits and signs fit the board."),
    ],
)
def test_what_the_board_cannot_show_is_refused_next_to_the_field(boss, laser, text, said):
    response = boss.post(page(MaintenancePlan, "add"), new_plan(laser, lcd_message=text))
    assert (response.status_code == 302) if said is None else (errors_of(response) == {"lcd_message": [said]})


@pytest.mark.parametrize("of", ["plan", "machine"])
def test_the_text_for_the_board_counts_its_columns(boss, laser, make_plan, of):
    plan = make_plan(laser)
    url = page(MaintenancePlan, "change", plan.pk) if of == "plan" else page(Machine, "change", laser.pk)
    content = boss.get(url).content.decode()
    assert 'data-columns="15"' in content
    assert '<script src="/static/telemetry/admin/lcd.js" type="module"></script>' in content


@pytest.mark.parametrize(
    ("fields", "shows"),
    [({"lcd_message": "LENS"}, "LENS"), ({}, "Pulire la testi"), ({"description": "è già ora"}, "e gia ora")],
)
def test_a_plan_says_what_the_board_shows(boss, laser, make_plan, fields, shows):
    plan = make_plan(laser, **{"description": "Pulire la testina", **fields})
    assert f"<code>{shows}</code>" in boss.get(page(MaintenancePlan, "change", plan.pk)).content.decode()


# ---- kept while work hangs on them -----------------------------------------------------------------------------------


@pytest.fixture
def kept(laser, make_plan):
    plan = make_plan(laser, last_work_at=NOW - timedelta(days=9))
    Intervention.objects.create(plan=plan)
    return plan


REASON = "“Clean the lens” has 1 intervention, which is kept: switch the plan off instead."


def test_a_plan_with_work_is_not_deleted_and_it_is_said_what_to_do(boss, kept):
    url = page(MaintenancePlan, "delete", kept.pk)
    assert REASON in boss.get(url).content.decode()
    assert REASON in boss.post(url, {"post": "yes"}).content.decode()
    assert MaintenancePlan.objects.filter(pk=kept.pk).exists()


def test_many_plans_are_not_deleted_while_one_has_work(boss, kept, laser, make_plan):
    other = make_plan(laser, "Oil")
    chosen = {"action": "delete_selected", "_selected_action": [kept.pk, other.pk], "post": "yes"}
    assert REASON in boss.post(LIST, chosen).content.decode()
    assert MaintenancePlan.objects.count() == 2


def test_on_its_machines_page_it_is_said_as_well(boss, kept, laser):
    response = save(boss, page(Machine, "change", laser.pk), **{"maintenance_plans-0-DELETE": "on"})
    assert REASON in response.content.decode()
    assert MaintenancePlan.objects.filter(pk=kept.pk).exists()


def test_a_plan_without_work_is_deleted(boss, laser, make_plan):
    boss.post(page(MaintenancePlan, "delete", make_plan(laser).pk), {"post": "yes"})
    assert not MaintenancePlan.objects.exists()


@pytest.mark.parametrize(("action", "before"), [("switch_off", True), ("switch_on", False)])
def test_plans_are_switched_with_a_line_in_the_log(boss, dora, laser, make_plan, action, before):
    plan = make_plan(laser, is_active=before)
    boss.post(LIST, {"action": action, "_selected_action": [plan.pk]})
    plan.refresh_from_db()
    (change,) = Change.objects.all()
    assert plan.is_active is not before
    assert (change.member, change.details[0]["values"][0]["old"]) == (dora, before)


def test_last_work_in_the_future_is_refused_or_no_work_would_ever_count(boss, laser, make_plan):
    plan = make_plan(laser, days_between=10)
    answer = save(boss, page(MaintenancePlan, "change", plan.pk), **moment("last_work_at", NOW + timedelta(days=3650)))
    assert errors_of(answer) == {"last_work_at": ["This is in the future."]}
