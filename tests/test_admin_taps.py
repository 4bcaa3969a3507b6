"""The access log: to read, to filter, and without anybody's name for those who may not see members."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from machines.access import Outcome
from machines.models import Machine
from members.models import Card
from telemetry.models import Tap
from tests.conftest import NOW, UNKNOWN_UID
from tests.staff import MACHINE_WORK, backend_role, client_of, page

pytestmark = pytest.mark.django_db
LIST = "/admin/telemetry/tap/"


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


@pytest.fixture
def mechanic(make_member) -> Client:
    """Sees machines and taps, and nobody."""
    return client_of(make_member("Mia", role=backend_role("Mechanics", *MACHINE_WORK)))


@pytest.fixture
def tap(laser, ada) -> Tap:
    fields = {"uid": ada.uid, "card": ada.cards.get(), "member": ada, "outcome": Outcome.GRANTED, "level": 1}
    return Tap.objects.create(at=NOW, machine=laser, **fields)


@pytest.fixture
def unknown(printer) -> Tap:
    return Tap.objects.create(
        at=NOW - timedelta(days=10), machine=printer, uid=UNKNOWN_UID, outcome=Outcome.UNKNOWN_CARD
    )


def shown(client: Client, url: str = LIST, **asked) -> str:
    response = client.get(url, asked)
    assert response.status_code == 200
    return response.content.decode()


def found(client: Client, **asked) -> list[Tap]:
    return list(client.get(LIST, asked).context["cl"].result_list)


# ---- in plain words --------------------------------------------------------------------------------------------------

BLOCKED = "Granted, but the board stopped it: the machine is blocked."
MAINTENANCE = "Granted, but the board stopped it: maintenance is due."


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "May use the machine."),
        ({"is_machine_blocked": True, "level": 3}, BLOCKED),
        ({"is_machine_blocked": True, "is_maintenance_due": True}, BLOCKED),
        ({"is_maintenance_due": True}, MAINTENANCE),
        ({"is_maintenance_due": True, "level": 2}, "May use the machine."),
        ({"is_maintenance_due": True, "outcome": Outcome.LOST_CARD}, "The card was reported lost."),
        ({"outcome": Outcome.UNANSWERED}, "the board decided by itself"),
    ],
)
def test_a_tap_says_what_the_board_then_did(boss, tap, changes, words):
    Tap.objects.update(**changes)
    for url in (LIST, page(Tap, "change", tap.pk)):
        response = boss.get(url)
        rows = re.findall(r"field-what_became.*?</(?:td|div)>", response.content.decode(), re.DOTALL)
        assert words in rows[-1], url


def test_unknown_cards_and_phones_are_marked(boss, tap, unknown, laser):
    Tap.objects.create(at=NOW, machine=laser, uid="08c0ffee", outcome=Outcome.UNKNOWN_CARD)
    Tap.objects.create(at=NOW, machine=laser, uid="0badcafe", outcome=Outcome.UNKNOWN_CARD, is_enrolled=True)
    marks = dict(re.findall(r'field-number">(\w+) <span class="mark">([^<]+)<', shown(boss)))
    assert marks == {UNKNOWN_UID: "unknown", "08c0ffee": "random, of a phone", "0badcafe": "enrolled"}


# ---- finding ---------------------------------------------------------------------------------------------------------


def test_a_tap_is_found_by_machine_member_outcome_and_time(boss, tap, unknown, ada, laser):
    assert found(boss, machine__id__exact=laser.pk) == [tap]
    assert found(boss, member__like="lovelace") == found(boss, member__id__exact=ada.pk) == [tap]
    assert found(boss, outcome__exact="unknown_card") == [unknown]
    assert found(boss, at__span="7-days") == found(boss, at__span="today") == [tap]
    assert found(boss, at__from="2026-02-01", at__to="2026-03-01") == [unknown]
    assert found(boss, at__span="30-days") == [tap, unknown]


def test_what_a_board_stopped_is_found(boss, tap, unknown):
    assert found(boss, stopped="blocked") == found(boss, stopped="maintenance") == []
    Tap.objects.update(is_maintenance_due=True)
    assert (found(boss, stopped="blocked"), found(boss, stopped="maintenance")) == ([], [tap])
    Tap.objects.update(is_machine_blocked=True)
    assert (found(boss, stopped="blocked"), found(boss, stopped="maintenance")) == ([tap], [])


@pytest.mark.parametrize("words", ["0A:1B:2C:3D", "0a1b2c", "Lovelace", "laser", "7"])
def test_a_tap_is_found_by_a_card_in_any_notation_by_person_and_machine(boss, tap, unknown, words):
    assert found(boss, q=words) == [tap]


def test_no_filter_lists_people(boss, tap, make_member):
    for number in range(30):
        make_member(f"Someone{number}")
    assert "Someone7" not in shown(boss)


def test_many_taps_are_as_many_queries(boss, tap, make_member, laser_type, django_assert_max_num_queries):
    for number in range(100, 130):
        member = make_member(f"Member {number}", f"aaaa{number:04x}")
        machine = Machine.objects.create(id=number, name=f"Machine {number}", type=laser_type)
        fields = {"uid": member.uid, "card": member.cards.get(), "member": member, "outcome": Outcome.GRANTED}
        Tap.objects.create(at=NOW, machine=machine, **fields)
    with django_assert_max_num_queries(9):
        shown(boss)
    with django_assert_max_num_queries(9):
        shown(boss, member__like="member", machine__id__exact=101, at__span="30-days", outcome__exact="granted")


def test_only_time_sorts(boss, tap, unknown):
    assert found(boss, o="1") == [unknown, tap]
    assert found(boss, o="4") == found(boss, o="-4")


# ---- only to read ----------------------------------------------------------------------------------------------------


def test_nobody_adds_changes_or_deletes_a_tap(boss, tap):
    assert boss.get(page(Tap, "add")).status_code == 403
    assert boss.post(page(Tap, "add"), {"level": 3}).status_code == 403
    assert boss.post(page(Tap, "change", tap.pk), {"level": 3}).status_code == 403
    assert boss.post(page(Tap, "delete", tap.pk), {"post": "yes"}).status_code == 403
    boss.post(LIST, {"action": "delete_selected", "_selected_action": [tap.pk], "post": "yes"})
    assert Tap.objects.get().level == 1


def test_a_page_of_one_tap_has_nothing_to_fill_in(boss, tap, ada, laser):
    text = shown(boss, page(Tap, "change", tap.pk))
    form = text[text.index('id="tap_form"') :]
    assert str(ada) in form
    assert str(laser) in form
    assert ada.uid in form
    assert 'name="level"' not in form
    assert 'name="_save"' not in form


def test_its_history_opens(boss, tap):
    assert boss.get(page(Tap, "history", tap.pk)).status_code == 200


def test_a_machine_goes_with_its_taps(boss, tap, laser):
    assert boss.post(page(Machine, "delete", laser.pk), {"post": "yes"}).status_code == 302
    assert not Tap.objects.exists()


# ---- nobody's name ---------------------------------------------------------------------------------------------------


def test_who_may_not_see_members_sees_no_card_and_no_name(mechanic, tap, unknown, ada):
    Card.objects.filter(member=ada).update(label="grey tag")
    for url in (LIST, page(Tap, "change", tap.pk), page(Tap, "history", tap.pk)):
        text = shown(mechanic, url)
        for secret in (ada.uid, UNKNOWN_UID, "Lovelace", "Ada", "grey tag", "e-mail or card"):
            assert secret not in text, (url, secret)
    assert "May use the machine." in shown(mechanic)


@pytest.mark.parametrize("words", ["0a1b2c3d", "lovelace", "ada@example.org", UNKNOWN_UID])
def test_who_may_not_see_members_cannot_search_for_them(mechanic, tap, unknown, words):
    assert found(mechanic, q=words) == []


@pytest.mark.parametrize(
    "lookup",
    [
        {"uid": "0a1b2c3d"},
        {"uid__startswith": "0a"},
        {"card__uid": "0a1b2c3d"},
        {"member__id__exact": "1"},
        {"member__like": "lovelace"},
        {"member__last_name": "Lovelace"},
        {"machine__authorizations__member__last_name": "Lovelace"},
        {"machine__uses__card_uid": "0a1b2c3d"},
    ],
)
def test_who_may_not_see_members_cannot_ask_for_them_by_address(mechanic, tap, lookup):
    response = mechanic.get(LIST, lookup)
    assert response.status_code == 400 or response["Location"] == "/admin/telemetry/tap/?e=1"


def test_the_log_asks_for_a_permission(make_member, tap):
    client = client_of(make_member("Ugo", role=backend_role("Doors", "view_machine")))
    assert client.get(LIST).status_code == client.get(page(Tap, "change", tap.pk)).status_code == 403


def test_it_is_in_italian_too(boss, tap, unknown):
    boss.cookies["django_language"] = "it"
    assert shown(boss)
    assert shown(boss, page(Tap, "change", tap.pk))
