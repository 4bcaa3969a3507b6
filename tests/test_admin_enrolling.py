"""The page of unknown cards: picking a reader, what is offered, and what is new while the page is open."""

import re

import pytest
import time_machine
from django.test import Client

from machines.access import Outcome
from machines.models import Machine, Use
from tests.at_the_reader import (
    LIVE,
    OTHER_UID,
    PAGE,
    TAKE,
    make_receptionist,
    offer,
    shown,
    start,
    tapped,
    text_of,
    window_of,
)
from tests.conftest import NOW, UNKNOWN_UID
from tests.staff import backend_role, client_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


@pytest.fixture
def reception(make_member) -> Client:
    return client_of(make_receptionist(make_member))


# ---- the half minute -------------------------------------------------------------------------------------------------


def test_staff_picks_a_reader_and_half_a_minute_begins(boss, laser, clock):
    assert "hidden" in window_of(shown(boss)).split(">")[0]
    start(boss, laser)
    assert 'data-left="30"' in shown(boss)
    clock.shift(12)
    assert 'data-left="18"' in shown(boss)
    clock.shift(18)
    text = window_of(shown(boss))
    assert "data-left" not in text
    assert "No card was tapped at <bdi>Laser (7)</bdi>" in text


def test_the_result_stays_after_the_time_and_again_begins_anew(boss, laser, clock):
    start(boss, laser)
    tapped(laser, 5)
    clock.shift(600)
    assert f"<code>{UNKNOWN_UID}</code> was tapped" in shown(boss)
    assert f'name="again" value="{laser.pk}"' in shown(boss)
    assert boss.post(PAGE, {"machine": "", "again": laser.pk}).status_code == 302
    assert 'data-left="30"' in shown(boss)
    assert UNKNOWN_UID not in window_of(shown(boss))


def test_a_reader_has_to_be_picked(boss):
    for machine in ("", "999"):
        response = boss.post(PAGE, {"machine": machine})
        assert response.context["form"].errors["machine"]


def test_a_late_row_of_the_same_half_minute_is_offered_still(boss, laser, clock):
    start(boss, laser)
    clock.shift(31)
    assert "No card was tapped" in shown(boss)
    tapped(laser, 29.9)
    assert "was tapped at" in window_of(shown(boss))


def test_two_unknown_cards_are_shown_and_none_is_offered(boss, laser):
    start(boss, laser)
    tapped(laser, 5), tapped(laser, 6, OTHER_UID)
    text = window_of(shown(boss))
    assert TAKE not in text
    assert UNKNOWN_UID in text
    assert OTHER_UID in text


def test_nor_does_the_list_below_offer_one_of_the_two(boss, laser, printer):
    start(boss, laser)
    tapped(laser, 5), tapped(laser, 6, OTHER_UID), tapped(printer, 7, "cafe0002")
    assert {link.split("=")[1][:8] for link in re.findall(rf'href="({TAKE}[^"]+)"', shown(boss))} == {"cafe0002"}


def test_a_known_card_is_said_to_be_somebodys(boss, laser, ada, flora):
    start(boss, laser)
    tapped(laser, 5, ada.uid, Outcome.GRANTED), tapped(laser, 6, flora.uid, Outcome.LOST_CARD)
    text = window_of(shown(boss))
    assert "belongs to <bdi>Ada Lovelace</bdi>" in text
    assert "reported lost" in text
    assert TAKE not in text


def test_a_tap_that_was_not_decided_is_said_to_be_one(boss, laser):
    start(boss, laser)
    tapped(laser, 5, outcome=Outcome.BOARD_CONFLICT)
    text = window_of(shown(boss))
    assert "could not be decided" in text
    assert "Two boards speak for this machine" in text


def test_a_silent_or_busy_reader_is_told_before_anybody_waits(boss, laser):
    start(boss, laser)
    assert "board is silent" in shown(boss)
    Machine.objects.update(last_seen_at=NOW)
    Use.objects.create(machine=laser, started_at=NOW)
    text = window_of(shown(boss))
    assert "board is silent" not in text
    assert "machine is in use" in text


