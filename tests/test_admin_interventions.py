"""Work recorded by hand in the admin: by whom, when, at which reading; the plan follows."""

from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from machines.models import Intervention
from members.models import Change
from tests.staff import backend_role, client_of, errors_of, filled_in, page, save

pytestmark = pytest.mark.django_db

HOUR = 3600
WORK = "/admin/machines/intervention/"
FIXING = ["view_maintenanceplan", "view_machine", "add_intervention", "change_intervention", "view_intervention"]


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


@pytest.fixture
def fred(make_member):
    """He repairs machines, and sees no people."""
    return make_member("Fred", role=backend_role("Repairs", *FIXING))


@pytest.fixture
def now():
    return timezone.now().replace(microsecond=0)


def moment(name: str, at) -> dict:
    local = timezone.localtime(at)
    return {f"{name}_0": f"{local:%Y-%m-%d}", f"{name}_1": f"{local:%H:%M:%S}"}


def state_of(plan):
    plan.refresh_from_db()
    return plan.last_work_at, plan.reading_at_last_work


# ---- recording -------------------------------------------------------------------------------------------------------


def test_a_plans_button_fills_in_the_plan_and_who_is_there(boss, dora, laser, make_plan):
    plan = make_plan(laser)
    sent = filled_in(boss, f"{WORK}add/?plan={plan.pk}")
    assert (sent["plan"], sent["member"]) == (str(plan.pk), dora.pk)
    boss.post(f"{WORK}add/?plan={plan.pk}", {**sent, "note": "New lens"})
    work = Intervention.objects.get()
    assert (work.plan, work.member, work.note) == (plan, dora, "New lens")


def test_after_work_on_one_plan_the_others_are_shown(boss, laser, make_plan):
    url = f"{WORK}add/?plan={make_plan(laser).pk}"
    assert save(boss, url).url == "/admin/machines/maintenanceplan/"


def test_who_sees_no_people_records_their_own_work(fred, laser, make_plan):
    plan = make_plan(laser)
    fixer = client_of(fred)
    sent = filled_in(fixer, f"{WORK}add/?plan={plan.pk}")
    assert "member" not in sent
    assert fixer.post(f"{WORK}add/", {**sent, "member": "1", "note": "New lens"}).status_code == 302
    work = Intervention.objects.get()
    assert (work.member, work.note) == (fred, "New lens")


def test_who_sees_no_people_reads_and_corrects_their_own_note_and_no_other(fred, dora, laser, make_plan):
    plan, fixer = make_plan(laser), client_of(fred)
    mine = Intervention.objects.create(plan=plan, member=fred, note="Mine")
    other = Intervention.objects.create(plan=plan, member=dora, note="For Ada")
    assert save(fixer, page(Intervention, "change", mine.pk), note="Mine, again").status_code == 302
    mine.refresh_from_db()
    assert (mine.note, mine.member) == ("Mine, again", fred)
    assert "For Ada" not in fixer.get(page(Intervention, "change", other.pk)).content.decode()
    assert "For Ada" not in fixer.get(WORK).content.decode()


def test_the_instructions_are_there_while_work_is_recorded(boss, laser, make_plan):
    plan = make_plan(laser, instructions_url="https://lab.example.org/lens")
    link = 'href="https://lab.example.org/lens" target="_blank" rel="noopener noreferrer"'
    assert link in boss.get(f"{WORK}add/?plan={plan.pk}").content.decode()


@pytest.mark.parametrize("plan", ["x", "99999", "9" * 30, ""])
def test_a_plan_that_does_not_exist_is_asked_for(boss, plan):
    assert boss.get(f"{WORK}add/", {"plan": plan}).status_code == 200


def test_the_plan_follows_an_intervention_written_by_hand(boss, laser, make_plan, make_use):
    make_use(laser, 7200)
    plan = make_plan(laser)
    done = timezone.now().replace(microsecond=0) - timedelta(minutes=5)
    boss.post(page(Intervention, "add"), {"plan": plan.pk, "reading": "1.5", **moment("at", done)})
    plan.refresh_from_db()
    assert (plan.last_work_at, plan.reading_at_last_work) == (done, 5400)


def test_an_intervention_reads_the_odometer_by_itself(boss, laser, make_plan, make_use):
    make_use(laser, 7200)
    fields = {"plan": make_plan(laser).pk, "reading": "", **moment("at", timezone.now() - timedelta(minutes=5))}
    boss.post(page(Intervention, "add"), fields)
    assert Intervention.objects.get().reading == 7200


def test_an_intervention_beyond_the_odometer_is_refused(boss, laser, make_plan):
    fields = {"plan": make_plan(laser).pk, "reading": "1", **moment("at", timezone.now() - timedelta(minutes=5))}
    assert "reading" in errors_of(boss.post(page(Intervention, "add"), fields))


