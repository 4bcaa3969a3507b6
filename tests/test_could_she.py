"""“Could she?”: the same answer as a tap's, and all that stands in the way."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from machines.access import Outcome, decide
from machines.models import Machine, Use
from members.models import Card, Member
from telemetry.could_she import ask
from telemetry.models import Board
from telemetry.taps import Stop
from tests.conftest import NOW, YESTERDAY
from tests.staff import MEMBER_WORK, backend_role, client_of

pytestmark = pytest.mark.django_db
PAGE = "/admin/telemetry/tap/could/"


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture(autouse=True)
def heard(laser):
    Machine.objects.update(last_seen_at=NOW)
    laser.refresh_from_db()


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


def obstacles(member: Member, machine: Machine) -> list:
    """Of her only card."""
    (card,) = ask(member, machine, NOW).cards
    return list(card.obstacles)


def shown(client: Client, member: Member, machine: Machine) -> str:
    response = client.get(PAGE, {"member": member.pk, "machine": machine.pk})
    assert response.status_code == 200
    return response.content.decode()


# ---- the rules -------------------------------------------------------------------------------------------------------


def test_it_says_what_a_tap_would_say(everybody, laser, printer):
    for member in vars(everybody).values():
        for machine in (laser, printer):
            (card,) = ask(member, machine, NOW).cards
            assert card.decision == decide(machine.pk, member.uid, NOW)
            assert card.is_yes is card.decision.is_granted


def test_everything_that_stands_in_the_way_is_named_in_the_order_of_the_rules(make_member, authorize, laser, make_plan):
    member = make_member("Ivo", "11112222", is_lost=True, is_active=False, valid_until=YESTERDAY)
    authorize(member, laser, valid_until=YESTERDAY)
    make_plan(laser, days_between=1, last_work_at=NOW - timedelta(days=2))
    Machine.objects.update(is_blocked=True)
    Board.objects.create(serial="B2", conflict_machine=laser, conflict_since=NOW)
    assert obstacles(member, laser) == [
        Outcome.BOARD_CONFLICT,
        Outcome.LOST_CARD,
        Outcome.MEMBER_INACTIVE,
        Outcome.MEMBERSHIP_EXPIRED,
        Outcome.MACHINE_BLOCKED,
        Outcome.AUTHORIZATION_EXPIRED,
        Stop.MAINTENANCE,
    ]


def test_each_obstacle_is_the_next_tap_once_the_one_before_is_gone(make_member, laser, authorize):
    member = make_member("Ivo", "11112222", is_lost=True, is_active=False)
    Machine.objects.update(is_blocked=True)
    named = obstacles(member, laser)
    told = []
    repairs = [
        lambda: Card.objects.update(is_lost=False),
        lambda: Member.objects.filter(pk=member.pk).update(is_active=True, deactivated_at=None),
        lambda: Machine.objects.update(is_blocked=False),
        lambda: authorize(member, laser),
    ]
    for repair in repairs:
        told.append(decide(laser.pk, member.uid, NOW).outcome)
        repair()
    assert named == told
    assert obstacles(member, laser) == []


def test_blocked_stops_even_those_whom_the_backend_lets_in(carla, dora, laser):
    Machine.objects.update(is_blocked=True)
    assert obstacles(carla, laser) == obstacles(dora, laser) == [Stop.BLOCKED]


def test_it_speaks_of_now_and_not_of_what_was(boss, carla, laser):
    Machine.objects.update(is_blocked=True)
    assert "No: The machine is blocked, and then its board stops everybody." in shown(boss, carla, laser)


def test_a_block_is_named_once(ada, laser):
    Machine.objects.update(is_blocked=True)
    assert obstacles(ada, laser) == [Outcome.MACHINE_BLOCKED]


def test_due_maintenance_stops_members_and_asks_staff(ada, carla, laser, make_plan):
    make_plan(laser, days_between=1, last_work_at=NOW - timedelta(days=2))
    assert obstacles(ada, laser) == [Stop.MAINTENANCE]
    (card,) = ask(carla, laser, NOW).cards
    assert (card.is_yes, card.confirms_maintenance) == (True, True)


def test_each_card_has_its_own_answer(ada, laser):
    Card.objects.create(uid="0b0b0b0b", member=ada, is_lost=True)
    assert [card.is_yes for card in ask(ada, laser, NOW).cards] == [True, False]


def test_a_number_that_no_reader_sends_is_no_yes(ada, laser):
    Card.objects.filter(member=ada).update(uid="a1b2c3")
    (card,) = ask(ada, laser, NOW).cards
    assert (card.is_readable, card.is_yes) == (False, False)


def test_who_uses_the_machine_is_told_apart_from_the_others(ada, carla, laser):
    Use.objects.create(machine=laser, member=ada, card_uid=ada.uid, started_at=NOW)
    (own,), (other,) = ask(ada, laser, NOW).cards, ask(carla, laser, NOW).cards
    assert (own.is_ending, own.is_ignored) == (True, False)
    assert (other.is_ending, other.is_ignored) == (False, True)


def test_asking_changes_nothing_and_costs_the_same_with_any_history(ada, laser, make_use, django_assert_num_queries):
    for hours in range(1, 20):
        make_use(laser, 60, hours_ago=hours, member=ada, card_uid=ada.uid)
    with django_assert_num_queries(6) as asked:
        ask(ada, laser, NOW)
    assert all(query["sql"].startswith("SELECT") for query in asked.captured_queries)


# ---- the page --------------------------------------------------------------------------------------------------------


def test_the_page_opens_empty(boss):
    response = boss.get(PAGE)
    assert response.status_code == 200
    assert not response.context["form"].errors


def test_yes_and_as_what(boss, ada, carla, dora, laser):
    assert "Yes, as a member." in shown(boss, ada, laser)
    assert "Yes, as staff." in shown(boss, carla, laser)
    assert "Yes, as an administrator." in shown(boss, dora, laser)


def test_no_and_what_to_do(boss, hugo, laser):
    text = shown(boss, hugo, laser)
    assert "No: The member has no authorization for this machine." in text
    assert f"/admin/machines/authorization/add/?member={hugo.pk}&amp;machine={laser.pk}" in text


def test_every_obstacle_has_its_sentence_and_its_link(boss, make_member, authorize, laser, make_plan):
    member = make_member("Ivo", "11112222", is_lost=True, is_active=False, valid_until=YESTERDAY)
    right = authorize(member, laser, valid_until=YESTERDAY)
    plan = make_plan(laser, days_between=1, last_work_at=NOW - timedelta(days=2))
    Machine.objects.update(is_blocked=True)
    Board.objects.create(serial="B2", conflict_machine=laser, conflict_since=NOW)
    text = shown(boss, member, laser)
    links = [
        reverse("admin:telemetry_board_changelist") + "?state=conflict",
        reverse("admin:members_card_change", args=[member.cards.get().pk]),
        reverse("admin:members_member_change", args=[member.pk]),
        reverse("admin:machines_machine_change", args=[laser.pk]),
        reverse("admin:machines_authorization_change", args=[right.pk]),
        reverse("admin:machines_intervention_add") + f"?plan={plan.pk}",
    ]
    places = [text.index(f'href="{link}"') for link in links]
    assert places == sorted(places)


def test_links_are_for_those_who_may(make_member, hugo, laser):
    client = client_of(make_member("Rita", role=backend_role("Reception", "view_member", "view_machine")))
    text = shown(client, hugo, laser)
    assert "no authorization" in text
    assert "authorization/add" not in text


def test_only_superusers_are_sent_to_the_powerful(make_member, roles, laser, dora):
    carla = make_member("Carla", "ca51a000", role=roles.staff, valid_until=YESTERDAY)
    work = [*MEMBER_WORK, "view_machine"]
    client = client_of(make_member("Rita", role=backend_role("Reception", *work)))
    link = reverse("admin:members_member_change", args=[carla.pk])
    assert f'href="{link}"' not in shown(client, carla, laser)
    assert f'href="{link}"' in shown(client_of(dora), carla, laser)


def test_a_member_without_a_card_is_told_so(boss, make_member, laser):
    assert "this member has no card" in shown(boss, make_member("Nora"), laser)


def test_a_silent_board_and_a_running_machine_are_said(boss, ada, carla, laser):
    assert "is silent" not in shown(boss, ada, laser)
    Machine.objects.update(last_seen_at=NOW - timedelta(minutes=5))
    Use.objects.create(machine=laser, member=ada, card_uid=ada.uid, started_at=NOW)
    assert "is silent" in shown(boss, ada, laser)
    assert "a tap ends the use" in shown(boss, ada, laser)
    assert "A tap does nothing" in shown(boss, carla, laser)


def test_a_machine_that_is_gone_is_an_error_beside_the_field(boss, ada):
    response = boss.get(PAGE, {"member": ada.pk, "machine": 999})
    assert list(response.context["form"].errors) == ["machine"]


@pytest.mark.parametrize("codename", ["view_member", "view_machine"])
def test_both_permissions_are_needed(make_member, codename, ada, laser):
    client = client_of(make_member("Half", role=backend_role("Half", codename, "view_tap")))
    assert client.get(PAGE, {"member": ada.pk, "machine": laser.pk}).status_code == 403


def test_nothing_is_posted(boss):
    assert boss.post(PAGE).status_code == 405


def test_many_members_are_found_by_typing(boss, make_member):
    for number in range(101):
        make_member(f"Someone{number}")
    text = boss.get(PAGE).content.decode()
    assert "Someone7" not in text
    assert "admin-autocomplete" in text


def test_a_name_is_escaped(boss, make_member, laser):
    text = shown(boss, make_member("<b>Bea</b>", "11112222"), laser)
    assert "<b>Bea" not in text


def test_it_is_in_italian_too(boss, hugo, laser):
    boss.cookies["django_language"] = "it"
    assert shown(boss, hugo, laser)