def test_two_at_two_readers_do_not_disturb_each_other_and_two_at_one_see_the_same(boss, reception, laser, printer):
    start(boss, laser), start(reception, printer)
    tapped(laser, 5), tapped(printer, 6, OTHER_UID)
    assert UNKNOWN_UID in offer(boss)
    assert OTHER_UID in offer(reception)
    start(reception, laser)
    assert UNKNOWN_UID in offer(reception)


def test_a_machine_that_is_gone_ends_it(boss, laser):
    start(boss, laser)
    laser.delete()
    assert "hidden" in window_of(shown(boss)).split(">")[0]


# ---- live ------------------------------------------------------------------------------------------------------------


def revision_of(text: str) -> str:
    return re.search(r'data-revision="([^"]*)"', text).group(1)


def test_nothing_is_sent_where_nothing_is_new(boss, laser, clock):
    tapped(laser, -5)
    start(boss, laser)
    revision = revision_of(shown(boss))
    assert boss.get(LIVE, {"revision": revision}).status_code == 204
    tapped(laser, 3, OTHER_UID)
    fresh = text_of(boss.get(LIVE, {"revision": revision}))
    assert OTHER_UID in fresh
    assert "<html" not in fresh
    assert boss.get(LIVE, {"revision": revision_of(fresh)}).status_code == 204
    clock.shift(31)
    assert boss.get(LIVE, {"revision": revision_of(fresh)}).status_code == 200


def test_a_look_where_nothing_is_new_is_one_query(boss, laser, django_assert_num_queries):
    for number in range(20):
        tapped(laser, -number, f"aaaa00{number:02x}")
    revision = revision_of(shown(boss))
    with django_assert_num_queries(3) as asked:  # the session, who it is, and what is new
        boss.get(LIVE, {"revision": revision})
    assert [query["sql"] for query in asked.captured_queries if "telemetry_tap" in query["sql"]][1:] == []


def test_the_page_is_less_than_ten_queries(boss, laser, django_assert_max_num_queries):
    for number in range(50):
        tapped(laser, -number, f"aaaa00{number:02x}")
    start(boss, laser)
    tapped(laser, 5)
    with django_assert_max_num_queries(9):
        shown(boss)


# ---- who may ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["view_tap", "add_card", "view_member"])
def test_the_page_asks_for_three_permissions(make_member, missing, laser):
    tapped(laser, -5)
    held = {"view_tap", "add_card", "view_member"} - {missing}
    client = client_of(make_member("Half", role=backend_role("Half", *held)))
    for url in (PAGE, LIVE, f"{TAKE}?card={UNKNOWN_UID}"):
        assert client.get(url).status_code == 403
    assert client.post(PAGE, {"machine": 7}).status_code == 403


def test_who_may_add_no_members_is_offered_those_who_exist(make_member, laser):
    client = client_of(make_member("Half", role=backend_role("Half", "view_tap", "add_card", "view_member")))
    start(client, laser)
    tapped(laser, 5)
    text = shown(client)
    assert "to=member" in text
    assert "New member" not in text


def test_nobody_starts_by_a_link(boss, client, laser):
    shown(boss, f"{PAGE}?machine={laser.pk}&again={laser.pk}")
    assert "enrolment" not in boss.session
    strict = Client(enforce_csrf_checks=True, headers={"cookie": f"sessionid={boss.cookies['sessionid'].value}"})
    assert strict.post(PAGE, {"machine": laser.pk}).status_code == 403
    assert client.get(PAGE).status_code == 302
    assert boss.post(LIVE).status_code == boss.post(TAKE).status_code == 405


def test_it_is_in_italian_too(boss, laser, ada):
    boss.cookies["django_language"] = "it"
    start(boss, laser)
    tapped(laser, 5, "08a1b2c3"), tapped(laser, 6, ada.uid, Outcome.GRANTED)
    assert shown(boss)
