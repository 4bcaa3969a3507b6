"""A screen's link works once and for a day, its cookie until it is revoked; neither can be read from the database."""

import re
import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from telemetry.models import Screen
from telemetry.screens import Pairing, code_in, exchange, in_groups, make_link, pairing, revoke, seen
from telemetry.viewers import SCREEN_COOKIE, secret_hash, viewer_of_request
from tests.conftest import NOW

pytestmark = pytest.mark.django_db
DAY = timedelta(hours=24)


@pytest.fixture
def screen(db, settings) -> Screen:
    settings.DASHBOARD_ACCESS = "screens"
    return Screen.objects.create(name="Workshop")


@pytest.fixture
def cookie(screen) -> str:
    return cookie_for(make_link(screen, NOW))


def cookie_for(secret: str) -> str:
    pair = exchange(secret, NOW)
    assert pair is not None
    return pair[1]


def screen_with(cookie: str) -> int | None:
    request = RequestFactory().get("/")
    request.user, request.COOKIES[SCREEN_COOKIE] = AnonymousUser(), cookie
    viewer = viewer_of_request(request)
    return None if viewer is None else viewer.screen_id


def is_let_in(cookie: str) -> bool:
    return screen_with(cookie) is not None


def test_a_link_is_exchanged_for_a_cookie_that_lets_the_screen_in(screen):
    opened, cookie = exchange(make_link(screen, NOW), NOW)
    assert (opened, opened.paired_at) == (screen, NOW)
    assert screen_with(cookie) == screen.pk


def test_a_link_works_once(screen):
    secret = make_link(screen, NOW)
    cookie = cookie_for(secret)
    assert exchange(secret, NOW) is None
    assert is_let_in(cookie)


def test_a_link_works_for_a_day(screen):
    secret = make_link(screen, NOW)
    assert exchange(secret, NOW + DAY) is None
    assert exchange(secret, NOW + DAY - timedelta(seconds=1)) is not None


@pytest.mark.parametrize("secret", ["", "0" * 24, "\0", "ä" * 500])
def test_what_is_no_link_opens_nothing(screen, cookie, secret):
    make_link(Screen.objects.create(name="Other"), NOW)
    assert exchange(secret, NOW) is None


def test_a_new_link_ends_the_one_before_it(screen):
    first, second = make_link(screen, NOW), make_link(screen, NOW)
    assert exchange(first, NOW) is None
    assert exchange(second, NOW) is not None


def test_a_new_link_ends_the_page_that_is_open(screen, cookie):
    make_link(screen, NOW)
    assert not is_let_in(cookie)


def test_revoking_ends_the_cookie(screen, cookie):
    revoke(screen, NOW)
    assert not is_let_in(cookie)


def test_revoking_ends_a_link_that_waits(screen):
    secret = make_link(screen, NOW)
    revoke(screen, NOW)
    assert exchange(secret, NOW) is None


def test_a_row_that_somebody_marked_revoked_opens_nothing_either(screen):
    secret = make_link(screen, NOW)
    Screen.objects.update(revoked_at=NOW)
    assert exchange(secret, NOW) is None


def test_a_revoked_screen_comes_back_with_a_new_link(screen, cookie):
    revoke(screen, NOW)
    assert is_let_in(cookie_for(make_link(screen, NOW)))


def test_deleting_a_screen_ends_it(screen, cookie):
    screen.delete()
    assert not is_let_in(cookie)


def test_screens_do_not_disturb_each_other(screen, cookie):
    other = Screen.objects.create(name="Entrance")
    others = cookie_for(make_link(other, NOW))
    revoke(other, NOW)
    assert (is_let_in(cookie), is_let_in(others)) == (True, False)


@pytest.mark.parametrize("access", ["login", "public"])
def test_a_cookie_makes_nobody_a_screen_where_screens_are_not_let_in(settings, screen, cookie, access):
    settings.DASHBOARD_ACCESS = access
    assert screen_with(cookie) is None


def test_no_secret_is_in_the_database(screen):
    secret = make_link(screen, NOW)
    waiting = Screen.objects.values().get()
    cookie = cookie_for(secret)
    stored = f"{waiting} {Screen.objects.values().get()}"
    assert secret_hash(secret) in stored
    assert secret_hash(cookie) in stored
    assert secret not in stored
    assert cookie not in stored


def test_a_secret_is_long_can_be_read_aloud_and_is_never_the_same(screen):
    secrets = {make_link(screen, NOW) for _time in range(20)}
    assert len(secrets) == 20
    assert all(re.fullmatch(r"[2-9a-hjkmnp-z]{24}", secret) for secret in secrets)


@pytest.mark.parametrize("typed", ["{}", " {}\n", "http://lab.example.org/screen/#{}", "lab/screen/#{}"])
def test_a_code_is_found_in_what_somebody_pastes(typed):
    assert code_in(typed.format("abcd2345")) == "abcd2345"


def test_a_code_is_found_in_what_somebody_types_from_paper():
    assert code_in(in_groups("abcd2345efgh").upper().replace("-", " - ")) == "abcd2345efgh"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"link_hash": "x", "link_until": NOW + DAY}, Pairing.WAITS),
        ({"link_hash": "x", "link_until": NOW}, Pairing.EXPIRED),
        ({}, Pairing.EXPIRED),
        ({"cookie_hash": "x", "paired_at": NOW}, Pairing.OPENED),
        ({"revoked_at": NOW}, Pairing.REVOKED),
    ],
)
def test_it_is_known_how_far_a_screen_is(fields, expected):
    assert pairing(Screen(name="Workshop", **fields), NOW) is expected


def test_that_a_screen_lives_is_written_once_an_hour(screen, django_assert_num_queries):
    seen([screen.pk], NOW)
    with django_assert_num_queries(1):
        seen([screen.pk], NOW + timedelta(minutes=59))
    screen.refresh_from_db()
    assert screen.last_seen_at == NOW
    seen([screen.pk], NOW + timedelta(hours=1))
    screen.refresh_from_db()
    assert screen.last_seen_at == NOW + timedelta(hours=1)


@pytest.mark.django_db(transaction=True)
def test_of_two_browsers_at_once_one_gets_the_screen(screen):
    secret = make_link(screen, NOW)
    together, got = threading.Barrier(8), []

    def browser():
        try:
            together.wait(timeout=10)
            got.append(exchange(secret, NOW))
        finally:
            connection.close()

    browsers = [threading.Thread(target=browser) for _number in range(8)]
    for thread in browsers:
        thread.start()
    for thread in browsers:
        thread.join(timeout=30)
    assert len(got) == 8
    assert sum(pair is not None for pair in got) == 1


def test_a_guess_does_not_take_the_lock_that_boards_wait_for(db):
    with CaptureQueriesContext(connection) as queries:
        assert exchange("guessed", NOW) is None
    assert [query["sql"] for query in queries if not query["sql"].startswith("SELECT")] == []


def test_a_link_is_spent_by_a_condition_of_the_database(screen):
    """Whoever reads first and writes then would let two browsers in."""
    secret = make_link(screen, NOW)
    with CaptureQueriesContext(connection) as queries:
        exchange(secret, NOW)
    first = next(query["sql"] for query in queries if query["sql"].startswith("UPDATE"))
    assert secret_hash(secret) in first.split("WHERE")[1]
