"""Who gets the weekly summary: staff who asked, each once, whatever becomes of the mails of others."""

import smtplib
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.core.management import CommandError, call_command

from fabomatic.models import Notice, Run
from fabomatic.summary.figures import figures_of
from fabomatic.summary.sending import send
from fabomatic.summary.week import last_week
from members.models import Member
from tests.conftest import NOW
from tests.staff import backend_role

pytestmark = pytest.mark.django_db
REFUSED = "The mail server refuses the recipient."


class Picky(EmailBackend):
    """Refuses these addresses, and after `dies_after` mails the process dies."""

    refused: tuple[str, ...] = ()
    dies_after: int | None = None

    def send_messages(self, messages):
        if set(messages[0].to) & set(Picky.refused):
            raise smtplib.SMTPRecipientsRefused({messages[0].to[0]: (550, b"unknown")})
        if Picky.dies_after is not None and len(mail.outbox) >= Picky.dies_after:
            raise SystemExit(137)
        return super().send_messages(messages)


@pytest.fixture(autouse=True)
def mail_server(settings, monkeypatch):
    settings.EMAIL_BACKEND = "fabomatic.mail.NotingBackend"
    settings.MAIL_TRANSPORT = f"{__name__}.Picky"
    monkeypatch.setattr(Picky, "refused", ())
    monkeypatch.setattr(Picky, "dies_after", None)


@pytest.fixture(autouse=True)
def clock():
    """Tuesday: the week that is over is 2026-W10."""
    with time_machine.travel(NOW, tick=False) as travelled:
        yield travelled


@pytest.fixture
def desk(db):
    return backend_role("Desk", "view_use", "view_machine")


@pytest.fixture
def rita(make_member, desk):
    return make_member("Rita", email="rita@example.org", role=desk, wants_weekly_summary=True)


@pytest.fixture
def sara(make_member, desk):
    return make_member("Sara", email="sara@example.org", role=desk, wants_weekly_summary=True, language="it")


def run(*options: str) -> str:
    output = StringIO()
    call_command("send_weekly_summary", *options, stdout=output)
    return output.getvalue().strip()


def failed(*options: str) -> str:
    with pytest.raises(CommandError) as failure:
        run(*options)
    return str(failure.value)


def told() -> list[str]:
    return [message.to[0] for message in mail.outbox]


def last_run() -> tuple[str, bool]:
    run = Run.objects.filter(kind=Run.Kind.SUMMARY).first()
    return run.text, run.is_ok


# ---- to whom ---------------------------------------------------------------------------------------------------------


def test_staff_who_asked_gets_it_each_in_their_language(rita, sara):
    assert run() == "2 sent."
    assert told() == ["rita@example.org", "sara@example.org"]
    english, italian = mail.outbox
    assert (english.subject, italian.subject) == ("Fabomatic: 2–8 March 2026", "Fabomatic: 2–8 Marzo 2026")
    assert english.body.startswith("Hello Rita,")
    assert italian.body.startswith("Ciao Sara,")
    assert last_run() == ("2 sent.", True)


def test_who_has_no_language_reads_the_labs(rita, settings):
    settings.LANGUAGE_CODE = "it"
    run()
    assert mail.outbox[0].body.startswith("Ciao Rita,")


def test_nobody_else_gets_it(rita, make_member, desk, roles):
    wanting = {"wants_weekly_summary": True}
    make_member("Not Asked", email="a@example.org", role=desk)
    make_member("Disabled", email="b@example.org", role=desk, is_active=False, **wanting)
    make_member("No Mail", role=desk, **wanting)
    make_member("No Administration", email="c@example.org", role=roles.staff, **wanting)
    run()
    assert told() == ["rita@example.org"]


def test_nobody_asked_is_fine(desk, make_member, settings):
    settings.MAIL_TRANSPORT = "django.core.mail.backends.console.EmailBackend"
    make_member("Not Asked", email="a@example.org", role=desk)
    assert run() == "Nobody has asked for the weekly summary."


# ---- once ------------------------------------------------------------------------------------------------------------


def test_each_gets_a_week_once_and_the_next_week_the_next(rita, clock):
    run()
    clock.move_to(NOW + timedelta(days=5, hours=10))
    assert run() == "Everybody who asked has the summary of 2026-W10 already."
    assert len(mail.outbox) == 1
    clock.move_to(NOW + timedelta(days=6))
    run()
    assert [message.subject for message in mail.outbox] == ["Fabomatic: 2–8 March 2026", "Fabomatic: 9–15 March 2026"]


def test_a_refused_mail_stops_no_other_and_is_tried_again(rita, sara, dora, monkeypatch):
    dora.wants_weekly_summary = True
    dora.save()
    monkeypatch.setattr(Picky, "refused", ("sara@example.org",))
    assert failed() == f"2 sent, 1 not sent: {REFUSED}"
    assert last_run() == (f"2 sent, 1 not sent: {REFUSED}", False)
    assert set(told()) == {"rita@example.org", "dora@example.org"}
    notice = Notice.objects.get(member=sara)
    assert (notice.sent_at, notice.attempts, notice.trouble) == (None, 1, REFUSED)

    monkeypatch.setattr(Picky, "refused", ())
    assert run() == "1 sent."
    assert told()[2:] == ["sara@example.org"]
    notice.refresh_from_db()
    assert (notice.sent_at, notice.attempts, notice.trouble) == (NOW, 2, "")


