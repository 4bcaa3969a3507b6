"""What the page of one machine shows, to whom, and what it never shows."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from machines.models import EndReason, Intervention, Machine, Use
from members.names import Names
from telemetry import machine_details
from telemetry.live.wall import wall
from tests.conftest import NOW
from tests.staff import backend_role, client_of

pytestmark = pytest.mark.django_db
HOSTILE = ["<b>bold</b>", "x" * 200, "\u202eesrever", "=cmd|' /C calc'!A0", "{{ 7 }}"]


@pytest.fixture(autouse=True)
def public(settings):
    """And a wall that knows nothing of other tests."""
    settings.DASHBOARD_ACCESS, settings.DASHBOARD_NAMES = "public", "none"
    wall.note_everything()


@pytest.fixture
def laser_used(laser, ada, make_use):
    return make_use(laser, 5 * 3600 + 60, hours_ago=30, member=ada, card_uid=ada.uid)


def page_of(client, machine=7, **headers) -> str:
    response = client.get(f"/machines/{machine}/", headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def staff(make_member, *codenames):
    role = backend_role("Technicians", "change_machine", *codenames)
    return make_member("Tina", role=role, email="tina@example.org")


# ---- who looks -------------------------------------------------------------------------------------------------------


def test_strangers_are_sent_to_log_in(client, settings, laser):
    settings.DASHBOARD_ACCESS = "login"
    response = client.get("/machines/7/")
    assert (response.status_code, response["Location"]) == (302, "/admin/login/?next=/machines/7/")


@pytest.mark.parametrize("number", [8, 0, 10**30])
def test_a_machine_that_does_not_exist_is_not_found_in_the_sites_style(client, laser, number):
    response = client.get(f"/machines/{number}/")
    assert (response.status_code, b"fabomatic.css" in response.content) == (404, True)


def test_it_is_not_kept_by_caches(client, laser):
    assert "no-store" in client.get("/machines/7/")["Cache-Control"]


@pytest.mark.parametrize("button", ["/machines/7/block/", "/machines/7/unblock/", "/machines/7/request/"])
def test_members_are_shown_no_buttons(client, laser, ada, button):
    assert button not in page_of(client) + page_of(client_of(ada))


def test_staff_without_the_right_to_change_machines_are_shown_no_buttons(laser, make_member):
    viewer = make_member("Vera", role=backend_role("Viewers", "view_machine"), email="vera@example.org")
    page = page_of(client_of(viewer))
    assert "/machines/7/block/" not in page
    assert "/admin/machines/machine/7/change/" in page


def test_staff_is_told_what_a_block_is_not(laser, make_member):
    page = page_of(client_of(staff(make_member)))
    assert "/machines/7/block/" in page
    assert "does not stop a machine that runs, and a board without network lets people in" in page


# ---- what it tells ---------------------------------------------------------------------------------------------------


def test_it_tells_what_the_machine_is(client, laser, laser_used):
    page = page_of(client)
    missing = [
        words
        for words in ("<bdi>Laser</bdi>", "Laser cutter", "Room 2", "no. 7", "5 h", "It was never heard yet")
        if words not in page
    ]
    assert missing == []


def test_it_has_the_live_card_and_listens_to_this_machine_only(client, laser, printer):
    page = page_of(client)
    assert 'id="machine-7"' in page
    assert 'id="machine-12"' not in page
    assert "&amp;machine=7" in page


def test_a_machine_that_nobody_told_us_of_has_its_card_too(client, laser, laser_type, monkeypatch):
    page_of(client)
    Machine.objects.create(id=8, name="New", type=laser_type)
    monkeypatch.setattr("telemetry.live.feed.Feed.is_live", True)
    assert 'id="machine-8"' in page_of(client, 8)


def test_it_tells_the_last_sign_of_life(client, laser):
    Machine.objects.update(last_seen_at=timezone.now() - timedelta(days=1))
    assert "Silent. Last heard <time" in page_of(client)
    Machine.objects.update(last_seen_at=timezone.now())
    assert "Can be heard. Last heard <time" in page_of(client)


@pytest.mark.parametrize(
    ("fields", "used", "days_ago", "words"),
    [
        ({"hours_between": 50}, 47, 1, "3 h left of 50 h"),
        ({"hours_between": 50}, 49.5, 1, "less than an hour left of 50 h"),
        ({"hours_between": 50}, 50, 1, "due now"),
        ({"hours_between": 50}, 54.5, 1, "4 h over"),
        ({"days_between": 30}, 0, 10.5, "19 days left of 30"),
        ({"days_between": 30}, 0, 28.5, "1 day left of 30"),
        ({"days_between": 30}, 0, 29.5, "less than a day left of 30"),
        ({"days_between": 30}, 0, 34.5, "4 days over"),
        ({"days_between": 30, "hours_between": 50}, 49, 3, "1 h left of 50 h"),
        ({"days_between": 30, "hours_between": 50}, 1, 27.5, "2 days left of 30"),
    ],
)
def test_it_tells_how_far_each_plan_is(client, laser, make_plan, fields, used, days_ago, words):
    make_plan(laser, "Grease", reading_at_last_work=0, last_work_at=timezone.now() - timedelta(days=days_ago), **fields)
    Machine.objects.update(seconds_used=used * 3600)
    assert words in page_of(client)


def test_a_plan_has_a_bar_its_last_work_and_its_instructions(client, laser, make_plan):
    make_plan(
        laser,
        "Grease",
        reading_at_last_work=0,
        last_work_at=NOW,
        instructions_url="https://lab.example.org/grease",
    )
    Machine.objects.update(seconds_used=7 * 3600)
    page = page_of(client)
    assert '<progress max="100" value="70" aria-label="Grease">' in page
    assert 'last work <time datetime="2026-03-10T13:00:00+01:00">10 Mar 2026</time>' in page
    assert 'href="https://lab.example.org/grease" rel="noopener noreferrer"' in page


def test_a_plan_that_is_not_active_is_left_out(client, laser, make_plan):
    make_plan(laser, "Grease", is_active=False)
    assert "Grease" not in page_of(client)


def test_a_use_tells_when_it_began_how_long_it_took_and_how_it_ended(client, laser, laser_used):
    page = page_of(client)
    assert "9 Mar 2026, 07:00" in page
    assert "5:01 h" in page
    assert "closed by staff" in page


def test_a_use_of_seconds_says_so(client, laser, make_use):
    make_use(laser, 35)
    assert "35 s" in page_of(client)


def test_the_running_use_comes_first(client, laser, make_use):
    make_use(laser, hours_ago=1)
    Use.objects.create(machine=laser, started_at=timezone.now() - timedelta(minutes=95))
    lines = client.get("/machines/7/").context["uses"]
    assert [(line.is_running, line.duration) for line in lines] == [(True, "1:35 h"), (False, "0:10 h")]


def test_estimated_times_are_marked(client, laser, make_use):
    make_use(laser)
    assert "≈" not in page_of(client)
    Use.objects.update(is_replay=True)
    assert page_of(client).count("≈") == 2  # at the use, and where it is explained


def test_only_the_latest_uses_and_interventions_are_shown(client, laser, make_use, make_plan):
    plan = make_plan(laser)
    for hours in range(25):
        make_use(laser, hours_ago=100 - hours)
        Intervention.objects.create(plan=plan, at=plan.last_work_at - timedelta(days=hours))
    context = client.get("/machines/7/").context
    assert (len(context["uses"]), len(context["works"])) == (20, 10)
    assert context["uses"][0].started_at == Use.objects.first().started_at
    assert context["works"][0].at == plan.last_work_at


def test_a_machine_nobody_used_says_so(client, laser):
    page = page_of(client)
    assert "Nobody has used it yet." in page
    assert "No work has been recorded yet." in page


def test_the_hours_of_each_week_are_a_picture(client, laser):
    now = timezone.now()
    Use.objects.create(machine=laser, started_at=now - timedelta(hours=2), ended_at=now - timedelta(hours=1))
    assert '<svg class="plot"' in page_of(client)


def test_it_speaks_italian_where_asked(client, laser):
    assert '<html lang="it">' in page_of(client, **{"accept-language": "it"})


# ---- people ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def history(laser, ada, laser_used, make_plan):
    return Intervention.objects.create(plan=make_plan(laser), member=ada, note="Lens was cracked")


def test_without_names_there_is_no_column_for_them(client, history):
    page = page_of(client)
    assert not [name for name in ("Ada", "Lovelace", "ada@example.org", "0a1b2c3d", ">who<") if name in page]


@pytest.mark.parametrize(
    ("names", "shown", "hidden"),
    [("first", "<bdi>Ada</bdi>", "Lovelace"), ("initials", "<bdi>A. L.</bdi>", "Ada"), ("full", "Ada Lovelace", "@")],
)
def test_people_are_named_as_far_as_the_lab_wants(client, settings, history, names, shown, hidden):
    settings.DASHBOARD_NAMES = names
    page = page_of(client)
    assert page.count(shown) == 2
    assert hidden not in page


def test_who_left_is_named_nobody(client, settings, laser, make_use):
    settings.DASHBOARD_NAMES = "full"
    make_use(laser, member=None, card_uid="deadbeef")
    page = page_of(client)
    assert "<bdi>–</bdi>" in page
    assert "deadbeef" not in page


def test_staff_that_may_see_members_sees_whole_names_and_notes(history, make_member):
    page = page_of(client_of(staff(make_member, "view_member", "view_intervention")))
    assert page.count("Ada Lovelace") == 2
    assert "Lens was cracked" in page


@pytest.mark.parametrize("who", ["stranger", "member", "staff without that right"])
def test_notes_on_interventions_are_for_staff(client, settings, ada, history, make_member, who):
    settings.DASHBOARD_NAMES = "full"
    clients = {"stranger": lambda: client, "member": lambda: client_of(ada)}
    page = page_of(clients.get(who, lambda: client_of(staff(make_member)))())
    assert "Clean the lens" in page
    assert "Lens was cracked" not in page


# ---- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE)
def test_what_people_typed_is_no_markup(settings, text, laser_type, make_member, make_plan, make_use):
    settings.DASHBOARD_NAMES = "full"
    person = make_member(text[:80], last_name=text[:80], email="tricky@example.org")
    laser_type.name = text[:60]
    laser_type.save()
    machine = Machine.objects.create(
        id=8, name=text[:80], type=laser_type, location=text[:80], is_blocked=True, blocked_reason=text
    )
    make_use(machine, member=person)
    Intervention.objects.create(plan=make_plan(machine, text), member=person, note=text)
    page = page_of(client_of(staff(make_member, "view_intervention")), 8)
    assert "<b>bold" not in page
    assert ("&lt;b&gt;bold" in page) == text.startswith("<b>")


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "//evil.example", "http:", "http://[", ""]
)
def test_only_addresses_of_the_web_are_linked(client, laser, make_plan, url):
    Machine.objects.update(documentation_url=url)
    make_plan(laser, instructions_url=url)
    page = page_of(client)
    assert ">Documentation<" not in page
    assert ">Instructions<" not in page


def test_an_address_of_the_web_is_linked(client, laser):
    Machine.objects.update(documentation_url="https://lab.example.org/laser?a=1&b=2")
    assert 'href="https://lab.example.org/laser?a=1&amp;b=2" rel="noopener noreferrer"' in page_of(client)


def test_it_has_no_script_or_style_of_its_own(laser, make_member):
    page = page_of(client_of(staff(make_member)))
    assert page.count("<script") == page.count('<script type="module" src=')
    assert not [found for found in ("<style", 'style="', "onclick", "onload", "javascript:") if found in page]


# ---- how often it asks -----------------------------------------------------------------------------------------------


def test_history_and_plans_cost_no_more_queries(laser, ada, make_member, make_use, make_plan):
    client = client_of(staff(make_member, "view_member", "view_intervention"))
    page_of(client)
    with CaptureQueriesContext(
        connection,
    ) as few:
        page_of(client)
    for hours in range(30):
        make_use(laser, hours_ago=100 - hours, member=ada)
        Intervention.objects.create(plan=make_plan(laser), member=ada)
    Use.objects.create(machine=laser, started_at=timezone.now())
    with CaptureQueriesContext(connection) as many:
        page_of(client)
    assert len(many) == len(few) <= 16


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's plan")
@pytest.mark.parametrize(
    ("read", "index"),
    [
        (lambda: machine_details.latest_uses(7), "use_last_of_machine"),
        (lambda: machine_details.work_lines(7, Names.NONE, with_notes=False), "intervention_latest_of_machine"),
    ],
)
def test_the_latest_rows_are_found_by_an_index_alone(laser, read, index):
    with CaptureQueriesContext(connection) as asked:
        read()
    with connection.cursor() as cursor:
        for query in asked.captured_queries:
            if "IS NULL" not in query["sql"]:
                cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
                plan = " / ".join(row[3] for row in cursor.fetchall())
                assert index in plan
                assert "TEMP B-TREE" not in plan


def test_the_running_use_ends_when_the_lists_do(laser, make_use):
    for hours in range(25):
        make_use(laser, hours_ago=100 - hours, end_reason=EndReason.STOP)
    Use.objects.create(machine=laser, started_at=timezone.now())
    uses = machine_details.latest_uses(7)
    assert (len(uses), uses[0].ended_at) == (20, None)
