"""A purge is many short transactions: others write between them, and whatever stops it, it goes on where it was."""

import itertools
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from fabomatic.privacy import purge_history, purge_log, purge_rows, purging
from machines.models import Authorization, Use
from members import pieces
from members.models import Change, Member
from telemetry.models import Tap
from tests.conftest import NOW
from tests.other_writer import can_write, needs_a_file, somebody_else
from tests.purging import CUTOFF, SECOND, exact_things, names, purged, span, tap, use_ended

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Rows, not time, end a transaction here; nobody waits for others."""
    monkeypatch.setattr(pieces, "SECONDS_PER_PIECE", 1000)
    monkeypatch.setattr(pieces, "PAUSE", 0)
    monkeypatch.setattr(purge_rows, "PATIENCE", (0, 0))
    monkeypatch.setattr(purge_rows, "WINDOW", 7)


@pytest.fixture
def history(laser, ada):
    """Sixty uses and as many taps, all but ten of each too old; some keys are missing."""
    uses = [use_ended(laser, CUTOFF - SECOND * 1000 * number, member=ada, card_uid=ada.uid) for number in range(1, 56)]
    for number in range(10):
        use_ended(laser, NOW - timedelta(hours=number), member=ada, card_uid=ada.uid)
    for use in uses[10:15]:
        use.delete()
    taps = [tap(laser, CUTOFF - SECOND * number, ada) for number in range(1, 51)]
    taps += [tap(laser, NOW - SECOND * number, ada) for number in range(10)]


def left():
    """How many are yet to be done."""
    uses = Use.objects.filter(ended_at__lt=CUTOFF, member__isnull=False)
    return uses.count() + Tap.objects.filter(at__lt=CUTOFF, member__isnull=False).count()


def between_pieces(monkeypatch, step):
    monkeypatch.setattr(pieces, "let_others_write", step)


# ---- others write meanwhile ------------------------------------------------------------------------------------------


@needs_a_file
def test_others_write_between_the_pieces(history, monkeypatch):
    found = []
    with somebody_else() as other:
        between_pieces(monkeypatch, lambda: found.append(can_write(other)))
        purged()
    assert found
    assert set(found) == {True}


@needs_a_file
def test_others_write_while_old_rows_are_looked_for(history, monkeypatch):
    found = []
    keys = purge_rows.Old._keys

    def watched(self, watch):
        for part in keys(self, watch):
            found.append(can_write(other))
            yield part

    with somebody_else() as other:
        monkeypatch.setattr(purge_rows.Old, "_keys", watched)
        purged()
    assert len(found) > 20
    assert set(found) == {True}


def test_no_piece_has_more_rows_than_asked_for(history, monkeypatch):
    monkeypatch.setattr(purge_rows.Old, "most", 8)
    counts = []
    of_uses = purge_history.uses(span())
    of_uses.most = 8
    between_pieces(monkeypatch, lambda: counts.append(left()))
    of_uses.purge(lambda percent: None)
    steps = [before - after for before, after in itertools.pairwise([100, *counts])]
    assert steps[:4] == [1, 2, 4, 8]
    assert max(steps) == 8


def test_a_slow_computer_has_pieces_of_one(history, monkeypatch):
    monkeypatch.setattr(pieces, "SECONDS_PER_PIECE", 0)
    counts = []
    between_pieces(monkeypatch, lambda: counts.append(left()))
    purged()
    assert counts[:60] == [*range(99, 50, -1), *range(49, 38, -1)]


def test_nothing_is_read_in_a_transaction_but_what_is_written(history):
    with CaptureQueriesContext(connection) as queries:
        purged()
    verbs = [query["sql"].split()[0] for query in queries]
    inside = [verbs[at + 1] for at, verb in enumerate(verbs) if verb == "BEGIN"]
    assert inside
    assert set(inside) == {"UPDATE"}


def test_where_nothing_is_left_to_do_nothing_is_locked(history):
    purged()
    with CaptureQueriesContext(connection) as queries:
        assert purged() == {}
    assert {query["sql"].split()[0] for query in queries} == {"SELECT"}


def test_what_a_member_gave_others_loses_their_name_in_pieces_before_they_go(make_member, laser, monkeypatch):
    gone = make_member("Gone", is_active=False)
    Member.objects.filter(pk=gone.pk).update(created_at=CUTOFF - SECOND, deactivated_at=CUTOFF - SECOND)
    for number in range(20):
        Authorization.objects.create(member=make_member(f"Nina {number}"), machine=laser, granted_by=gone)
    counts = []
    between_pieces(monkeypatch, lambda: counts.append(Authorization.objects.filter(granted_by=gone).count()))
    assert purged() == {"members deleted": 1}
    assert counts[-4:] == [19, 17, 13, 5]


# ---- what stops it ---------------------------------------------------------------------------------------------------


class PowerCut(BaseException):
    pass


@pytest.mark.parametrize("pieces_done", [1, 3, 6, 9])
def test_killed_and_started_again_it_does_what_one_run_does(history, monkeypatch, pieces_done):
    before = exact_things()
    passed = iter(range(100))

    def die():
        if next(passed) == pieces_done:
            raise PowerCut

    with monkeypatch.context() as dying:
        between_pieces(dying, die)
        with pytest.raises(PowerCut):
            purged()
    assert 0 < left() < 100
    purged()
    assert left() == 0
    assert exact_things() == before
    assert [who for who in names() if who[1] is not None] == [
        *Use.objects.filter(ended_at__gte=CUTOFF).order_by("pk").values_list("pk", "member", "card_uid", "note"),
        *Tap.objects.filter(at__gte=CUTOFF).order_by("pk").values_list("pk", "member", "card", "uid"),
    ]
    assert purged() == {}


def test_what_changed_since_it_was_found_is_asked_again(history, monkeypatch):
    """The board brought more of a use that was taken for ended: it runs again."""
    found = purge_history.uses(span())
    use = Use.objects.filter(ended_at__lt=CUTOFF).order_by("pk").last()
    between_pieces(
        monkeypatch,
        lambda: Use.objects.filter(pk=use.pk).update(ended_at=None, duration=None, end_reason=""),
    )
    found.purge(lambda percent: None)
    use.refresh_from_db()
    assert use.member is not None


# ---- a database that is held -----------------------------------------------------------------------------------------


def busy_for(monkeypatch, times, model_word, *, every=1):
    """The first `times` updates of a table, or every second or third of them, meet somebody else's lock."""
    turns = itertools.count()
    write = purge_rows.Old.purge

    def locked(self, watch):
        if model_word in self.table.model.__name__ and self.write is not None:
            inner = self.write

            def refusing(rows):
                turn = next(turns)
                if turn < times and turn % every == 0:
                    raise OperationalError("database is locked")
                return inner(rows)

            self.write = refusing
        return write(self, watch)

    monkeypatch.setattr(purge_rows.Old, "purge", locked)
    monkeypatch.setattr(purge_rows, "is_busy", lambda error: "locked" in str(error))


