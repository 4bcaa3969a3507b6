"""The job behind the notices: a failure stops nobody and is tried again; with nothing to tell there is no line."""

import io
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.core.management import CommandError, call_command

from fabomatic.models import Notice, Run
from fabomatic.notices import sending
from fabomatic.notices.sending import send_notices
from members.models import Member
from tests.conftest import NOW
from tests.noticing import lab_with_mail, later, refused, server_away, told

__all__ = ["lab_with_mail", "refused", "server_away"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def ending(make_member):
    """Two members whose membership ends soon, first lina's."""
    return [
        make_member(name, email=f"{name.lower()}@example.org", valid_until=NOW.date() + timedelta(days=days))
        for days, name in enumerate(("Lina", "Mario"), start=2)
    ]


def run(*arguments, at=NOW):
    out = io.StringIO()
    with time_machine.travel(at, tick=False):
        call_command("send_notices", *arguments, stdout=out)
    return out.getvalue()


def lines():
    return list(Run.objects.filter(kind=Run.Kind.NOTICES).order_by("pk").values_list("is_ok", "text"))


# ---- failures --------------------------------------------------------------------------------------------------------


def test_who_is_refused_stops_nobody_and_is_counted_without_address(ending, refused):
    refused.add("lina@example.org")
    done = send_notices(NOW)
    assert [message.to for message in mail.outbox] == [["mario@example.org"]]
    assert (done.is_ok, done.text) == (False, "1 mail sent. 1 mail not sent. The mail server refuses the recipient.")


def test_who_was_refused_gets_it_at_the_next_run_and_nobody_else(ending, refused):
    refused.add("lina@example.org")
    told()
    refused.clear()
    assert [to for to, _subject in told(later(minutes=15))] == ["lina@example.org"]
    assert told(later(minutes=30)) == []


def test_after_twenty_attempts_it_is_given_up_and_said(ending, refused):
    refused.add("lina@example.org")
    Notice.objects.bulk_create(
        Notice(kind=Notice.Kind.MEMBERSHIP, member=member, about=member.valid_until.isoformat(), attempts=18)
        for member in ending[:1]
    )
    assert "given up" not in send_notices(NOW).text
    assert send_notices(NOW).text.endswith("1 of them is given up after 20 attempts.")
    assert send_notices(NOW).text == "Nothing to tell."
    assert Notice.objects.get(member=ending[0]).attempts == 20


def test_server_that_is_away_costs_no_attempt(ending, server_away):
    done = send_notices(NOW)
    assert (done.is_ok, done.text) == (False, "2 mails wait. The mail server does not answer.")
    assert not Notice.objects.exists()


def test_server_that_goes_away_between_two_mails(ending, monkeypatch):
    opened = []

    def open_once(self):
        if opened:
            raise ConnectionResetError
        opened.append(self)

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.open", open_once)
    assert send_notices(NOW).text == "1 mail sent. 1 mail waits. The mail server does not answer."


def test_no_mail_server_is_said_only_when_mails_wait(ending, settings):
    settings.MAIL_TRANSPORT = "django.core.mail.backends.console.EmailBackend"
    with pytest.raises(CommandError, match=r"2 mails wait. There is no mail server \(EMAIL_URL\)."):
        run()
    assert not Notice.objects.exists()
    assert mail.outbox == []
    Member.objects.update(valid_until=None)
    assert run() == "Nothing to tell.\n"


def test_thousands_are_told_some_at_a_time(ending, monkeypatch):
    monkeypatch.setattr(sending, "MOST_AT_ONCE", 1)
    done = send_notices(NOW)
    assert (done.is_ok, done.text) == (True, "1 mail sent. 1 more follows at the next run.")
    assert [to for to, _subject in told(later(minutes=15))] == ["mario@example.org"]


def test_unsent_notices_of_an_old_backup_are_not_mailed(ending):
    Notice.objects.create(kind=Notice.Kind.MEMBERSHIP, member=ending[0], about="2025-03-01")
    Notice.objects.create(kind=Notice.Kind.SILENCE, member=ending[0], about="7:1700000000")
    Member.objects.update(valid_until=None)
    assert told() == []


# ---- what is noted ---------------------------------------------------------------------------------------------------


def test_quiet_runs_leave_one_line_a_day(ada):
    for minutes in (0, 15, 30, 24 * 60 + 15):
        run(at=later(minutes=minutes))
    assert lines() == [(True, "Nothing to tell."), (True, "Nothing to tell.")]


def test_what_was_sent_is_noted(ending):
    run()
    run(at=later(minutes=15))
    assert lines() == [(True, "2 mails sent.")]


def test_first_quiet_run_after_a_failure_says_that_it_went_well(ending, refused):
    refused.add("lina@example.org")
    with pytest.raises(CommandError):
        run()
    Member.objects.update(valid_until=None)
    for minutes in (15, 30):
        run(at=later(minutes=minutes))
    assert [is_ok for is_ok, _text in lines()] == [False, True]


def test_quiet_hours_are_said(ending):
    assert run(at=later(hours=10)) == "Quiet hours: nothing is sent before 08:00.\n"


# ---- --dry-run -------------------------------------------------------------------------------------------------------


def test_dry_run_says_who_would_get_what_and_does_nothing(ending):
    Member.objects.filter(pk=ending[1].pk).update(language="it")
    said = run("--dry-run").splitlines()
    assert said[0] == "lina@example.org: Your membership ends on 12 Mar 2026"
    assert said[1].startswith("mario@example.org: ")
    assert said[2:] == ["2 mails would be sent."]
    assert (mail.outbox, Notice.objects.count(), lines()) == ([], 0, [])


def test_dry_run_in_quiet_hours_says_so(ending):
    assert run("--dry-run", at=later(hours=10)).endswith("Quiet hours: nothing is sent before 08:00.\n")


def test_dry_run_is_not_for_cron(ending, caplog):
    with pytest.raises(CommandError, match="for people"):
        run("--dry-run", "--scheduled")
    assert "lina" not in caplog.text
    assert lines() == []
