"""`/screen/`: a display types its code or follows its link, and sees the machines until staff revokes it."""

import pytest
from django.test import Client
from django.utils import timezone

from machines.models import Use
from telemetry.models import Screen
from telemetry.screens import LINK_LIFE, in_groups, make_link, revoke
from telemetry.viewers import SCREEN_COOKIE, secret_hash
from tests.staff import client_of

pytestmark = pytest.mark.django_db
DAYS_400 = 400 * 24 * 3600


@pytest.fixture(autouse=True)
def let_screens_in(settings):
    settings.DASHBOARD_ACCESS = "screens"


@pytest.fixture
def screen() -> Screen:
    return Screen.objects.create(name="Workshop")


@pytest.fixture
def secret(screen) -> str:
    return make_link(screen, timezone.now())


@pytest.fixture
def opened(client, secret) -> Client:
    """The browser of the screen."""
    client.post("/screen/", {"code": secret})
    return client


@pytest.fixture
def laser_in_use(laser, ada) -> Use:
    return Use.objects.create(machine=laser, member=ada, started_at=timezone.now())


def text_of(response) -> str:
    return response.content.decode()


def cookie_of(response):
    return response.cookies[SCREEN_COOKIE]


def test_a_code_brings_the_screen_to_the_wall(client, secret):
    response = client.post("/screen/", {"code": secret})
    assert (response.status_code, response["Location"]) == (302, "/?kiosk")


def test_the_screen_sees_the_machines_without_anybody_logged_in(opened, laser):
    response = opened.get("/?kiosk")
    assert response.status_code == 200
    assert "Laser" in text_of(response)


@pytest.mark.parametrize("written", ["http://testserver/screen/#{}", "  {} ", "{}\t"])
def test_a_whole_link_can_be_pasted(client, secret, written):
    assert client.post("/screen/", {"code": written.format(secret)}).status_code == 302


def test_a_code_can_be_typed_as_it_stands_on_paper(client, secret):
    assert client.post("/screen/", {"code": in_groups(secret).upper()}).status_code == 302


def test_scripts_cannot_read_the_cookie_and_other_sites_cannot_send_it(client, secret):
    cookie = cookie_of(client.post("/screen/", {"code": secret}))
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (True, "Lax", "/", "")
    assert cookie["max-age"] == DAYS_400
    assert not cookie["secure"]


def test_the_cookie_is_secure_where_the_site_is(client, settings, secret):
    settings.SESSION_COOKIE_SECURE = True
    assert cookie_of(client.post("/screen/", {"code": secret}))["secure"]


def test_the_cookie_is_not_the_code_and_not_in_the_database(client, screen, secret):
    cookie = cookie_of(client.post("/screen/", {"code": secret})).value
    screen.refresh_from_db()
    assert cookie != secret
    assert screen.cookie_hash == secret_hash(cookie)


def test_a_second_browser_does_not_get_in_with_the_same_link(opened, secret):
    response = Client().post("/screen/", {"code": secret})
    assert (response.status_code, SCREEN_COOKIE in response.cookies) == (400, False)


def test_a_screen_whose_home_page_is_its_spent_link_sees_the_machines_all_the_same(opened, secret):
    assert opened.post("/screen/", {"code": secret})["Location"] == "/?kiosk"


@pytest.mark.parametrize("code", ["wrong", "", "   ", "\0", "<b>", "x" * 10_000, "http://lab/screen/#"])
def test_a_wrong_code_is_refused_beside_the_field(client, secret, code):
    response = client.post("/screen/", {"code": code})
    assert (response.status_code, SCREEN_COOKIE in response.cookies) == (400, False)
    page = text_of(response)
    assert 'aria-invalid="true"' in page
    assert '<ul class="errorlist" id="id_code_error">' in page
    assert 'aria-describedby="id_code_helptext id_code_error"' in page
    assert "<b>" not in page


def test_a_form_without_a_code_is_refused(client):
    assert client.post("/screen/").status_code == 400


def test_an_expired_link_says_so(client, screen):
    expired = make_link(screen, timezone.now() - LINK_LIFE)
    assert "expired" in text_of(client.post("/screen/", {"code": expired}))
    assert Screen.objects.get().cookie_hash == ""


