"""A card taken from the list, or by its address, while a half minute runs: a second card forbids it as well."""

import re

import pytest
import time_machine
from django.test import Client

from members.models import Card
from tests.at_the_reader import OTHER_UID, PAGE, TAKE, shown, start, tapped, text_of
from tests.conftest import NOW, UNKNOWN_UID
from tests.staff import client_of, filled_in

pytestmark = pytest.mark.django_db
SECOND = "A second unknown card was tapped"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


def listed(client: Client, uid: str = UNKNOWN_UID) -> str:
    """The address behind a row of the list."""
    return re.search(rf'id="old-{uid}"[^>]* href="({TAKE}[^"]+)"', shown(client)).group(1)


def typed(uid: str = UNKNOWN_UID) -> str:
    return f"{TAKE}?card={uid}&to=member"


def opened(client: Client, address: str) -> str:
    return client.get(address, follow=True).redirect_chain[-1][0]


def refused(client: Client, address: str) -> bool:
    response = client.get(address, follow=True)
    return response.redirect_chain[-1][0] == PAGE and SECOND in text_of(response)


@pytest.mark.parametrize("address", [listed, lambda client: typed()], ids=["list", "typed"])
def test_a_second_card_forbids_taking_the_first(boss, laser, address):
    start(boss, laser)
    tapped(laser, 5)
    there = address(boss)
    tapped(laser, 20, OTHER_UID)
    assert refused(boss, there)
    assert refused(boss, typed(OTHER_UID))


@pytest.mark.parametrize("address", [listed, lambda client: typed()], ids=["list", "typed"])
def test_a_second_card_forbids_saving_the_first(boss, laser, hugo, address):
    start(boss, laser)
    tapped(laser, 5)
    form = opened(boss, address(boss))
    data = {**filled_in(boss, form), "member": hugo.pk}
    tapped(laser, 20, OTHER_UID)
    assert SECOND in text_of(boss.post(form, data))
    assert not Card.objects.filter(uid=UNKNOWN_UID).exists()


def test_a_row_belongs_to_its_own_half_minute_when_another_was_started(boss, laser, printer):
    start(boss, laser)
    tapped(laser, 5)
    there = listed(boss)
    start(boss, printer)
    tapped(laser, 20, OTHER_UID)
    assert refused(boss, there)


def test_a_late_row_of_a_card_taken_from_the_list_counts_too(boss, laser, hugo):
    tapped(laser, -600)
    start(boss, laser)
    form = opened(boss, listed(boss))
    data = {**filled_in(boss, form), "member": hugo.pk}
    tapped(laser, 5), tapped(laser, 20, OTHER_UID)
    assert SECOND in text_of(boss.post(form, data))


def test_cards_that_were_not_tapped_in_it_are_taken_as_ever(boss, laser, printer, hugo):
    tapped(laser, -600), tapped(printer, 7, "cafe0002")
    start(boss, laser)
    tapped(laser, 5, "cafe0003"), tapped(laser, 6, OTHER_UID)
    for uid in (UNKNOWN_UID, "cafe0002"):
        form = opened(boss, listed(boss, uid))
        assert boss.post(form, {**filled_in(boss, form), "member": hugo.pk}).status_code == 302


def test_two_cards_of_an_earlier_half_minute_are_chosen_by_hand_again_when_it_is_shown_no_more(boss, laser, clock):
    start(boss, laser)
    tapped(laser, 5), tapped(laser, 6, OTHER_UID)
    clock.shift(3601)
    assert not refused(boss, typed())
