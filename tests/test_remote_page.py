"""Start and stop from afar as staff meets it on the machine's page."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from machines.models import EndReason, Machine, MachineType, Use
from members.changes import sentences
from members.models import Card, Change
from telemetry import remote
from telemetry.live.wall import wall
from telemetry.models import Tap
from telemetry.outbox import NotPublished
from tests.staff import backend_role, client_of

pytestmark = pytest.mark.django_db
TINA = "71a00001"
URL = "/machines/7/request/"


@pytest.fixture
def published(monkeypatch):
    sent = []
    monkeypatch.setattr(remote, "publish_once", lambda topic, payload: sent.append((topic, json.loads(payload))))
    return sent


@pytest.fixture
def ready(laser):
    """The type allows it, and the board can be heard."""
    MachineType.objects.update(allow_remote_start=True)
    Machine.objects.update(last_seen_at=timezone.now())
    return laser


@pytest.fixture
def tina(make_member, authorize, laser):
    role = backend_role("Technicians", "change_machine")
    tina = make_member("Tina", TINA, role=role, email="tina@example.org")
    authorize(tina, laser)
    return tina


@pytest.fixture
def staff(tina, ready) -> Client:
    return client_of(tina)


def ask(client, kind="start", card=None, **more):
    card = card or Card.objects.get(uid=TINA)
    data = {"kind": kind, "card": card.pk, "sees": "on"}
    return client.post(URL, data, **more)


def page_of(client) -> str:
    response = client.get("/machines/7/")
    assert response.status_code == 200
    return response.content.decode()


# ---- what is asked ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["start", "stop"])
def test_the_board_is_asked_with_the_staff_members_own_card(staff, published, kind):
    response = ask(staff, kind)
    assert (response.status_code, response["Location"]) == (302, "/machines/7/")
    assert published == [("machine/7/request", {"request_type": kind, "uid": TINA})]


@pytest.mark.parametrize(("kind", "words"), [("start", "from afar to start"), ("stop", "from afar to stop")])
def test_the_admins_history_tells_who_asked(staff, tina, published, kind, words):
    ask(staff, kind)
    entry = Change.objects.get(object_id="7", member=tina)
    assert words in sentences(entry, sees_people=True)[0]
    assert TINA not in sentences(entry, sees_people=True)[0]


def test_of_several_cards_one_is_chosen(staff, tina, published):
    other = Card.objects.create(uid="abab0001", member=tina, label="Wristband")
    page = page_of(staff)
    assert "<select" in page
    assert "Wristband" in page
    ask(staff, card=other)
    assert published[0][1]["uid"] == "abab0001"


def test_one_card_needs_no_choice(staff):
    assert "<select" not in page_of(staff)


@pytest.mark.parametrize("kind", ["start", "stop"])
def test_a_double_click_counts_once(staff, published, kind):
    ask(staff, kind)
    page = ask(staff, kind, follow=True).content.decode()
    assert len(published) == Change.objects.count() == 1
    assert "Asked at" in page


def test_a_stop_right_after_a_start_is_another_request(staff, published):
    ask(staff, "start")
    ask(staff, "stop")
    assert [payload["request_type"] for _topic, payload in published] == ["start", "stop"]


def test_asking_again_later_asks_again(staff, published, monkeypatch):
    monkeypatch.setattr(remote, "DOUBLE_CLICK", timedelta(0))
    ask(staff)
    ask(staff)
    assert len(published) == 2


# ---- what is refused -------------------------------------------------------------------------------------------------


def refused(response, published, words):
    assert words in response.content.decode()
    assert published == []
    assert not Change.objects.exists()


def test_eyes_on_the_machine_are_needed(staff, published):
    response = staff.post(URL, {"kind": "start", "card": Card.objects.get(uid=TINA).pk})
    assert response.status_code == 422
    refused(response, published, "Only with somebody&#x27;s eyes on the machine.")


@pytest.mark.parametrize("kind", ["", "explode", "START"])
def test_nothing_but_start_and_stop_is_asked(staff, published, kind):
    response = ask(staff, kind)
    assert response.status_code == 422
    refused(response, published, "errorlist")


@pytest.mark.parametrize("which", ["somebody else's", "lost", "too long", "none"])
def test_no_other_card_is_used(staff, tina, ada, published, which):
    cards = {
        "somebody else's": lambda: Card.objects.get(uid=ada.uid),
        "lost": lambda: Card.objects.create(uid="abab0001", member=tina, is_lost=True),
        "too long": lambda: Card.objects.create(uid="0123456789abcd", member=tina),
        "none": lambda: Card(pk=4711),
    }
    response = ask(staff, card=cards[which]())
    assert response.status_code == 422
    refused(response, published, "errorlist")


def test_a_type_that_does_not_allow_it_has_no_buttons(staff, published):
    MachineType.objects.update(allow_remote_start=False)
    assert "the type does not allow it" in page_of(staff)
    assert URL not in page_of(staff)
    refused(ask(staff, follow=True), published, "the type does not allow it")


def test_without_a_card_there_are_no_buttons(staff, published):
    card = Card.objects.get(uid=TINA)
    Card.objects.update(is_lost=True)
    assert "You need a card of your own" in page_of(staff)
    assert URL not in page_of(staff)
    refused(ask(staff, card=card, follow=True), published, "You need a card of your own")


def test_a_silent_board_is_not_asked(staff, published):
    Machine.objects.update(last_seen_at=timezone.now() - timedelta(minutes=5))
    assert "The board is silent: it would not hear a request. Last heard <time" in page_of(staff)
    assert URL not in page_of(staff)
    refused(ask(staff, follow=True), published, "The board is silent")


@pytest.fixture
def has_just_come(ready, monkeypatch):
    """The wall knows, the database does not."""
    Machine.objects.update(last_seen_at=None)
    monkeypatch.setattr("telemetry.live.feed.Feed.is_live", True)
    wall.note(7, is_online=True)
    yield
    wall.forget_who_is_online()


def test_a_board_that_has_just_come_can_be_asked(staff, has_just_come, published):
    assert "Can be heard." in page_of(staff)
    ask(staff)
    assert len(published) == 1


def test_a_broker_that_is_away_is_said_and_noted(staff, monkeypatch):
    def fail(topic, payload):
        raise NotPublished("No broker answers at lab:1883.")

    monkeypatch.setattr(remote, "publish_once", fail)
    page = ask(staff, follow=True).content.decode()
    assert "The board was not asked. No broker answers at lab:1883." in page
    assert "Asked at" not in page
    assert "No broker answers" in sentences(Change.objects.get(), sees_people=True)[0]


def test_what_could_not_be_sent_can_be_asked_again_at_once(staff, monkeypatch, published):
    works = remote.publish_once

    def fail(topic, payload):
        raise NotPublished("No broker.")

    monkeypatch.setattr(remote, "publish_once", fail)
    ask(staff)
    monkeypatch.setattr(remote, "publish_once", works)
    ask(staff)
    assert len(published) == 1


def test_strangers_are_sent_to_log_in(client, settings, ready, tina, published):
    settings.DASHBOARD_ACCESS = "public"
    response = ask(client)
    assert (response.status_code, response["Location"]) == (302, "/admin/login/?next=/machines/7/")
    assert published == []


@pytest.mark.parametrize("codename", ["", "view_machine"])
def test_staff_without_the_right_is_refused(ready, tina, make_member, published, codename):
    vera = make_member("Vera", "abab0002", role=backend_role("Viewers", codename), email="vera@example.org")
    assert ask(client_of(vera), card=vera.cards.get()).status_code == 403
    assert published == []


def test_members_are_refused(ready, tina, ada, published):
    assert ask(client_of(ada), card=ada.cards.get()).status_code == 403
    assert published == []


def test_a_form_of_another_site_is_refused(ready, tina, published):
    client = Client(enforce_csrf_checks=True)
    client.force_login(tina)
    assert ask(client).status_code == 403
    assert published == []


def test_a_machine_that_does_not_exist_is_not_found(staff, published):
    assert staff.post("/machines/8/request/", {"kind": "start"}).status_code == 404


def test_looking_asks_nothing(staff, published):
    assert staff.get(URL)["Location"] == "/machines/7/"
    assert published == []


# ---- warnings --------------------------------------------------------------------------------------------------------


def test_it_warns_that_nobody_stands_there(staff):
    page = page_of(staff)
    assert "Nobody may be standing at the machine." in page
    assert "starting ends the present use first" not in page


def test_it_says_that_a_start_ends_the_present_use(staff, laser):
    Use.objects.create(machine=laser, started_at=timezone.now())
    assert "The machine is in use: starting ends the present use first." in page_of(staff)


def test_it_warns_where_the_board_would_say_no(staff, tina):
    assert "will probably not start" not in page_of(staff)
    tina.authorizations.all().delete()
    assert "will probably not start: The member has no authorization for this machine." in page_of(staff)


# ---- did the board obey? ---------------------------------------------------------------------------------------------


def test_while_it_waits_the_page_comes_again_by_itself(staff, published):
    ask(staff, "start")
    page = page_of(staff)
    assert ": waiting for the board." in page
    assert '<noscript><meta http-equiv="refresh" content="2;url=/machines/7/"></noscript>' in page
    assert "data-awaits" in page


def test_a_start_is_told_with_its_time(staff, laser, published):
    ask(staff, "start")
    started_at = timezone.now()
    Use.objects.create(machine=laser, card_uid=TINA, started_at=started_at)
    page = page_of(staff)
    assert f"The board started at {timezone.localtime(started_at):%H:%M:%S}." in page
    assert "http-equiv" not in page


def test_a_stop_is_told_with_its_time(staff, laser, ada, published):
    use = Use.objects.create(machine=laser, card_uid=ada.uid, started_at=timezone.now() - timedelta(hours=1))
    ask(staff, "stop")
    use.ended_at, use.end_reason = timezone.now(), EndReason.STOP
    use.save()
    assert f"The board stopped at {timezone.localtime(use.ended_at):%H:%M:%S}." in page_of(staff)


def test_a_refusal_is_told_with_its_reason(staff, laser, published):
    ask(staff, "start")
    Tap.objects.create(machine=laser, uid=TINA, at=timezone.now(), outcome="not_authorized")
    page = page_of(staff)
    assert "The board refused at" in page
    assert "The member has no authorization for this machine." in page


def test_silence_is_told_after_ten_seconds(staff, published, monkeypatch):
    monkeypatch.setattr(remote, "PATIENCE", timedelta(0))
    ask(staff, "start")
    page = page_of(staff)
    assert "the board did not answer within 10 s. It may be busy or have older firmware. Look at the machine." in page
    assert "http-equiv" not in page


def test_only_who_asked_sees_the_answer_and_only_there(staff, ready, printer, dora, published):
    ask(staff, "start")
    assert "Asked at" not in page_of(client_of(dora))
    assert "Asked at" not in staff.get("/machines/12/").content.decode()


def test_the_answer_costs_no_more_queries_than_a_look_at_the_taps(staff, published, django_assert_max_num_queries):
    ask(staff, "start")
    page_of(staff)
    with django_assert_max_num_queries(18):
        page_of(staff)