def test_looking_at_the_page_spends_nothing(client, secret, screen):
    """Messengers and virus scanners open links before people do."""
    client.get(f"/screen/?code={secret}")
    client.head("/screen/")
    assert client.post("/screen/", {"code": secret}).status_code == 302


def test_a_post_from_elsewhere_is_refused(secret):
    response = Client(enforce_csrf_checks=True).post("/screen/", {"code": secret})
    assert (response.status_code, SCREEN_COOKIE in response.cookies) == (403, False)
    assert Screen.objects.get().link_hash == secret_hash(secret)


def test_the_pages_own_form_gets_through(secret):
    browser = Client(enforce_csrf_checks=True)
    token = browser.get("/screen/").cookies["csrftoken"].value
    assert browser.post("/screen/", {"code": secret, "csrfmiddlewaretoken": token}).status_code == 302


@pytest.mark.parametrize(("access", "sentence"), [("login", "Screens are not let in"), ("public", "No code is needed")])
def test_where_no_screen_needs_a_code_the_page_says_so_and_spends_none(client, settings, secret, access, sentence):
    settings.DASHBOARD_ACCESS = access
    assert sentence in text_of(client.get("/screen/"))
    response = client.post("/screen/", {"code": secret})
    assert (response.status_code, SCREEN_COOKIE in response.cookies) == (403, False)
    assert sentence in text_of(response)
    assert Screen.objects.get().link_hash == secret_hash(secret)


def test_a_screen_sees_nothing_where_people_log_in(opened, settings):
    settings.DASHBOARD_ACCESS = "login"
    assert opened.get("/").status_code == 302


def test_a_revoked_screen_is_told_so(opened, screen):
    revoke(screen, timezone.now())
    response = opened.get("/?kiosk")
    assert response.status_code == 403
    assert "revoked" in text_of(response)


def test_a_new_link_ends_the_old_cookie(opened, screen):
    make_link(screen, timezone.now())
    assert opened.get("/").status_code == 403


def test_a_deleted_screen_sees_nothing(opened, screen):
    screen.delete()
    assert opened.get("/").status_code == 403


def test_opening_the_machines_renews_the_cookie(opened, laser):
    response = opened.get("/")
    assert cookie_of(response).value == opened.cookies[SCREEN_COOKIE].value
    assert (cookie_of(response)["max-age"], cookie_of(response)["httponly"]) == (DAYS_400, True)


def test_opening_the_machines_tells_staff_that_the_screen_lives(opened, screen):
    opened.get("/")
    screen.refresh_from_db()
    assert (timezone.now() - screen.last_seen_at).total_seconds() < 60


def test_a_person_with_the_cookie_is_that_person(opened, ada, screen):
    opened.force_login(ada)
    assert SCREEN_COOKIE not in opened.get("/").cookies
    screen.refresh_from_db()
    assert screen.last_seen_at is None


@pytest.mark.parametrize("cookie", ["", "x" * 5000, "%00", "ä"])
def test_an_invented_cookie_opens_nothing(client, opened, cookie):
    stranger = Client()
    stranger.cookies[SCREEN_COOKIE] = cookie
    assert stranger.get("/").status_code in (302, 403)


@pytest.mark.parametrize(
    ("names", "shown", "hidden"),
    [
        ("none", "Laser", "Ada"),
        ("first", "Ada", "Lovelace"),
        ("initials", "A. L.", "Ada"),
        ("full", "Ada Lovelace", "@"),
    ],
)
def test_a_screen_sees_names_as_the_lab_decided(opened, settings, laser_in_use, names, shown, hidden):
    settings.DASHBOARD_NAMES = names
    page = text_of(opened.get("/?kiosk"))
    assert shown in page
    assert hidden not in page


def test_staff_that_opens_the_link_stays_staff(dora, secret, laser):
    browser = client_of(dora)
    browser.post("/screen/", {"code": secret})
    assert "/admin/" in text_of(browser.get("/"))


def test_no_cache_keeps_the_page_and_it_is_found_by_no_other_method(client):
    assert "no-store" in client.get("/screen/")["Cache-Control"]
    assert client.put("/screen/").status_code == 405


def test_the_page_speaks_italian_too(client):
    assert '<html lang="it">' in text_of(client.get("/screen/", headers={"accept-language": "it"}))
