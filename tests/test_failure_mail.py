"""Who is to know that a job failed is told once a day, without anything personal."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import OperationalError

from fabomatic.housekeeping import failures
from fabomatic.housekeeping.command import Done
from fabomatic.models import Run
from tests.conftest import NOW
from tests.test_checks import load
from tests.test_housekeeping_jobs import Trial, stumble

__all__ = ["load"]

pytestmark = pytest.mark.django_db
SUBJECT = "Fabomatic: test_housekeeping_jobs failed"
BROKEN = Done("2 of 3 done.", is_ok=False)


@pytest.fixture(autouse=True)
def clock(settings, ada):
    settings.FAILURE_MAIL_TO = ["desk@example.org", "it@example.org"]
    settings.SITE_URL = "https://lab.example.org"
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def run(work, *arguments):
    """As cron starts it; how many mails that makes."""
    before = len(mail.outbox)
    with suppress(CommandError):
        call_command(Trial(work), *(arguments or ["--scheduled"]))
    return len(mail.outbox) - before


def test_failure_is_told():
    assert run(BROKEN) == 1
    (message,) = mail.outbox
    assert (message.subject, message.to) == (SUBJECT, ["desk@example.org", "it@example.org"])
    assert "2 of 3 done." in message.body
    assert "https://lab.example.org/admin/system/" in message.body


def test_what_went_well_is_not_told():
    assert run(Done("fine")) == 0


def test_it_is_told_once_a_day_not_at_each_run(clock):
    assert [run(BROKEN), run(BROKEN)] == [1, 0]
    clock.shift(timedelta(days=1))
    assert [run(BROKEN), run(BROKEN)] == [1, 0]


def test_it_is_told_again_on_the_same_day_after_it_went_well():
    assert [run(BROKEN), run(Done("fine")), run(BROKEN)] == [1, 0, 1]


def test_it_is_told_again_after_a_quiet_run_that_went_well():
    assert [run(BROKEN), run(Done("nothing", is_news=False)), run(BROKEN)] == [1, 0, 1]


def test_day_is_the_labs(clock):
    clock.move_to(NOW + timedelta(hours=10, minutes=50))
    assert run(BROKEN) == 1
    clock.shift(timedelta(minutes=20))  # past midnight in Rome, not in Greenwich
    assert run(BROKEN) == 1


def test_other_jobs_failures_are_another_trouble(monkeypatch):
    assert run(BROKEN) == 1
    monkeypatch.setattr(Trial, "name", "another")
    assert run(BROKEN) == 1


def test_person_who_starts_it_sees_it_and_needs_no_mail():
    assert run(BROKEN, "--skip-checks") == 0


def test_nobody_is_told_where_nobody_wants_to(settings):
    settings.FAILURE_MAIL_TO = []
    assert run(BROKEN) == 0


def test_words_of_an_error_are_not_told():
    assert run(stumble) == 1
    assert "ZeroDivisionError" in mail.outbox[0].body
    assert "ada" not in mail.outbox[0].body


def refuse(self, messages):
    raise ConnectionRefusedError("desk@example.org")


def test_what_a_mail_server_refused_is_told_at_the_next_failure_of_the_day(monkeypatch):
    with monkeypatch.context() as away:
        away.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
        assert run(BROKEN) == 0
    assert [run(BROKEN), run(BROKEN)] == [1, 0]


def test_whoever_tried_it_by_hand_has_told_nobody():
    assert [run(BROKEN, "--skip-checks"), run(BROKEN)] == [0, 1]


def test_it_is_told_once_a_day_also_where_that_cannot_be_marked(monkeypatch):
    monkeypatch.setattr(failures, "_mark", lambda name: Path("/proc/self/no-such-folder") / name)
    assert [run(BROKEN), run(BROKEN)] == [1, 0]


def test_broken_mail_server_breaks_nothing(monkeypatch, caplog):
    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
    with pytest.raises(CommandError, match=r"2 of 3 done\."):
        call_command(Trial(BROKEN), "--scheduled")
    assert "could not be told by mail: ConnectionRefusedError" in caplog.text
    assert "desk@" not in caplog.text
    assert Run.objects.filter(kind=Run.Kind.HOURS, is_ok=False).exists()


def test_failure_that_could_not_even_be_noted_is_told_once_a_day(monkeypatch, clock):
    def locked(*args, **kwargs):
        raise OperationalError("no such table")

    monkeypatch.setattr("fabomatic.housekeeping.command.note_run", locked)
    assert [run(BROKEN), run(BROKEN)] == [1, 0]
    clock.shift(timedelta(days=1))
    assert run(BROKEN) == 1


def test_missing_database_is_told_and_nothing_connects_to_note_that(monkeypatch, settings, django_assert_num_queries):
    """Whoever connects makes an empty one."""
    settings.EMAIL_BACKEND = "fabomatic.mail.NotingBackend"
    settings.MAIL_TRANSPORT = "django.core.mail.backends.locmem.EmailBackend"
    for module in ("fabomatic.mail", "fabomatic.housekeeping.command", "fabomatic.housekeeping.own_database"):
        monkeypatch.setattr(f"{module}.is_missing", lambda: True)
    with django_assert_num_queries(0):
        assert [run(Done("never done")), run(Done("never done"))] == [1, 0]
    assert "There is no database" in mail.outbox[0].body


def test_it_is_told_where_not_even_that_can_be_marked(settings, tmp_path):
    settings.LOCK_FOLDER = tmp_path / "nowhere"
    failures.tell("backup", "The disk is full.", None)
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("given", ["root", "ada@", "Ada <ada@example.org>", "desk@example.org,it", "a@b c@d"])
def test_entry_that_is_no_address_is_a_problem_of_the_settings(load, given):
    (problem,) = load(FAILURE_MAIL_TO=given)["SETTINGS_PROBLEMS"]
    assert (problem.name, bool(problem.hint)) == ("FAILURE_MAIL_TO", True)


def test_addresses_that_are_some_are_kept(load):
    loaded = load(FAILURE_MAIL_TO="desk@example.org, root@localhost,")
    assert loaded["FAILURE_MAIL_TO"] == ["desk@example.org", "root@localhost"]
    assert load(FAILURE_MAIL_TO="desk@example.org,it")["FAILURE_MAIL_TO"] == ["desk@example.org"]
