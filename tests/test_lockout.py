"""Who guesses passwords has to wait, and nobody else has to."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from axes.models import AccessAttempt
from django.core.management import call_command
from django.db import connections
from django.test import Client, RequestFactory
from django.utils import timezone

from members.lockout import address_of
from members.models import Member
from tests.doors import complaints_of, log_in
from tests.staff import client_of

pytestmark = pytest.mark.django_db
PASSWORD = "dora-knows-it"
WAIT = "Too many wrong passwords. Wait 15 minutes, then try again."


def guess(times, email="dora@example.org", address="10.0.0.1", client=None, **extra):
    for number in range(times):
        response = log_in(client or Client(), email, f"guess {number}", REMOTE_ADDR=address, **extra)
    return response


def right_password(address="10.0.0.1", **extra):
    return log_in(Client(), "dora@example.org", PASSWORD, REMOTE_ADDR=address, **extra)


def later(minutes):
    return time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=False)


def is_let_in(response):
    return response.status_code == 302


def test_the_fifth_wrong_password_is_one_too_many(dora):
    assert guess(4).status_code == 200
    response = guess(1)

    assert response.status_code == 429
    assert response["Retry-After"] == "900"
    assert complaints_of(response) == [WAIT]
    assert WAIT in response.content.decode()


def test_then_the_right_password_is_not_looked_at_either(dora):
    guess(5)
    response = right_password()

    assert (response.status_code, complaints_of(response)) == (429, [WAIT])


def test_an_unknown_account_is_locked_just_the_same(db):
    response = guess(5, "nobody@example.org")

    assert (response.status_code, complaints_of(response)) == (429, [WAIT])


def test_fifteen_minutes_later_it_works_again(dora):
    guess(5)
    with later(14):
        assert not is_let_in(right_password())
    with later(16):
        assert is_let_in(right_password())


def test_going_on_prolongs_nothing(dora):
    guess(5)
    with later(14):
        guess(3)
    with later(16):
        assert is_let_in(right_password())


@pytest.mark.parametrize("email", ["DORA@example.org", " dora@example.org", "dora@EXAMPLE.ORG ", "ｄora@example.org"])
def test_capitals_and_blanks_make_no_other_account(dora, email):
    guess(3)
    guess(2, email)

    assert not is_let_in(right_password())


def test_another_browser_makes_no_other_account(dora):
    for number in range(5):
        guess(1, HTTP_USER_AGENT=f"browser {number}")

    assert not is_let_in(right_password())


def test_an_invented_proxy_makes_no_other_address(dora):
    for number in range(5):
        guess(1, HTTP_X_FORWARDED_FOR=f"10.9.9.{number}")

    assert not is_let_in(right_password())


def test_who_has_the_account_gets_in_from_elsewhere(dora):
    guess(5, address="198.51.100.7")

    assert is_let_in(right_password("10.0.0.2"))


def test_guessing_from_many_addresses_locks_the_account(dora):
    for number in range(5):
        guess(4, address=f"198.51.100.{number}")

    assert not is_let_in(right_password("10.0.0.2"))


def test_guessing_many_accounts_locks_the_address(dora):
    for number in range(20):
        guess(1, f"somebody{number}@example.org")

    assert not is_let_in(right_password())
    assert is_let_in(right_password("10.0.0.2"))


def test_a_success_forgives_slips(dora):
    guess(4)
    assert is_let_in(right_password())
    guess(4)

    assert is_let_in(right_password())


def test_own_success_forgives_no_guesses_at_others(dora, make_member):
    make_member("Ida", email="ida@example.org", password="ida-knows-it")
    guess(4)
    log_in(Client(), "ida@example.org", "ida-knows-it", REMOTE_ADDR="10.0.0.1")

    assert guess(1).status_code == 429


@pytest.mark.django_db(transaction=True)
def test_of_many_guesses_sent_at_once_five_are_looked_at(dora, monkeypatch):
    looked_at = []
    monkeypatch.setattr(Member, "check_password", lambda member, password: looked_at.append(password))

    def one_guess(number):
        guess(1, address="10.0.0.1")
        connections.close_all()

    with ThreadPoolExecutor(12) as together:
        list(together.map(one_guess, range(12)))

    assert len(looked_at) == 5


def test_an_open_session_is_no_place_to_guess_the_password(dora):
    client = client_of(dora)
    data = {"new_password1": "quite-another-thing", "new_password2": "quite-another-thing"}
    for number in range(5):
        response = client.post("/admin/password_change/", {**data, "old_password": f"guess {number}"})
    assert response.status_code == 429
    assert response.context["form"].errors["old_password"] == [WAIT]

    client.post("/admin/password_change/", {**data, "old_password": PASSWORD})

    dora.refresh_from_db()
    assert dora.check_password(PASSWORD)


# ---- what is kept ----------------------------------------------------------------------------------------------------


def test_nothing_that_was_sent_is_kept(dora, caplog):
    client = Client()
    client.post(
        "/admin/login/?next=/admin/&secret=s3cret",
        {"username": "dora@example.org", "password": "s3cret", "new_password": "s3cret"},
        HTTP_USER_AGENT="s3cret",
    )
    (row,) = AccessAttempt.objects.values()

    assert "s3cret" not in str(row)
    assert "s3cret" not in caplog.text
    assert "dora" not in caplog.text


def test_log_names_nobody_at_a_lock_out(dora, caplog):
    guess(8)

    assert caplog.text.count("Too many wrong passwords") == 1
    assert "dora" not in caplog.text
    assert "10.0.0.1" not in caplog.text


def test_one_row_holds_all_failures_of_an_account_at_an_address(dora):
    for number in range(8):
        guess(1, HTTP_USER_AGENT=f"browser {number}")

    assert AccessAttempt.objects.get().failures_since_start == 5


def test_old_failures_are_deleted_at_the_next_login(dora):
    guess(3, "somebody@example.org")
    with later(16):
        right_password("10.0.0.2")

    assert not AccessAttempt.objects.exists()


def test_command_lets_everybody_in_again(dora):
    guess(5)
    call_command("axes_reset", stdout=StringIO())

    assert is_let_in(right_password())


def test_no_page_but_the_login_asks_who_is_locked_out(dora, django_assert_num_queries):
    client = client_of(dora)
    with django_assert_num_queries(2) as queries:  # the session and its member
        client.get("/admin/password_change/")
    assert not any("axes" in query["sql"] for query in queries.captured_queries)


def test_worker_does_not_load_it():
    question = (
        "import sys, django; sys.argv = ['manage.py', 'mqtt_worker']; django.setup();"
        "from django.contrib.auth import get_backends; get_backends(); print('axes' in sys.modules)"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "fabomatic.settings"}
    answer = subprocess.run([sys.executable, "-c", question], env=environment, capture_output=True, text=True)

    assert answer.stdout.strip() == "False", answer.stderr


def test_locked_out_page_speaks_italian(dora):
    response = guess(5, HTTP_ACCEPT_LANGUAGE="it")

    assert response.status_code == 429


# ---- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proxies", "seen", "told", "address"),
    [
        (0, "10.0.0.1", "1.1.1.1", "10.0.0.1"),
        (1, "10.0.0.1", "9.9.9.9, 1.1.1.1", "1.1.1.1"),
        (2, "10.0.0.1", "9.9.9.9, 1.1.1.1, 2.2.2.2", "1.1.1.1"),
        (1, "10.0.0.1", "", "10.0.0.1"),
        (2, "10.0.0.1", "1.1.1.1", "10.0.0.1"),
        (1, "10.0.0.1", "unknown", "10.0.0.1"),
        (1, "10.0.0.1", "1.1.1.1:443", "1.1.1.1"),
        (1, "10.0.0.1", "[2001:db8:1:2::9]:443", "2001:db8:1:2::"),
        (0, "2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::"),
        (0, "::ffff:10.0.0.1", "", "10.0.0.1"),
        (0, "fe80::1%eth0", "", "fe80::"),
        (0, "", "", None),
        (1, None, "1.1.1.1", "1.1.1.1"),
    ],
)
def test_address_is_what_our_own_proxies_saw(settings, proxies, seen, told, address):
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", HTTP_X_FORWARDED_FOR=told)
    request.META["REMOTE_ADDR"] = seen

    assert address_of(request) == address


def test_those_behind_the_same_proxy_lock_out_only_themselves(dora, settings):
    settings.TRUSTED_PROXIES = 1
    for number in range(21):
        guess(1, f"somebody{number}@example.org", "127.0.0.1", HTTP_X_FORWARDED_FOR="198.51.100.7")

    assert not is_let_in(right_password("127.0.0.1", HTTP_X_FORWARDED_FOR="198.51.100.7"))
    assert is_let_in(right_password("127.0.0.1", HTTP_X_FORWARDED_FOR="10.0.0.5"))


def test_where_no_address_is_known_only_accounts_are_locked(dora):
    for number in range(21):
        guess(1, f"somebody{number}@example.org", "")

    assert is_let_in(right_password(""))