def test_work_of_the_past_reads_the_odometer_of_then(boss, laser, make_plan, make_use, now):
    plan = make_plan(laser)
    make_use(laser, HOUR, started_at=now - timedelta(hours=9), ended_at=now - timedelta(hours=8))
    make_use(laser, HOUR, started_at=now - timedelta(hours=3), ended_at=now - timedelta(hours=1))
    boss.post(f"{WORK}add/", {"plan": plan.pk, "reading": "", **moment("at", now - timedelta(hours=5))})
    assert Intervention.objects.get().reading == HOUR


def test_what_was_too_long_ago_to_count_back_is_asked_for(boss, laser, make_plan, make_use, now, monkeypatch):
    monkeypatch.setattr("machines.models.maintenance.MOST_COUNTED_BACK", 2)
    for hours in (1, 2, 3):
        make_use(laser, 60, started_at=now - timedelta(hours=hours), ended_at=now - timedelta(hours=hours - 0.5))
    sent = {"plan": make_plan(laser).pk, "reading": "", **moment("at", now - timedelta(hours=5))}
    assert "write what it showed" in str(errors_of(boss.post(f"{WORK}add/", sent))["reading"])
    assert boss.post(f"{WORK}add/", {**sent, "reading": "0.01"}).status_code == 302


def test_work_in_the_future_is_refused_next_to_the_time(boss, laser, make_plan, now):
    response = boss.post(f"{WORK}add/", {"plan": make_plan(laser).pk, **moment("at", now + timedelta(hours=1))})
    assert errors_of(response) == {"at": ["This is in the future."]}


def test_work_from_before_the_plan_counts_is_kept_and_it_is_said_that_nothing_moved(boss, laser, make_plan, now):
    plan = make_plan(laser, last_work_at=now)
    response = boss.post(f"{WORK}add/", {"plan": plan.pk, **moment("at", now - timedelta(days=3))})
    assert any("goes on counting" in str(message) for message in get_messages(response.wsgi_request))
    assert (Intervention.objects.count(), state_of(plan)) == (1, (now, 0))


# ---- corrected and deleted -------------------------------------------------------------------------------------------


@pytest.fixture
def plan(laser, make_plan, make_use, now):
    """Counts from a month ago; the laser has run 40 hours since."""
    plan = make_plan(laser, last_work_at=now - timedelta(days=30))
    make_use(laser, 40 * HOUR, hours_ago=60)
    return plan


def test_corrected_work_moves_the_plan_and_is_in_the_log(boss, dora, plan, now):
    work = Intervention.objects.create(plan=plan, at=now - timedelta(days=2), reading=30 * HOUR)
    save(boss, page(Intervention, "change", work.pk), reading="20", **moment("at", now - timedelta(days=3)))
    assert state_of(plan) == (now - timedelta(days=3), 20 * HOUR)
    (change,) = Change.objects.all()
    told = {entry["field"]: (entry["old"], entry["new"]) for entry in change.details[0]["values"]}
    assert (change.member, told["Odometer, hours"]) == (dora, ("30", "20"))


@pytest.mark.parametrize("in_bulk", [False, True])
def test_deleting_the_only_work_gives_the_plan_back_to_where_it_began(boss, plan, now, in_bulk):
    began = state_of(plan)
    work = Intervention.objects.create(plan=plan, at=now - timedelta(days=2))
    assert state_of(plan) != began
    chosen = {"action": "delete_selected", "_selected_action": [work.pk]} if in_bulk else {}
    boss.post(WORK if in_bulk else page(Intervention, "delete", work.pk), {"post": "yes", **chosen})
    assert (Intervention.objects.count(), state_of(plan)) == (0, began)


def test_deleted_work_is_in_the_log_as_it_was(boss, dora, plan, now):
    work = Intervention.objects.create(plan=plan, at=now - timedelta(days=2), reading=HOUR, note="New lens")
    boss.post(page(Intervention, "delete", work.pk), {"post": "yes"})
    (change,) = Change.objects.all()
    assert "New lens" in [entry["old"] for entry in change.details[0]["values"]]


# ---- the list --------------------------------------------------------------------------------------------------------


def test_the_list_takes_few_queries(boss, dora, plan, now, django_assert_max_num_queries):
    for hours in range(30):
        Intervention.objects.create(plan=plan, member=dora, at=now - timedelta(hours=hours))
    with django_assert_max_num_queries(9):
        boss.get(WORK, {"member__id__exact": dora.pk})


def test_work_is_found_by_machine_member_and_days(boss, dora, plan, laser, printer, make_plan, now):
    here = Intervention.objects.create(plan=plan, member=dora, at=now - timedelta(hours=1))
    Intervention.objects.create(plan=make_plan(printer), at=now - timedelta(days=60))
    for asked in ({"machine__id__exact": laser.pk}, {"member__like": "dora"}, {"at__span": "30-days"}):
        assert list(boss.get(WORK, asked).context["cl"].result_list) == [here]


@pytest.mark.parametrize("url", [WORK, f"{WORK}add/"])
def test_the_pages_speak_italian(boss, plan, url):
    assert 'lang="it"' in boss.get(url, headers={"accept-language": "it"}).content.decode()
