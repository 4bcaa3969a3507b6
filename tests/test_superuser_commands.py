"""Django's own commands make superusers of ours, and give them passwords."""

from io import StringIO
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from members.models import Member

pytestmark = pytest.mark.django_db
ANSWERS = {"e-mail": "Grace@Example.org", "first name": "Grace", "last name": "Hopper"}


@pytest.fixture
def at_the_terminal(monkeypatch):
    """Somebody answers what is asked; the questions are in `asked`."""
    person = SimpleNamespace(asked=[], answers={**ANSWERS}, passwords=["nobody-knows-it"] * 2)

    def answer(question):
        person.asked.append(question)
        given = person.answers[question.strip(": ").lower()]
        return given if isinstance(given, str) else given.pop(0)

    monkeypatch.setattr("builtins.input", answer)
    monkeypatch.setattr("getpass.getpass", lambda prompt="": person.passwords.pop(0))
    person.said = StringIO()
    person.creates = lambda: call_command(
        "createsuperuser", stdin=SimpleNamespace(isatty=lambda: True), stdout=person.said, stderr=person.said
    )
    return person


def without_asking(**options):
    call_command("createsuperuser", interactive=False, stdout=StringIO(), **options)


def test_superuser_is_made_by_answering(at_the_terminal):
    at_the_terminal.creates()

    grace = Member.objects.get()
    assert (grace.email, str(grace), grace.is_superuser, grace.is_staff) == (
        "grace@example.org",
        "Grace Hopper",
        True,
        True,
    )
    assert grace.check_password("nobody-knows-it")


def test_last_name_may_stay_empty(at_the_terminal):
    at_the_terminal.answers["last name"] = ""
    at_the_terminal.creates()

    assert str(Member.objects.get()) == "Grace"


def test_taken_address_is_asked_for_again(at_the_terminal, dora):
    at_the_terminal.answers["e-mail"] = ["DORA@example.org", "no address", "grace@example.org"]
    at_the_terminal.creates()

    assert "already taken" in at_the_terminal.said.getvalue()
    assert Member.objects.filter(email="grace@example.org").exists()


def test_superuser_is_made_from_the_environment(monkeypatch):
    given = {"EMAIL": "Grace@Example.org", "FIRST_NAME": "Grace", "LAST_NAME": "Hopper", "PASSWORD": "nobody-knows-it"}
    for name, value in given.items():
        monkeypatch.setenv(f"DJANGO_SUPERUSER_{name}", value)
    without_asking()

    grace = Member.objects.get()
    assert (grace.email, grace.is_staff, grace.check_password("nobody-knows-it")) == ("grace@example.org", True, True)


def test_options_go_before_the_environment(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_EMAIL", "other@example.org")
    without_asking(email="grace@example.org", first_name="Grace", last_name="")

    grace = Member.objects.get()
    assert grace.email == "grace@example.org"
    assert not grace.has_usable_password()


@pytest.mark.parametrize("email", ["dora@example.org", "DORA@Example.org", " dora@example.org "])
def test_address_that_is_taken_in_another_case_is_refused(dora, email):
    with pytest.raises(CommandError):
        without_asking(email=email, first_name="Grace", last_name="")

    assert Member.objects.count() == 1


def test_without_an_address_nothing_is_made():
    with pytest.raises(CommandError, match="email"):
        without_asking()

    assert not Member.objects.exists()


def test_password_is_changed_by_address(at_the_terminal, dora):
    call_command("changepassword", "dora@example.org", stdout=StringIO())

    dora.refresh_from_db()
    assert dora.check_password("nobody-knows-it")
