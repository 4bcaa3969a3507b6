"""What the page at `/` shows, to whom, and what it never shows."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from machines.models import Machine, MachineType, Use
from members.models import Member
from tests.staff import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def public(settings):
    settings.DASHBOARD_ACCESS = "public"


@pytest.fixture
def laser_in_use(laser, ada):
    return Use.objects.create(machine=laser, member=ada, started_at=timezone.now() - timedelta(minutes=10))


def text_of(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("access", ["login", "screens"])
def test_strangers_are_sent_to_log_in(client, settings, access):
    settings.DASHBOARD_ACCESS = access
    response = client.get("/?state=free")
    assert (response.status_code, response["Location"]) == (302, "/admin/login/?next=/%3Fstate%3Dfree")


@pytest.mark.parametrize("access", ["login", "screens", "public"])
def test_any_member_who_logged_in_sees_it(settings, ada, laser, access):
    settings.DASHBOARD_ACCESS = access
    assert "Laser" in text_of(client_of(ada).get("/"))


def test_a_public_page_is_for_everybody(client, public, laser):
    assert "Laser" in text_of(client.get("/"))


def test_who_is_disabled_sees_nothing(settings, ada):
    settings.DASHBOARD_ACCESS = "login"
    client = client_of(ada)
    Member.objects.filter(pk=ada.pk).update(is_active=False, deactivated_at=timezone.now())
    assert client.get("/").status_code == 302


@pytest.mark.parametrize(
    ("names", "shown", "hidden"),
    [
        ("none", [], ["Ada", "Lovelace", "A. L."]),
        ("first", ["Ada"], ["Lovelace", "A. L."]),
        ("initials", ["A. L."], ["Ada", "Lovelace"]),
        ("full", ["Ada Lovelace"], []),
    ],
)
def test_a_person_is_shown_as_the_lab_decided(client, public, settings, laser_in_use, names, shown, hidden):
    settings.DASHBOARD_NAMES = names
    page = text_of(client.get("/"))
    assert [name for name in shown if name not in page] == []
    assert [name for name in (*hidden, "ada@example.org", "0a1b2c3d") if name in page] == []


def test_staff_that_may_see_members_sees_whole_names(public, settings, laser_in_use, dora):
    settings.DASHBOARD_NAMES = "none"
    assert "Ada Lovelace" in text_of(client_of(dora).get("/"))


def test_on_a_wall_staff_sees_what_everybody_may_see(public, settings, laser_in_use, dora):
    settings.DASHBOARD_NAMES = "first"
    page = text_of(client_of(dora).get("/?kiosk"))
    assert "Ada" in page
    assert "Lovelace" not in page


def test_a_machine_shows_its_name_type_place_and_state(client, public, laser_in_use):
    page = text_of(client.get("/"))
    assert not [word for word in ("Laser", "Laser cutter", "Room 2", "In use", "no. 7") if word not in page]


def test_the_state_is_a_word_a_class_and_a_shape(client, public, laser):
    laser.is_blocked = True
    laser.save()
    page = text_of(client.get("/"))
    assert '<li class="machine blocked" id="machine-7"' in page
    assert '<span class="word">Blocked</span>' in page
    assert 'd="M8 3h8l5 5v8l-5 5H8l-5-5V8z"' in page


def test_it_tells_the_next_maintenance(client, public, laser, make_plan, make_use):
    make_plan(laser, "Clean the lens")
    make_use(laser, 7 * 3600, hours_ago=20)
    page = text_of(client.get("/"))
    assert "Clean the lens</bdi> · in 3 h of use" in page
    assert '<progress max="100" value="70"' in page


def test_maintenance_by_the_calendar_is_told_in_days(client, public, laser, make_plan):
    make_plan(laser, "Check the belt", days_between=30, last_work_at=timezone.now() - timedelta(days=9, hours=1))
    assert "Check the belt</bdi> · in 20 days" in text_of(client.get("/"))


def test_maintenance_that_is_due_says_how_long(client, public, laser, make_plan, make_use):
    make_plan(laser, "Clean the lens")
    make_use(laser, 14 * 3600, hours_ago=20)
    assert "Clean the lens</bdi> · 4 h overdue" in text_of(client.get("/"))


def test_maintenance_that_fell_due_by_the_calendar_counts_days(client, public, laser, make_plan):
    make_plan(laser, "Check the belt", days_between=30, last_work_at=timezone.now() - timedelta(days=31, hours=1))
    assert "Check the belt</bdi> · due for 1 day<" in text_of(client.get("/"))


def test_a_blocked_machine_says_why(client, public, laser):
    Machine.objects.filter(pk=7).update(is_blocked=True, blocked_at=timezone.now(), blocked_reason="Mirror loose")
    assert '<p class="reason"><bdi>Mirror loose</bdi></p>' in text_of(client.get("/"))


def test_a_machine_that_was_blocked_while_in_use_says_both(client, public, laser_in_use):
    Machine.objects.filter(pk=7).update(is_blocked=True, blocked_at=timezone.now(), blocked_reason="Mirror loose")
    page = text_of(client.get("/"))
    assert '<p class="reason">Blocked: <bdi>Mirror loose</bdi></p>' in page
    assert '<span class="word">In use</span>' in page


def test_a_silent_machine_says_when_it_was_last_heard(client, public, laser):
    heard_at = timezone.now() - timedelta(days=3)
    Machine.objects.filter(pk=7).update(last_seen_at=heard_at)
    assert f'last heard <time datetime="{timezone.localtime(heard_at).isoformat()}"' in text_of(client.get("/"))


def test_a_machine_in_use_whose_board_fell_silent_says_so(client, public, laser_in_use):
    Machine.objects.filter(pk=7).update(last_seen_at=timezone.now() - timedelta(minutes=5))
    assert "Its board is silent, last heard" in text_of(client.get("/"))


def test_it_counts_the_states(client, public, laser_in_use, printer):
    counts = client.get("/").context["counts"]
    assert {str(count.state): count.number for count in counts if count.number} == {"in_use": 1, "offline": 1}


def test_it_shows_one_state_on_demand(client, public, laser_in_use, printer):
    assert 'data-show="in_use"' in text_of(client.get("/?state=in_use"))


def test_an_unknown_state_shows_all(client, public, laser, printer):
    page = text_of(client.get("/?state=%3Cscript%3Ex"))
    assert 'data-show=""' in page
    assert "<script>x" not in page


def headings(page: str) -> list[str]:
    return re.findall(r"<h2[^>]*>(.*?)</h2>", page)


def test_it_groups_by_type(client, public, laser, printer):
    assert headings(text_of(client.get("/"))) == ["3D printer", "Laser cutter"]


def test_it_groups_by_place_those_without_one_last(client, public, laser, printer):
    assert headings(text_of(client.get("/?group=place"))) == ["Room 2", "No place given"]


def test_the_filter_keeps_the_grouping(client, public, laser):
    page = text_of(client.get("/?group=place&state=free"))
    assert 'href="?state=in_use&amp;group=place"' in page
    assert 'href="?state=free" data-group="type"' in page


def test_a_wall_has_no_groups(client, public, laser, printer):
    page = text_of(client.get("/?kiosk"))
    assert headings(page) == []
    assert '<body class="kiosk">' in page


def test_it_refreshes_itself_where_there_is_no_script(client, public, laser):
    assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in text_of(client.get("/"))


def test_it_is_not_kept_by_caches(client, public):
    assert "no-store" in client.get("/")["Cache-Control"]


def test_an_empty_lab_tells_its_administrator_where_to_begin(public, dora):
    assert "/admin/machines/machine/add/" in text_of(client_of(dora).get("/"))


def test_more_machines_cost_no_more_queries(
    client, public, laser, make_plan, django_assert_max_num_queries, django_assert_num_queries
):
    with django_assert_max_num_queries(5) as few:
        client.get("/")
    for number in range(100, 120):
        new_type = MachineType.objects.create(name=f"Type {number}")
        machine = Machine.objects.create(id=number, name="More", type=new_type, location="Attic")
        make_plan(machine)
        Use.objects.create(machine=machine, started_at=timezone.now())
    with django_assert_num_queries(len(few)):
        client.get("/")


def test_names_from_the_database_are_no_markup(client, public, laser_type):
    Machine.objects.create(id=8, name="<b>Bold</b>", type=laser_type, location="<i>")
    page = text_of(client.get("/"))
    assert "<b>Bold" not in page
    assert "<i>" not in page


def test_the_language_can_be_chosen(client, public, laser):
    client.post("/i18n/setlang/", {"language": "it", "next": "/"})
    page = text_of(client.get("/"))
    assert '<html lang="it">' in page
    assert 'lang="en">English</button>' in page


def test_who_logged_in_can_log_out(ada, public):
    client = client_of(ada)
    assert client.post("/logout/")["Location"] == "/"
    assert "_auth_user_id" not in client.session


def test_an_address_where_nothing_is_says_so_in_the_sites_style(client):
    response = client.get("/machines/none", headers={"accept-language": "it"})
    assert (response.status_code, "fabomatic" in response.content.decode()) == (404, True)
    assert "viewport" in response.content.decode()
