"""Where a tapped card is saved: the forms of members and cards, and what forbids it at the last moment."""

from urllib.parse import urlsplit

import pytest
import time_machine
from django.test import Client

from members.models import Card, Change, Member
from telemetry.enrolment import Window, token_for
from telemetry.models import Tap
from tests.at_the_reader import (
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
from tests.staff import client_of, filled_in, save

pytestmark = pytest.mark.django_db
NEW_MEMBER = "/admin/members/member/add/"
NEW_CARD = "/admin/members/card/add/"


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


def sent_back_saying(response, words: str) -> None:
    assert words in text_of(response)
    assert response.redirect_chain[-1][0] == PAGE


# ---- saving it -------------------------------------------------------------------------------------------------------

PERSON = {"first_name": "Nora", "last_name": "Neri"}


def test_one_click_opens_the_member_form_with_the_card_filled_in(boss, laser):
    start(boss, laser)
    tapped(laser, 5)
    form = boss.get(offer(boss), follow=True).redirect_chain[-1][0]
    assert filled_in(boss, form)["cards-0-uid"] == UNKNOWN_UID
    assert save(boss, form, **PERSON).status_code == 302
    assert Card.objects.get(uid=UNKNOWN_UID).member.get_full_name() == "Nora Neri"
    assert Tap.objects.get().is_enrolled
    assert "belongs to <bdi>Nora Neri</bdi>" in shown(boss)
    assert "e30" not in str(list(Change.objects.values_list("details")))
    assert "enrolment" not in str(list(Change.objects.values_list("details")))


def test_the_card_goes_to_a_member_who_exists(reception, laser, hugo):
    start(reception, laser)
    tapped(laser, 5)
    form = reception.get(offer(reception, "member"), follow=True).redirect_chain[-1][0]
    assert save(reception, form, member=hugo.pk).status_code == 302
    assert Card.objects.get(uid=UNKNOWN_UID).member == hugo


@pytest.mark.parametrize("to", ["", "member"])
def test_a_second_card_forbids_the_click_on_the_first(boss, laser, to):
    start(boss, laser)
    tapped(laser, 5)
    address = offer(boss, to)
    tapped(laser, 20, OTHER_UID)
    sent_back_saying(boss.get(address, follow=True), "A second unknown card was tapped")


@pytest.mark.parametrize(("to", "field"), [("", "cards-0-uid"), ("member", "uid")])
def test_a_second_card_forbids_saving_the_first(boss, laser, hugo, to, field):
    start(boss, laser)
    tapped(laser, 5)
    form = boss.get(offer(boss, to), follow=True).redirect_chain[-1][0]
    data = {**filled_in(boss, form), **(PERSON if not to else {"member": hugo.pk})}
    tapped(laser, 20, OTHER_UID)
    bare = urlsplit(form).path  # also where the address was shortened
    for address in (form, bare):
        assert "A second unknown card was tapped" in text_of(boss.post(address, data))
    assert boss.post(form, {**data, field: "0badcafe"}).status_code == 302
    assert not Card.objects.filter(uid=UNKNOWN_UID).exists()


def test_a_form_of_another_enrolment_may_be_saved_while_this_one_goes_on(boss, laser, clock):
    start(boss, laser)
    tapped(laser, 5)
    form = boss.get(offer(boss), follow=True).redirect_chain[-1][0]
    clock.shift(60)
    start(boss, laser)
    tapped(laser, 70, OTHER_UID)
    assert save(boss, form, **PERSON).status_code == 302


def test_a_card_that_somebody_has_by_now_is_not_taken(boss, laser, hugo):
    start(boss, laser)
    tapped(laser, 5)
    address = offer(boss)
    Card.objects.create(uid=UNKNOWN_UID, member=hugo)
    sent_back_saying(boss.get(address, follow=True), "belongs to Hugo by now")


def test_a_forged_enrolment_is_refused(boss, laser, hugo):
    token = token_for(Window(laser.pk, NOW), UNKNOWN_UID)[:-1] + "!"
    sent_back_saying(boss.get(TAKE, {"card": UNKNOWN_UID, "enrolment": token}, follow=True), "no enrolment")
    response = boss.post(NEW_CARD, {"uid": UNKNOWN_UID, "member": hugo.pk, "enrolment": token})
    assert "no enrolment" in text_of(response)


def test_only_superusers_give_cards_to_the_powerful(reception, boss, laser, carla):
    for client, status in ((reception, 200), (boss, 302)):
        start(client, laser)
        tapped(laser, 5)
        form = client.get(offer(client, "member"), follow=True).redirect_chain[-1][0]
        assert save(client, form, member=carla.pk).status_code == status


def test_a_phone_is_warned_of_and_enrolled_all_the_same(boss, laser):
    start(boss, laser)
    tapped(laser, 5, "08a1b2c3")
    assert window_of(shown(boss)).count("phone's random number") == 1
    response = boss.get(offer(boss), follow=True)
    assert "08a1b2c3 looks like a phone's random number" in text_of(response)
    assert save(boss, response.redirect_chain[-1][0], **PERSON).status_code == 302


# ---- from the list ---------------------------------------------------------------------------------------------------


def test_a_card_is_taken_from_the_list_as_well(boss, laser, hugo):
    tapped(laser, -600), tapped(laser, -60, OTHER_UID), tapped(laser, -30)
    text = shown(boss)
    assert text.index(f"new-{UNKNOWN_UID}") < text.index(f"new-{OTHER_UID}")
    assert "2 taps" in text
    form = boss.get(TAKE, {"card": UNKNOWN_UID}, follow=True).redirect_chain[-1][0]
    assert save(boss, form, **PERSON).status_code == 302
    form = boss.get(TAKE, {"card": OTHER_UID, "to": "member"}, follow=True).redirect_chain[-1][0]
    assert save(boss, form, member=hugo.pk).status_code == 302
    assert Member.objects.get(first_name="Nora").cards.get().uid == UNKNOWN_UID
    assert "None. Hold a card" in shown(boss)


def test_what_is_no_card_number_is_sent_back(boss):
    for text in ("", "zz", "<b>"):
        sent_back_saying(boss.get(TAKE, {"card": text}, follow=True), "no card number")


def test_a_members_form_without_a_card_stays_as_it_was(boss):
    assert "cards-0-uid" not in filled_in(boss, NEW_MEMBER)
    assert save(boss, NEW_MEMBER, **PERSON).status_code == 302


def test_a_card_that_exists_is_changed_without_any_enrolment(boss, ada):
    (card,) = ada.cards.all()
    assert save(boss, f"/admin/members/card/{card.pk}/change/", label="grey").status_code == 302
    assert save(boss, f"/admin/members/member/{ada.pk}/change/", notes="x").status_code == 302
