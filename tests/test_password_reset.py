"""Who forgot the password gets a link, and nobody learns from it who is a member."""

import logging
import smtplib
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from members import background, forgotten
from members.models import Member
from tests.doors import asked_for_link, chosen, complaints_of, is_logged_in, link_in, log_in, only_mail, opened
from tests.staff import client_of

pytestmark = pytest.mark.django_db
NEW = "quite-another-thing"


@pytest.fixture(autouse=True)
def in_turn(monkeypatch, settings):
    """What is done in the background is done before the page answers, and nobody had a mail yet."""
    monkeypatch.setattr(background.Background, "do", lambda self, job: background.do_quietly(job))
    monkeypatch.setattr(forgotten, "limit", forgotten.MailLimit())
    settings.SITE_URL = "https://lab.example.org"


@pytest.fixture
def link(client, dora):
    asked_for_link(client, "dora@example.org")
    return link_in(only_mail())


def is_valid(path):
    return "form" in opened(Client(), path).context and opened(Client(), path).context["validlink"]


def later(minutes):
    return time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=False)


def test_link_leads_to_a_new_password_and_in(link, dora):
    client = Client()
    response = chosen(client, link, NEW)

    assert response["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200
    assert log_in(Client(), "dora@example.org", NEW).status_code == 302


@pytest.mark.parametrize("email", ["DORA@example.org", " dora@EXAMPLE.org "])
def test_address_is_found_in_any_case(client, dora, email):
    asked_for_link(client, email)
    assert only_mail().to == ["dora@example.org"]


def test_ordinary_member_with_a_password_gets_a_link_and_the_machines(client, make_member):
    make_member("Ida", email="ida@example.org", password="ida-knows-it")
    asked_for_link(client, "ida@example.org")

    assert chosen(Client(), link_in(only_mail()), NEW)["Location"] == "/"


def test_sessions_begun_with_the_old_password_end(client, dora):
    elsewhere = client_of(dora)
    asked_for_link(client, "dora@example.org")
    chosen(Client(), link_in(only_mail()), NEW)

    assert elsewhere.get("/admin/").status_code == 302


def test_who_is_locked_out_gets_in_by_a_link(client, dora):
    for number in range(6):
        response = log_in(client, "dora@example.org", f"guess {number}")
    assert response.status_code == 429

    asked_for_link(client, "dora@example.org")
    chosen(client, link_in(only_mail()), NEW)

    assert client.get("/admin/").status_code == 200
    assert log_in(Client(), "dora@example.org", NEW).status_code == 302


# ---- the link --------------------------------------------------------------------------------------------------------


def test_link_is_valid_for_twenty_minutes(link):
    with later(19):
        assert is_valid(link)
    with later(21):
        assert not is_valid(link)


def test_page_opened_in_time_is_not_kept_open_for_ever(link, dora):
    client = Client()
    page = opened(client, link).request["PATH_INFO"]
    with later(21):
        client.post(page, {"new_password1": NEW, "new_password2": NEW})

    dora.refresh_from_db()
    assert dora.check_password("dora-knows-it")


def test_link_lives_no_longer_in_the_night_when_clocks_go_back(client, dora):
    with time_machine.travel("2026-10-25T00:50:00Z", tick=False):
        asked_for_link(client, "dora@example.org")
    with time_machine.travel("2026-10-25T01:11:00Z", tick=False):
        assert not is_valid(link_in(only_mail()))


def test_link_works_once(link):
    chosen(Client(), link, NEW)

    assert not is_valid(link)


@pytest.mark.parametrize(
    "change",
    [
        {"is_active": False, "deactivated_at": "2026-01-01T00:00Z"},
        {"email": "other@example.org"},
        {"password": "!unusable"},
        {"last_login": "2026-01-01T00:00Z"},
    ],
)
def test_link_is_worth_nothing_after_a_change(link, dora, change):
    Member.objects.filter(pk=dora.pk).update(**change)

    assert not is_valid(link)


def test_link_of_one_is_no_link_of_another(link, dora, make_member):
    ida = make_member("Ida", email="ida@example.org", password="ida-knows-it")
    _empty, _page, _uid, token, _end = link.split("/")

    assert not is_valid(forgotten.link_of(ida, "password_reset_confirm", token).removeprefix("https://lab.example.org"))


@pytest.mark.parametrize(
    "path", ["/password/MQ/x-y/", "/password/%00/x/", "/password/OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk/x/"]
)
def test_invented_link_is_refused_in_words(db, path):
    response = Client().get(path)

    assert response.status_code == 200
    assert "This link was used already or is older than 20 minutes" in response.content.decode()


def test_token_does_not_stay_in_the_address_and_goes_to_nobody(link):
    client = Client()
    first = client.get(link)
    token = link.split("/")[3]

    assert first.status_code == 302
    assert token not in first["Location"]
    assert first["Referrer-Policy"] == "strict-origin"
    page = client.get(first["Location"])
    assert token not in page.content.decode()
    assert "no-cache" in page["Cache-Control"]


def test_other_browser_learns_nothing_from_the_address_without_token(link):
    address = opened(Client(), link).request["PATH_INFO"]

    assert not Client().get(address).context["validlink"]


def test_slips_are_told_beside_the_fields(link, dora):
    client = Client()
    response = chosen(client, link, NEW, "quite-another-thnig")
    assert list(response.context["form"].errors) == ["new_password2"]
    response = chosen(client, link, "dora@example.org")
    assert complaints_of(response) == ["The password is too similar to the e-mail."]
    assert not is_logged_in(client)


# ---- who asks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["unknown", "without password", "disabled"])
def test_who_cannot_log_in_gets_the_same_answer_and_no_mail(client, dora, ada, make_member, who):
    make_member("Enzo", email="enzo@example.org", password="enzo-knows-it", is_active=False)
    emails = {"unknown": "nobody@example.org", "without password": "ada@example.org", "disabled": "enzo@example.org"}
    known, other = Client(), Client()

    answers = [asked_for_link(known, "dora@example.org"), asked_for_link(other, emails[who])]

    assert len({(answer.status_code, answer["Location"], len(answer.content)) for answer in answers}) == 1
    assert {name for answer in answers for name in answer.headers} == set(answers[0].headers)
    assert known.get("/password/sent/").status_code == other.get("/password/sent/").status_code == 200
    assert only_mail().to == ["dora@example.org"]


@pytest.mark.parametrize("email", ["dora@example.org", "nobody@example.org"])
def test_answer_waits_for_nothing_that_tells_them_apart(client, dora, monkeypatch, django_assert_num_queries, email):
    jobs = []
    monkeypatch.setattr(background.Background, "do", lambda self, job: jobs.append(job))
    with django_assert_num_queries(0):
        asked_for_link(client, email)

    assert len(jobs) == 1


@pytest.mark.parametrize("email", ["", "dora", "dora@example.org\nBcc: x@example.org", "x" * 300 + "@example.org"])
def test_what_is_no_address_is_refused(client, dora, email):
    assert list(asked_for_link(client, email).context["form"].errors) == ["email"]
    assert mail.outbox == []


def test_broken_mail_server_shows_nowhere_and_names_nobody(client, dora, monkeypatch, caplog):
    def refuse(*args, **kwargs):
        raise smtplib.SMTPRecipientsRefused({"dora@example.org": (550, b"no")})

    monkeypatch.setattr("django.core.mail.message.EmailMessage.send", refuse)
    with caplog.at_level(logging.INFO):
        assert asked_for_link(client, "dora@example.org")["Location"] == reverse("password_reset_done")

    assert "SMTPRecipientsRefused" in caplog.text
    assert "dora" not in caplog.text


def test_nobodys_mailbox_is_filled(client, dora, make_member):
    make_member("Ida", email="ida@example.org", password="ida-knows-it")
    for spelling in (
        "dora@example.org",
        "DORA@example.org",
        " dora@example.org",
        "dora@example.org",
        "Dora@Example.org",
    ):
        assert asked_for_link(client, spelling).status_code == 302
    assert len(mail.outbox) == 3

    asked_for_link(client, "ida@example.org")
    assert mail.outbox[-1].to == ["ida@example.org"]
    with later(61):
        asked_for_link(client, "dora@example.org")
    assert len(mail.outbox) == 5


def test_host_of_the_request_is_not_in_the_mail(client, dora, settings):
    settings.ALLOWED_HOSTS = ["*"]
    asked_for_link(client, "dora@example.org", HTTP_HOST="evil.example", HTTP_X_FORWARDED_HOST="evil.example")

    message = only_mail()
    assert "evil" not in message.body + message.alternatives[0].content
    assert "https://lab.example.org/password/" in message.body


# ---- the mail and the pages ------------------------------------------------------------------------------------------


def test_mail_comes_as_text_and_as_a_page(link):
    message = only_mail()
    (page,) = message.alternatives

    assert message.subject == "A new password for Fabomatic"
    assert "Hello Dora," in message.body
    assert page.mimetype == "text/html"
    assert f'<a href="https://lab.example.org{link}">' in page.content


def test_mail_speaks_the_members_language_whoever_asks(dora):
    dora.language = "it"
    dora.save()
    asked_for_link(Client(headers={"accept-language": "en"}), "dora@example.org")

    assert '<html lang="it">' in only_mail().alternatives[0].content


def test_name_is_no_markup(client, dora):
    dora.first_name = "<b>Dora & Co"
    dora.save()
    asked_for_link(client, "dora@example.org")

    assert "Hello <b>Dora & Co," in only_mail().body
    assert "Hello &lt;b&gt;Dora &amp; Co," in only_mail().alternatives[0].content


@pytest.mark.parametrize("path", ["/password/forgotten/", "/password/sent/", "/password/MQ/x-y/"])
def test_pages_are_there_in_italian(db, path):
    response = Client(headers={"accept-language": "it"}).get(path)

    assert response.status_code == 200
    assert '<html lang="it"' in response.content.decode()


def test_login_leads_to_it(client, db):
    assert 'href="/password/forgotten/"' in client.get("/admin/login/").content.decode()
