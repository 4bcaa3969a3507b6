"""The socket at the door: who is let in, what it answers to whoever does not belong or talks back."""

import asyncio
import json

import pytest
from channels.testing import WebsocketCommunicator
from django.db import DatabaseError, connection
from django.utils import timezone

from fabomatic.asgi import application
from machines.models import Use
from members.models import Member
from telemetry.live import hub as hubs
from telemetry.live.feed import feed
from telemetry.live.wall import wall
from telemetry.models import Screen
from telemetry.viewers import SCREEN_COOKIE, secret_hash
from tests.staff import client_of

pytestmark = pytest.mark.django_db(transaction=True)

OURS = "http://lab.example"


@pytest.fixture(autouse=True)
def no_broker(monkeypatch, settings):
    settings.ALLOWED_HOSTS = ["lab.example"]
    monkeypatch.setattr(feed, "start", lambda: None)
    monkeypatch.setattr(feed, "trouble", lambda: None)
    wall.note_everything()


def socket(path="/ws/dashboard/", *, origin=OURS, host="lab.example", cookies=None):
    headers = [(b"host", host.encode())]
    headers += [(b"origin", origin.encode())] if origin else []
    sent = "; ".join(f"{name}={value}" for name, value in (cookies or {}).items())
    headers += [(b"cookie", sent.encode())] if sent else []
    return WebsocketCommunicator(application, path, headers)


def session(member):
    return {"sessionid": client_of(member).session.session_key}


def play(coroutine):
    async def run():
        try:
            return await coroutine
        finally:
            hub = hubs.hub_here()
            for guest in list(hub._guests):
                hub.leave(guest)
            hub.wake()
            while hub._task is not None:
                await asyncio.sleep(0.001)
            await hub._read(lambda: connection.close())

    return asyncio.run(run())


def greeting(**options):
    """What a page that connects is told first."""

    async def ask():
        line = socket(**options)
        is_accepted, _ = await line.connect()
        assert is_accepted
        message = json.loads(await line.receive_from())
        await line.disconnect()
        return message

    return play(ask())


def refusal(**options):
    """The code, and the reason where it was let in to be told."""

    async def ask():
        line = socket(**options)
        is_accepted, code = await line.connect()
        if not is_accepted:
            return ("refused", code)
        assert "may not look" in json.loads(await line.receive_from())["error"]
        output = await line.receive_output()
        assert output["type"] == "websocket.close", output
        return ("closed", output["code"])

    return play(ask())


@pytest.fixture
def public(settings):
    settings.DASHBOARD_ACCESS = "public"


@pytest.fixture
def login(settings):
    settings.DASHBOARD_ACCESS = "login"


def paired(name="Wall"):
    return Screen.objects.create(name=name, cookie_hash=secret_hash(f"secret of {name}"), paired_at=timezone.now())


def cookie_of(screen):
    return {SCREEN_COOKIE: f"secret of {screen.name}"}


# ---- who is let in ---------------------------------------------------------------------------------------------------


def test_a_public_page_is_told_the_whole_state(public, laser):
    assert "Laser" in greeting()["grid"]


def test_a_stranger_is_told_that_it_is_over(login, laser):
    assert refusal() == ("closed", 4401)


def test_a_member_who_logged_in_is_let_in(login, laser, ada):
    assert "Laser" in greeting(cookies=session(ada))["grid"]


def test_a_disabled_member_is_not(login, ada):
    cookies = session(ada)
    Member.objects.filter(pk=ada.pk).update(is_active=False, deactivated_at=timezone.now())
    assert refusal(cookies=cookies) == ("closed", 4401)


def test_a_screen_is_let_in(settings, laser):
    settings.DASHBOARD_ACCESS = "screens"
    assert "Laser" in greeting(cookies=cookie_of(paired()))["grid"]


def test_a_revoked_screen_is_not(settings):
    settings.DASHBOARD_ACCESS = "screens"
    screen = paired()
    Screen.objects.update(revoked_at=timezone.now())
    assert refusal(cookies=cookie_of(screen)) == ("closed", 4401)


def test_a_screen_is_not_let_in_where_only_members_are(login):
    assert refusal(cookies=cookie_of(paired())) == ("closed", 4401)


