"""The way to a first password."""

import smtplib
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone, translation

from members import forgotten, invitations
from members.invitations import CannotInvite, send_invitation
from members.mail import NoMailServer, link_of
from members.models import Member
from tests.doors import chosen, complaints_of, link_in, log_in, only_mail, opened
from tests.staff import backend_role

pytestmark = pytest.mark.django_db
FIRST = "what-nobody-guesses"


@pytest.fixture
def ida(make_member, settings):
    """New in the staff, and without a password."""
    settings.SITE_URL = "https://lab.example.org"
    return make_member("Ida", email="ida@example.org", role=backend_role("Desk", "view_machine"))


@pytest.fixture
def link(ida):
    send_invitation(ida)
    return link_in(only_mail())


def is_valid(path):
    return opened(Client(), path).context["validlink"]


def later(**span):
    return time_machine.travel(timezone.now() + timedelta(**span), tick=False)


def test_invited_staff_chooses_a_password_and_is_in(link):
    client = Client()
    assert chosen(client, link, FIRST)["Location"] == "/admin/"

    assert client.get("/admin/").status_code == 200
    assert log_in(Client(), "ida@example.org", FIRST).status_code == 302


def test_invited_member_of_no_staff_comes_to_the_machines(ada, settings):
    send_invitation(ada)

    assert chosen(Client(), link_in(only_mail()), FIRST)["Location"] == "/"


def test_mail_says_until_when(ida):
    with time_machine.travel("2026-03-10T12:00:00Z", tick=False):
        send_invitation(ida)

    message = only_mail()
    assert "until 17 Mar 2026, 13:00." in message.body
    assert "https://lab.example.org/invitation/" in message.body
    assert "https://lab.example.org/invitation/" in message.alternatives[0].content
    assert message.to == ["ida@example.org"]


def test_mail_speaks_the_language_of_who_is_invited(ida):
    ida.language = "it"
    with translation.override("en"), time_machine.travel("2026-03-10T12:00:00Z", tick=False):
        send_invitation(ida)

    assert "17 Mar 2026, 13:00" in only_mail().body
    assert '<html lang="it">' in only_mail().alternatives[0].content


def test_invitation_is_valid_for_a_week(link):
    with later(days=6, hours=23):
        assert is_valid(link)
    with later(days=7, minutes=1):
        assert not is_valid(link)


def test_invitation_works_once(link):
    chosen(Client(), link, FIRST)

    assert not is_valid(link)
    assert "This invitation was used already" in opened(Client(), link).content.decode()


@pytest.mark.parametrize(
    "change",
    [
        {"email": "other@example.org"},
        {"is_active": False, "deactivated_at": "2026-01-01T00:00Z"},
        {"password": "!another-unusable"},
        {"email": None},
    ],
)
def test_invitation_is_worth_nothing_after_a_change(link, ida, change):
    Member.objects.filter(pk=ida.pk).update(**change)

    assert not is_valid(link)


def test_change_between_page_and_form_counts_too(link, ida):
    client = Client()
    page = opened(client, link).request["PATH_INFO"]
    Member.objects.filter(pk=ida.pk).update(email="other@example.org")

    client.post(page, {"new_password1": FIRST, "new_password2": FIRST})

    assert not Member.objects.get(pk=ida.pk).has_usable_password()


def test_expired_invitation_is_followed_by_another(link, ida):
    with later(days=8):
        send_invitation(ida)
        assert is_valid(link_in(mail.outbox[-1]))


def test_invitation_and_reset_are_not_the_same_key(ida, dora):
    for view, token in (
        ("password_reset_confirm", invitations.tokens.make_token(ida)),
        ("invitation", forgotten.tokens.make_token(dora)),
    ):
        for member in (ida, dora):
            assert not is_valid(link_of(member, view, token).removeprefix("https://lab.example.org"))


def test_token_of_one_opens_no_door_to_another(link, ada):
    token = link.split("/")[3]

    assert not is_valid(link_of(ada, "invitation", token).removeprefix("https://lab.example.org"))


def test_token_does_not_stay_in_the_address(link):
    response = Client().get(link)

    assert response.status_code == 302
    assert link.split("/")[3] not in response["Location"]
    assert response["Referrer-Policy"] == "strict-origin"


def test_easy_password_is_refused_beside_its_field(link):
    assert complaints_of(chosen(Client(), link, "password")) == ["This password is too common."]


# ---- who cannot be invited -------------------------------------------------------------------------------------------


def refusal(member):
    with pytest.raises(CannotInvite) as refused:
        send_invitation(member)
    assert mail.outbox == []
    return str(refused.value)


def test_who_has_no_address_is_not_invited(carla):
    assert refusal(carla) == "Carla Scarpa has no e-mail address."


def test_who_is_disabled_is_not_invited(ida):
    ida.is_active = False
    assert refusal(ida) == "Ida is disabled."


def test_who_has_a_password_is_not_invited(dora):
    assert refusal(dora).startswith("Dora Maar has a password already")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ConnectionRefusedError(111, "refused"), "The mail server does not answer."),
        (TimeoutError(), "The mail server does not answer."),
        (NoMailServer(), "There is no mail server (EMAIL_URL)."),
        (smtplib.SMTPRecipientsRefused({"ida@example.org": (550, b"no")}), "The mail server refuses the recipient."),
        (smtplib.SMTPAuthenticationError(535, b"no"), "The mail server refuses user and password (EMAIL_URL)."),
        (ValueError("ida@example.org"), "The mail could not be sent (ValueError)."),
    ],
)
def test_mail_that_does_not_go_out_is_told(ida, monkeypatch, error, sentence):
    def refuse(*args, **kwargs):
        raise error

    monkeypatch.setattr("django.core.mail.message.EmailMessage.send", refuse)

    assert refusal(ida) == f"Ida was not invited. {sentence}"


def test_page_is_there_in_italian(link):
    response = Client(headers={"accept-language": "it"}).get(link, follow=True)

    assert response.status_code == 200
    assert '<html lang="it"' in response.content.decode()