def test_a_lock_is_waited_for(history, monkeypatch):
    busy_for(monkeypatch, 2, "Use")
    assert purged() == {"uses made anonymous": 50, "taps made anonymous": 50}
    assert left() == 0


def test_patience_is_new_after_each_piece_that_was_done(history, monkeypatch):
    busy_for(monkeypatch, 1000, "Use", every=2)
    assert purged()["uses made anonymous"] == 50


def test_one_kind_that_fails_keeps_no_other_from_being_done(history, monkeypatch, caplog):
    busy_for(monkeypatch, 1000, "Use")
    lines = []
    done = purging.purge(span(), teller=purging.Teller(say=lines.append))
    assert not done.is_ok
    assert done.text.startswith("Not done: uses made anonymous. Older than 2025-03-10: interventions made anonymous 0")
    assert lines[0] == "uses made anonymous: FAILED (OperationalError)"
    assert "taps made anonymous: 50" in lines
    assert left() == 50
    assert "OperationalError" in caplog.text


def test_a_bug_in_one_kind_is_told_without_its_words(history, monkeypatch):
    def broken(span):
        raise ValueError("Ada Lovelace")

    kinds = [purging.Kind("broken", broken), *purging.KINDS]
    monkeypatch.setattr(purging, "KINDS", kinds)
    done = purging.purge(span())
    assert not done.is_ok
    assert "Ada" not in done.text
    assert left() == 0


def test_a_change_in_the_log_is_done_in_pieces_too(dora, laser, monkeypatch):
    for _number in range(20):
        kind = purge_log.ContentType.objects.get_for_model(laser)
        Change.objects.create(at=CUTOFF - SECOND, member=dora, content_type=kind, object_repr="x", kind="changed")
    counts = []
    between_pieces(monkeypatch, lambda: counts.append(Change.objects.filter(member=None).count()))
    assert purged() == {"other changes made anonymous": 20}
    assert counts[:4] == [1, 3, 7, 15]