@pytest.mark.parametrize(
    "cookies",
    [{"sessionid": "x" * 4000}, {"sessionid": "%00"}, {SCREEN_COOKIE: "'; --"}, {"sessionid": '"\\000abcdefgh"'}],
    ids=["long", "percent", "sql", "nul"],
)
def test_invented_cookies_open_nothing(login, cookies):
    assert refusal(cookies=cookies) == ("closed", 4401)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "https://lab.example.evil", "http://lab.example:8080", "null", "", "lab.example"]
)
def test_a_page_of_somebody_else_is_refused(public, laser, origin):
    assert refusal(origin=origin)[0] == "refused"


def test_behind_a_proxy_the_trusted_origin_is_ours(public, laser, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://open.example.org"]
    assert "grid" in greeting(origin="https://open.example.org")


def test_all_subdomains_can_be_trusted_as_they_are_for_forms(public, laser, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.example.org"]
    assert "grid" in greeting(origin="https://open.example.org")
    assert refusal(origin="http://open.example.org")[0] == "refused"
    assert refusal(origin="https://example.org.evil")[0] == "refused"


def test_a_host_that_is_not_ours_is_refused(public, laser):
    assert refusal(host="evil.example", origin="http://evil.example")[0] == "refused"


def test_there_is_no_other_socket(public):
    assert refusal(path="/ws/other/")[0] == "refused"


def test_a_database_that_is_away_is_no_reason_to_go_for_good(public, monkeypatch):
    def away(*arguments):
        raise DatabaseError("away")

    monkeypatch.setattr(hubs, "viewers_now", away)
    assert refusal()[0] == "refused"


# ---- what it is told -------------------------------------------------------------------------------------------------


@pytest.fixture
def laser_in_use(laser, ada):
    return Use.objects.create(machine=laser, member=ada, started_at=timezone.now())


def test_names_are_the_viewers_whatever_the_page_asks_for(public, settings, laser_in_use):
    settings.DASHBOARD_NAMES = "none"
    told = json.dumps(greeting(path="/ws/dashboard/?names=full&kiosk=0"))
    assert "Ada" not in told


def test_staff_sees_whole_names(login, settings, laser_in_use, dora):
    settings.DASHBOARD_NAMES = "none"
    assert "Ada Lovelace" in greeting(cookies=session(dora))["grid"]


def test_staff_at_a_wall_does_not(login, settings, laser_in_use, dora):
    settings.DASHBOARD_NAMES = "none"
    assert "Ada" not in greeting(path="/ws/dashboard/?kiosk=1", cookies=session(dora))["grid"]


def test_the_page_says_its_language(public, laser):
    assert "Silent" not in greeting(path="/ws/dashboard/?language=it")["grid"]


@pytest.mark.parametrize(
    "query",
    ["language=xx", "group=%00", "machine=-1", "machine=%C2%B2", "machine=999999", "revision=%FF", "a" * 5000],
    ids=["language", "group", "negative", "digit", "large", "revision", "long"],
)
def test_a_page_that_asks_for_nonsense_gets_the_ordinary(public, laser, query):
    assert "Laser" in greeting(path=f"/ws/dashboard/?{query}")["grid"]


# ---- who talks back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", ["hello", "{", "x" * 500_000, b"\xff\x00"], ids=["word", "brace", "much", "bytes"])
def test_whoever_says_anything_is_shown_the_door(public, laser, sent):
    async def talk():
        line = socket()
        await line.connect()
        await line.receive_from()
        if isinstance(sent, bytes):
            await line.send_to(bytes_data=sent)
        else:
            await line.send_to(text_data=sent)
        while (output := await line.receive_output())["type"] == "websocket.send":
            last_word = json.loads(output["text"])
        return output, last_word

    output, last_word = play(talk())
    assert (output["type"], output["code"]) == ("websocket.close", 4400)
    assert "only listens" in last_word["error"]


def test_others_keep_listening_while_one_talks_back(public, laser):
    async def talk():
        polite, rude = socket(), socket()
        for line in (polite, rude):
            await line.connect()
            await line.receive_from()
        for _ in range(100):
            await rude.send_to(text_data="x")
        message = json.loads(await polite.receive_from(timeout=6))
        await polite.disconnect()
        return message

    assert play(talk())["troubles"] == []
