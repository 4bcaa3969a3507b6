"""Long work is done in short transactions, as large as this computer manages in the time that others can wait."""

from types import SimpleNamespace

import pytest
from django.db import connection
from django.db.models import F, Value
from django.db.models.functions import Concat

from members import pieces
from members.models import Role
from members.pieces import SECONDS_PER_PIECE, Pace, in_pieces

pytestmark = pytest.mark.django_db(transaction=True)


class Heap:
    """So many rows to do, each of which takes its time."""

    def __init__(self, rows, seconds=0.0):
        self.rows, self.seconds, self.now = rows, seconds, 0.0
        self.asked = []

    def work(self, wanted):
        assert connection.in_atomic_block
        self.asked.append(wanted)
        done = min(wanted, self.rows)
        self.rows -= done
        self.now += done * self.seconds
        return done


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """That of this module alone; it also knows the pauses."""
    stands = SimpleNamespace(monotonic=lambda: 0.0, pauses=[])
    stands.sleep = stands.pauses.append
    monkeypatch.setattr(pieces, "time", stands)
    return stands


def do(heap, clock, **options):
    clock.monotonic = lambda: heap.now
    return list(in_pieces(heap.work, **options))


# ---- pace ------------------------------------------------------------------------------------------------------------


def test_quick_computer_is_given_more_and_more_up_to_a_limit(clock):
    heap = Heap(1000)
    assert sum(do(heap, clock, most=100)) == 1000
    assert heap.asked[:9] == [1, 2, 4, 8, 16, 32, 64, 100, 100]
    assert max(heap.asked) == 100


def test_slow_computer_is_given_as_much_as_it_manages(clock):
    heap = Heap(200, seconds=0.004)
    do(heap, clock)
    assert heap.asked[-1] in (8, 16)
    assert max(heap.asked) * heap.seconds <= 2 * SECONDS_PER_PIECE


def test_slowest_computer_does_one_after_the_other(clock):
    heap = Heap(5, seconds=1.0)
    assert do(heap, clock) == [1, 1, 1, 1, 1, 0]


def test_computer_that_gets_busy_is_given_less():
    pace = Pace(most=1000, rows=64)
    for seconds, rows in ((0.06, 32), (0.04, 32), (0.06, 16), (0.01, 32), (2.0, 16)):
        pace.follow(seconds)
        assert pace.rows == rows


# ---- the end ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 7, 15, 100])
def test_everything_is_done_whatever_the_last_piece_holds(clock, rows):
    """1, 3, 7 and 15 rows fill their last piece exactly."""
    heap = Heap(rows)
    assert sum(do(heap, clock)) == rows
    assert heap.rows == 0
    assert heap.asked[-1] > 0


def test_others_may_write_between_two_pieces_but_nobody_waits_after_the_last(clock):
    heap = Heap(7)
    do(heap, clock)
    between = len(heap.asked) - 1
    assert len(clock.pauses) == (between if connection.vendor == "sqlite" else 0)


# ---- told to stop ----------------------------------------------------------------------------------------------------


def rename(wanted):
    roles = Role.objects.filter(name__startswith="old").order_by("pk").values_list("pk", flat=True)[:wanted]
    return Role.objects.filter(pk__in=list(roles)).update(name=Concat(Value("new "), F("name")))


@pytest.fixture
def ten_roles():
    Role.objects.bulk_create(Role(name=f"old {number}") for number in range(10))


def renamed():
    return Role.objects.filter(name__startswith="new").count()


def test_work_that_is_stopped_keeps_what_it_did_and_goes_on_there(ten_roles):
    stopped = in_pieces(rename)
    assert [next(stopped), next(stopped)] == [1, 2]
    stopped.close()
    assert renamed() == 3
    assert sum(in_pieces(rename)) == 7
    assert renamed() == 10


def test_piece_that_fails_undoes_itself_alone(ten_roles):
    def stumble(wanted):
        done = rename(wanted)
        if wanted == 4:
            raise ZeroDivisionError
        return done

    with pytest.raises(ZeroDivisionError):
        list(in_pieces(stumble))
    assert renamed() == 3


def test_each_piece_is_a_transaction_of_its_own(ten_roles):
    for _done in in_pieces(rename):
        assert not connection.in_atomic_block