def test_a_week_that_could_not_be_sent_is_given_up_with_the_next(rita, clock, monkeypatch):
    monkeypatch.setattr(Picky, "refused", ("rita@example.org",))
    failed()
    monkeypatch.setattr(Picky, "refused", ())
    clock.move_to(NOW + timedelta(days=7))
    run()
    run()
    assert [message.subject for message in mail.outbox] == ["Fabomatic: 9–15 March 2026"]


def test_a_crash_between_two_mails_loses_none_and_doubles_none(rita, sara, monkeypatch):
    monkeypatch.setattr(Picky, "dies_after", 1)
    with pytest.raises(SystemExit):
        run()
    monkeypatch.setattr(Picky, "dies_after", None)
    run()
    assert told() == ["rita@example.org", "sara@example.org"]


def test_addresses_stand_in_no_log(rita, sara, monkeypatch, caplog):
    monkeypatch.setattr(Picky, "refused", ("sara@example.org",))
    with caplog.at_level("DEBUG"):
        failed("--scheduled")
    assert "1 not sent" in caplog.text
    assert not [name for name in ("example.org", "Rita", "Sara") if name in caplog.text]
    assert not [run for run in Run.objects.all() if "example.org" in run.text]


def test_a_mail_costs_few_queries(make_member, desk, django_assert_max_num_queries):
    for number in range(10):
        make_member("Rita", email=f"rita{number}@example.org", role=desk, wants_weekly_summary=True)
    with django_assert_max_num_queries(35 + 10 * 15):
        assert run() == "10 sent."


# ---- without a mail server -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["console", "dummy"])
def test_without_a_mail_server_it_waits_and_says_so(rita, sara, settings, transport, capsys):
    settings.MAIL_TRANSPORT = f"django.core.mail.backends.{transport}.EmailBackend"
    sentence = "There is no mail server (EMAIL_URL): 2 people wait for the summary of 2026-W10."
    assert failed() == sentence
    assert last_run() == (sentence, False)
    assert not Notice.objects.filter(sent_at__isnull=False).exists()
    assert "Rita" not in capsys.readouterr().out

    settings.MAIL_TRANSPORT = f"{__name__}.Picky"
    assert run() == "2 sent."


# ---- options ---------------------------------------------------------------------------------------------------------


def test_a_dry_run_prints_the_mails_and_leaves_everything_as_it_is(rita, sara, settings, caplog):
    settings.MAIL_TRANSPORT = "django.core.mail.backends.console.EmailBackend"
    printed = run("--dry-run")
    assert printed.startswith("To: rita@example.org\nFabomatic: 2–8 March 2026\n\nHello Rita,")
    assert "Ciao Sara," in printed
    assert printed.endswith("2 mails would be sent.")
    assert (mail.outbox, Notice.objects.count(), Run.objects.count(), caplog.text) == ([], 0, 0, "")


def test_a_dry_run_belongs_into_no_log(rita, caplog):
    assert "--dry-run is for people" in failed("--dry-run", "--scheduled")
    assert "Rita" not in caplog.text


def test_one_person_can_be_sent_it_again(rita, sara):
    run()
    assert run("--to", " Rita@Example.org ") == "1 sent."
    assert told() == ["rita@example.org", "sara@example.org", "rita@example.org"]
    assert Notice.objects.count() == 2


def test_one_person_need_not_have_asked(rita, dora):
    assert run("--to", "dora@example.org") == "1 sent."
    assert told() == ["dora@example.org"]
    assert "because you asked" not in mail.outbox[0].body
    assert run() == "1 sent."
    assert told() == ["dora@example.org", "rita@example.org"]


def test_who_was_sent_it_before_has_it_whatever_becomes_of_another_time(rita, monkeypatch):
    run()
    monkeypatch.setattr(Picky, "refused", ("rita@example.org",))
    assert REFUSED in failed("--to", "rita@example.org")
    monkeypatch.setattr(Picky, "refused", ())
    assert "already" in run()


@pytest.mark.parametrize("address", ["ada@example.org", "gone@example.org", "nobody@example.org", "", "rita", "None"])
def test_only_active_staff_can_be_sent_it(rita, ada, carla, make_member, desk, address):
    make_member("Gone", email="gone@example.org", role=desk, is_active=False)
    sentence = "Nobody with this address is active and enters the administration."
    assert failed("--to", address) == sentence
    assert mail.outbox == []
    assert last_run() == (sentence, False)


def test_another_week_can_be_asked_for(rita):
    run()
    assert run("--week", "2026-W09") == "1 sent."
    assert mail.outbox[1].subject == "Fabomatic: 23 February – 1 March 2026"
    assert "already" in run("--week", "2026-W09")


@pytest.mark.parametrize("week", ["2026-W11", "2026-W12", "2026-W54", "soon", ""])
def test_weeks_that_are_none_or_not_over_are_refused(rita, week):
    assert "week" in failed("--week", week)
    assert mail.outbox == []


@pytest.mark.django_db(transaction=True)
def test_who_is_deleted_meanwhile_stops_nobody(rita, sara):
    figures = figures_of(last_week(NOW), NOW)
    readers = [rita, sara]
    Member.objects.get(pk=rita.pk).delete()
    assert send(figures, readers, NOW).text == "1 sent."
    assert told() == ["sara@example.org"]
