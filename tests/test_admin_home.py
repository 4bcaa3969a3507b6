"""The home page of the admin: what needs attention today, for those whose business it is."""

from datetime import date, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from fabomatic.attention import boxes_for
from machines.access import Outcome
from machines.models import Authorization, Machine
from members.models import Member
from telemetry.models import Board, Tap
from tests.conftest import NOW
from tests.staff import MACHINE_WORK, MEMBER_WORK, backend_role, client_of

pytestmark = pytest.mark.django_db

HOME = "/admin/"


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


@pytest.fixture
def make_staff(make_member):
    def make(*codenames: str) -> Member:
        member: Member = make_member("Fred", role=backend_role("Helpers", *codenames))
        return member

    return make


def seen(user: Member) -> dict:
    return {box.kind: box for box in boxes_for(user, NOW)}


def names(box) -> list[str]:
    return [line.name for line in box.lines]


def heard(*machines: Machine) -> None:
    Machine.objects.filter(pk__in=[machine.pk for machine in machines]).update(last_seen_at=NOW)


# ---- what is told ----------------------------------------------------------------------------------------------------


def test_a_lab_in_order_needs_no_attention(dora, laser, printer, boss):
    heard(laser, printer)
    assert boxes_for(dora, NOW) == []
    assert "Nothing needs attention." in boss.get(HOME).content.decode()


def test_a_due_machine_is_told_with_what_is_to_do(dora, laser, printer, make_plan):
    heard(laser, printer)
    make_plan(laser, "Grease the rails", days_between=10, last_work_at=NOW - timedelta(days=15))
    make_plan(laser, "Clean the lens", days_between=10, last_work_at=NOW - timedelta(days=12))
    make_plan(printer, days_between=10, last_work_at=NOW - timedelta(days=9))
    box = seen(dora)["due"]
    assert (box.count, names(box)) == (1, ["Laser (7)"])
    assert box.lines[0].detail == "Grease the rails: 5 days overdue"
    assert box.url == "/admin/machines/machine/?due=yes"


def test_a_plan_that_is_put_away_needs_nothing(dora, laser, make_plan):
    make_plan(laser, days_between=10, last_work_at=NOW - timedelta(days=15), is_active=False)
    assert "due" not in seen(dora)


def test_a_blocked_machine_is_told_with_its_reason(dora, laser, printer):
    heard(laser, printer)
    laser.is_blocked, laser.blocked_reason = True, "Mirror broken"
    laser.save()
    box = seen(dora)["blocked"]
    assert (names(box), box.lines[0].detail) == (["Laser (7)"], "Mirror broken")


def test_silent_machines_are_told_the_latest_first(dora, laser, printer):
    Machine.objects.filter(pk=laser.pk).update(last_seen_at=NOW - timedelta(hours=2))
    Machine.objects.filter(pk=printer.pk).update(last_seen_at=NOW - timedelta(hours=1))
    assert names(seen(dora)["silent"]) == ["Printer (12)", "Laser (7)"]


def test_a_conflict_names_all_boards_that_claim_the_machine(dora, laser, printer):
    Board.objects.create(serial="A1", machine=laser)
    Board.objects.create(serial="B2", machine=printer, conflict_machine=laser, conflict_since=NOW)
    box = seen(dora)["conflict"]
    assert (box.count, names(box), box.lines[0].detail) == (1, ["Laser (7)"], "which board belongs here: A1, B2?")


def test_a_board_behind_the_newest_firmware_is_told(dora, laser, printer):
    Board.objects.create(serial="A1", machine=laser, firmware="1.0.7")
    Board.objects.create(serial="B2", machine=printer, firmware="v1.1.0")
    Board.objects.create(serial="C3", firmware="0.9.0")  # in a drawer
    assert names(seen(dora)["behind"]) == ["Laser (7)"]


def test_an_unknown_card_is_told_once_until_it_is_somebodys(dora, laser, make_member):
    for minutes in (1, 2):
        Tap.objects.create(
            at=NOW - timedelta(minutes=minutes), machine=laser, uid="deadbeef", outcome=Outcome.UNKNOWN_CARD
        )
    box = seen(dora)["unknown"]
    assert (box.count, names(box), box.url) == (1, ["deadbeef"], reverse("admin:telemetry_unknown_cards"))
    make_member("Ivo", "deadbeef")
    assert "unknown" not in seen(dora)


@pytest.mark.parametrize(("days", "is_told"), [(-1, False), (0, True), (30, True), (31, False)])
def test_what_ends_within_thirty_days_is_told(dora, ada, laser, days, is_told):
    ends = NOW.date() + timedelta(days=days)
    Authorization.objects.filter(member=ada).update(valid_until=ends)
    Member.objects.filter(pk=ada.pk).update(valid_until=ends)
    told = seen(dora)
    assert ("rights" in told, "memberships" in told) == (is_told, is_told)


def test_a_right_that_ends_says_whose_and_when(dora, ada, laser):
    Authorization.objects.filter(member=ada).update(valid_until=date(2026, 3, 31))
    line = seen(dora)["rights"].lines[0]
    assert (line.name, line.detail) == (f"{ada} – Laser (7)", "until 31 Mar 2026")


def test_a_right_of_somebody_with_one_name_has_no_gap(dora, laser, make_member):
    Authorization.objects.create(member=make_member("Zoe"), machine=laser, valid_until=NOW.date())
    assert seen(dora)["rights"].lines[0].name == "Zoe – Laser (7)"


def test_only_the_first_few_are_named(dora, make_member):
    for number in range(6):
        make_member(f"Member {number}", valid_until=NOW.date())
    box = seen(dora)["memberships"]
    assert (box.count, len(box.named), box.more) == (6, 4, 2)


