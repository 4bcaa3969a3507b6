"""An import is many short transactions: others write between them, and whatever stops it, whole rows are there."""

import itertools
import os
import stat
from pathlib import Path

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from members import pieces
from members.exchange import jobs, running
from members.exchange.member_import import MemberImport
from members.models import Card, Change, Member
from tests.importing import confirm, csv_of, preview, upload
from tests.other_writer import can_write, needs_a_file, somebody_else
from tests.staff import client_of, page

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = csv_of("First name;E-mail;Cards", *(f"Nina {n};n{n}@example.org;{n:08x}" for n in range(120)))


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.IMPORT_FOLDER = tmp_path / "imports"
    return settings.IMPORT_FOLDER


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Rows, not time, end a transaction here; nobody waits for others between two."""
    monkeypatch.setattr(pieces, "SECONDS_PER_PIECE", 1000)
    monkeypatch.setattr(running, "SECONDS_PER_REQUEST", 1000)
    monkeypatch.setattr(pieces, "PAUSE", 0)


@pytest.fixture
def boss(dora):
    return client_of(dora)


def ninas():
    return Member.objects.filter(first_name__startswith="Nina")


# ---- others write meanwhile ------------------------------------------------------------------------------------------


@needs_a_file
def test_others_write_between_the_transactions_of_an_import(boss, monkeypatch):
    monkeypatch.setattr(running, "ROWS_PER_TRANSACTION", 10)
    seen, found = preview(boss, Member, PEOPLE), []
    with somebody_else() as other:
        monkeypatch.setattr(running, "let_others_write", lambda: found.append((can_write(other), ninas().count())))
        confirm(boss, seen)
    assert {is_free for is_free, _count in found} == {True}
    written = [count for _free, count in found]
    assert len(written) > 12
    assert written[-1] == 120
    assert max(b - a for a, b in itertools.pairwise(written)) == 10


@needs_a_file
def test_others_write_while_a_file_is_previewed(boss, monkeypatch):
    found = []
    plan = MemberImport.plan
    with somebody_else() as other:
        monkeypatch.setattr(MemberImport, "plan", lambda self, row: found.append(can_write(other)) or plan(self, row))
        preview(boss, Member, PEOPLE)
    assert found == [True] * 120


def test_a_preview_writes_nothing(boss):
    page_before = boss.get(page(Member, "import"))
    assert page_before.status_code == 200
    with CaptureQueriesContext(
        connection,
    ) as queries:
        upload(boss, Member, PEOPLE)
    writes = [q["sql"] for q in queries if q["sql"].split()[0] in ("INSERT", "UPDATE", "DELETE", "BEGIN", "SAVEPOINT")]
    assert writes == []


def test_no_transaction_has_more_than_fifty_rows(boss, monkeypatch):
    counts = []
    monkeypatch.setattr(running, "let_others_write", lambda: counts.append(ninas().count()))
    confirm(boss, preview(boss, Member, PEOPLE))
    assert max(b - a for a, b in itertools.pairwise([0, *counts])) <= running.ROWS_PER_TRANSACTION == 50


def test_a_slow_computer_has_shorter_transactions(boss, monkeypatch):
    counts = []
    monkeypatch.setattr(pieces, "SECONDS_PER_PIECE", 0)
    monkeypatch.setattr(running, "let_others_write", lambda: counts.append(ninas().count()))
    confirm(boss, preview(boss, Member, PEOPLE))
    assert counts == list(range(1, 121))


# ---- what stops it ---------------------------------------------------------------------------------------------------


class PowerCut(BaseException):
    pass


def cut_power_at(monkeypatch, uid):
    create = Card.objects.create

    def create_or_die(**fields):
        if fields["uid"] == uid:
            raise PowerCut
        return create(**fields)

    monkeypatch.setattr(Card.objects, "create", create_or_die)


def test_after_a_kill_there_are_whole_rows_only_and_the_same_file_finishes_it(boss, monkeypatch):
    monkeypatch.setattr(running, "ROWS_PER_TRANSACTION", 10)
    seen = preview(boss, Member, PEOPLE)
    with monkeypatch.context() as dying:
        cut_power_at(dying, f"{73:08x}")
        with pytest.raises(PowerCut):
            confirm(boss, seen)
    assert ninas().count() == 70
    assert not ninas().filter(cards=None).exists()
    assert Change.objects.count() == 70
    confirm(boss, preview(boss, Member, PEOPLE))
    assert ninas().count() == Card.objects.filter(member__in=ninas()).count() == 120


def test_what_is_kept_of_a_stopped_import_goes_on_where_it_was(boss, monkeypatch):
    seen = preview(boss, Member, PEOPLE)
    with monkeypatch.context() as dying:
        cut_power_at(dying, f"{73:08x}")
        with pytest.raises(PowerCut):
            confirm(boss, seen)
    text = boss.get(seen.request["PATH_INFO"]).content.decode()
    assert "50 of 120 rows are done." in text
    assert "Done." in confirm(boss, seen).content.decode()
    assert ninas().count() == 120


def test_a_database_that_does_not_answer_is_said_with_how_far_it_came(boss, monkeypatch):
    seen = preview(boss, Member, PEOPLE)
    with monkeypatch.context() as busy:
        busy.setattr(
            Card.objects, "create", lambda **fields: (_ for _ in ()).throw(OperationalError("database is locked"))
        )
        text = confirm(boss, seen).content.decode()
    assert "It stopped: the database did not answer." in text
    assert "0 of 120 rows are done." in text


def test_a_long_import_goes_on_with_the_next_request(boss, monkeypatch):
    seen = preview(boss, Member, PEOPLE)
    monkeypatch.setattr(running, "SECONDS_PER_REQUEST", 0)
    job = seen.context["job"]
    running.run(job, MemberImport(Member.objects.get(pk=job.owner), job.heading))
    assert not job.progress().is_over
    monkeypatch.setattr(running, "SECONDS_PER_REQUEST", 1000)
    assert "Done." in confirm(boss, seen).content.decode()


def test_sent_twice_it_is_done_once(boss):
    seen = preview(boss, Member, PEOPLE)
    for _click in range(2):
        assert "120 rows were written." in confirm(boss, seen).content.decode()
    assert ninas().count() == 120
    assert Change.objects.count() == 120


def test_what_somebody_changed_after_the_preview_is_not_overwritten(boss, ada):
    seen = preview(boss, Member, csv_of("Cards;Notes", f"{ada.uid};from the file"))
    Member.objects.filter(pk=ada.pk).update(notes="from a colleague")
    text = confirm(boss, seen).content.decode()
    assert "Somebody changed this after the preview." in text
    ada.refresh_from_db()
    assert ada.notes == "from a colleague"


def test_a_right_that_was_taken_after_the_preview_counts(boss, dora):
    seen = preview(boss, Member, PEOPLE)
    Member.objects.filter(pk=dora.pk).update(is_superuser=False)
    dora.role.permissions.clear()
    assert confirm(boss, seen).status_code == 403
    assert not ninas().exists()


def test_an_import_inside_somebodys_transaction_still_writes_whole_rows(boss):
    with transaction.atomic():
        confirm(boss, preview(boss, Member, PEOPLE))
    assert ninas().count() == 120


# ---- the file between preview and confirm ----------------------------------------------------------------------------


def kept(folder):
    return list(Path(folder).iterdir())


def test_nobody_else_on_the_computer_reads_the_file(boss, folder):
    preview(boss, Member, PEOPLE)
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept(folder)} == {0o600}


def test_nobody_else_opens_the_preview(boss, make_member, roles):
    seen = preview(boss, Member, PEOPLE)
    other = make_member("Olga", role=roles.administrators, email="olga@example.org", is_superuser=True)
    assert client_of(other).get(seen.request["PATH_INFO"]).status_code == 302
    for path in ("1-../../etc/passwd", "x", f"{other.pk}-{'a' * 32}"):
        assert boss.get(f"{page(Member, 'import')}{path}/").status_code in (302, 404)


def test_the_names_in_it_are_gone_when_it_is_done(boss, folder):
    confirm(boss, preview(boss, Member, PEOPLE))
    assert not [path for path in kept(folder) if "Nina" in path.read_text() or "example.org" in path.read_text()]


def test_after_an_hour_it_is_gone_and_that_is_said(boss, folder):
    seen = preview(boss, Member, PEOPLE)
    for path in kept(folder):
        old = path.stat().st_mtime - jobs.KEPT_SECONDS - 1
        os.utime(path, (old, old))
    response = boss.get(seen.request["PATH_INFO"], follow=True)
    assert "This file is not kept any more." in response.content.decode()
    assert kept(folder) == []


def test_a_new_file_of_the_same_person_replaces_the_old_one(boss, folder):
    preview(boss, Member, PEOPLE)
    preview(boss, Member, PEOPLE)
    assert len(kept(folder)) == 1


def test_it_can_be_discarded(boss, folder):
    seen = preview(boss, Member, PEOPLE)
    boss.post(seen.request["PATH_INFO"], {"discard": ""})
    assert kept(folder) == []
    assert not ninas().exists()