def test_who_is_disabled_needs_no_longer_membership(dora, make_member):
    make_member("Zoe", valid_until=NOW.date(), is_active=False)
    assert "memberships" not in seen(dora)


# ---- to whom ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def troubled(laser, printer, ada, make_plan) -> None:
    """Something of each kind."""
    make_plan(laser, days_between=10, last_work_at=NOW - timedelta(days=15))
    Machine.objects.filter(pk=printer.pk).update(is_blocked=True, blocked_at=NOW)
    Board.objects.create(serial="A1", machine=laser, firmware="1.0")
    Board.objects.create(serial="B2", machine=printer, conflict_machine=laser, conflict_since=NOW, firmware="1.1")
    Tap.objects.create(at=NOW, machine=laser, uid="deadbeef", outcome=Outcome.UNKNOWN_CARD)
    Authorization.objects.filter(member=ada).update(valid_until=NOW.date())
    Member.objects.filter(pk=ada.pk).update(valid_until=NOW.date())


ALL = {"conflict", "unknown", "due", "blocked", "silent", "rights", "memberships", "behind"}


@pytest.mark.parametrize(
    ("codenames", "kinds"),
    [
        ([], set()),
        (["view_machine"], {"due", "blocked", "silent"}),
        (["change_board"], {"conflict", "behind"}),
        (["view_tap", "add_card"], set()),
        (["view_tap", "add_card", "view_member"], {"unknown", "memberships"}),
        (["view_authorization"], {"rights"}),
        (MACHINE_WORK + MEMBER_WORK, ALL),
    ],
)
def test_staff_is_told_of_what_they_may_list(make_staff, troubled, codenames, kinds):
    assert set(seen(make_staff(*codenames))) == kinds


def test_who_may_not_see_members_reads_no_name(make_staff, troubled, ada):
    work = [name for name in MACHINE_WORK + MEMBER_WORK if name != "view_member"]
    text = client_of(make_staff(*work)).get(HOME).content.decode()
    assert "1 authorization ends within 30 days" in text
    assert ada.last_name not in text
    assert ada.email not in text
    assert "deadbeef" not in text


@pytest.mark.parametrize(
    ("codenames", "errands"),
    [
        ([], []),
        (["view_machine"], []),
        (["change_machine"], ["Block a machine"]),
        (["add_intervention"], ["Record an intervention"]),
        (["view_member", "view_machine"], ["Could she?"]),
        (["view_member", "view_tap", "add_card"], ["Enrol a card"]),
    ],
)
def test_large_buttons_lead_to_what_one_may_do(make_staff, codenames, errands):
    response = client_of(make_staff(*codenames)).get(HOME)
    assert [str(errand.text) for errand in response.context["errands"]] == errands


def test_every_link_of_the_page_leads_somewhere(boss, troubled):
    response = boss.get(HOME)
    urls = {box.url for box in response.context["boxes"]} | {errand.url for errand in response.context["errands"]}
    urls |= {line.url for box in response.context["boxes"] for line in box.lines if line.url}
    urls |= {model["admin_url"] for app in response.context["app_list"] for model in app["models"]}
    urls.discard(reverse("admin:system"))  # it would look for a broker
    assert len(urls) > 20
    assert {url: boss.get(url).status_code for url in urls} == dict.fromkeys(urls, 200)


# ---- the page --------------------------------------------------------------------------------------------------------


def test_the_page_speaks_italian(dora, boss, troubled):
    Member.objects.filter(pk=dora.pk).update(language="it")
    assert 'lang="it"' in boss.get(HOME).content.decode()


def test_a_large_lab_costs_no_more_queries(
    boss, make_staff, troubled, laser, laser_type, make_member, make_plan, django_assert_max_num_queries
):
    staff = client_of(make_staff(*MACHINE_WORK, *MEMBER_WORK))
    with django_assert_max_num_queries(11) as before:
        staff.get(HOME)
    for number in range(100, 115):
        machine = Machine.objects.create(id=number, name=f"Machine {number}", type=laser_type, is_blocked=True)
        make_plan(machine, days_between=1, last_work_at=NOW - timedelta(days=9))
        member = make_member(f"Member {number}", valid_until=NOW.date())
        Authorization.objects.create(member=member, machine=machine, valid_until=NOW.date())
        Board.objects.create(serial=f"B{number}", machine=machine, conflict_machine=laser, conflict_since=NOW)
        Tap.objects.create(at=NOW, machine=machine, uid=f"cccc{number:04x}", outcome=Outcome.UNKNOWN_CARD)
    with django_assert_max_num_queries(len(before)):
        staff.get(HOME)
    with django_assert_max_num_queries(12):  # jobs and mails, too
        boss.get(HOME)


def test_what_staff_may_list_stands_in_four_groups(boss, dora):
    groups = {
        app["name"]: [model["object_name"] for model in app["models"]] for app in boss.get(HOME).context["app_list"]
    }
    assert list(groups) == ["Members", "Machines", "Telemetry", "System"]
    assert groups["Members"] == [
        *("Member", "telemetry_unknown_cards", "Card", "telemetry_could_she", "Role", "Agreement")
    ]
    assert groups["System"][0] == "system"


@pytest.mark.parametrize("app", ["members", "machines", "telemetry"])
def test_the_page_of_an_app_opens(boss, app):
    assert boss.get(f"/admin/{app}/").status_code == 200


def test_who_may_do_nothing_is_shown_nothing(make_staff, troubled):
    response = client_of(make_staff()).get(HOME)
    assert response.status_code == 200
    assert response.context["app_list"] == []
