"""Start and stop from afar: what stands in the way, what the board will say, and whether it obeyed."""

from datetime import timedelta

import pytest

from machines.access import Outcome
from machines.models import EndReason, Machine, MachineType, Use
from members.models import Card
from telemetry import remote
from telemetry.models import Board, Tap
from telemetry.remote import Asked, Kind, Obstacle, Result

pytestmark = pytest.mark.django_db
DORA = "d0a0d0a0"


# ---- what stands in the way ------------------------------------------------------------------------------------------


def test_a_card_that_is_lost_or_of_another_length_is_not_used(dora, ada):
    Card.objects.create(uid="0123456789abcd", member=dora)
    Card.objects.create(uid="abab0101", member=dora, is_lost=True)
    Card.objects.create(uid="abab0102", member=dora)
    assert [card.uid for card in remote.usable_cards(dora.pk)] == [DORA, "abab0102"]


@pytest.mark.parametrize(
    ("is_allowed", "has_card", "is_online", "what"),
    [
        (False, False, False, Obstacle.TYPE),
        (True, False, False, Obstacle.NO_CARD),
        (True, True, False, Obstacle.SILENT),
        (True, True, True, None),
    ],
)
def test_the_first_obstacle_is_the_one_that_lasts_longest(is_allowed, has_card, is_online, what):
    cards = [Card(uid=DORA)] if has_card else []
    assert remote.obstacle(MachineType(allow_remote_start=is_allowed), cards, is_online=is_online) is what


@pytest.mark.parametrize("kind", Obstacle)
def test_each_obstacle_has_a_sentence(kind):
    assert str(kind.sentence).endswith(".")


# ---- what the board will say -----------------------------------------------------------------------------------------


def test_who_may_use_the_machine_is_not_warned(laser, dora, ada, now):
    assert remote.warning(7, DORA, now) == ""
    assert remote.warning(7, ada.uid, now) == ""


def test_who_may_not_use_the_machine_reads_why(laser, hugo, bruno, now):
    assert remote.warning(7, hugo.uid, now) == str(Outcome.NOT_AUTHORIZED.sentence)
    assert remote.warning(7, bruno.uid, now) == str(Outcome.AUTHORIZATION_EXPIRED.sentence)


def test_a_contested_machine_warns(laser, dora, now):
    Board.objects.create(serial="51b0a2", conflict_machine=laser, conflict_since=now)
    assert remote.warning(7, DORA, now) == str(Outcome.BOARD_CONFLICT.sentence)


def test_a_block_stops_whoever_may_do_everything(laser, dora, now):
    Machine.objects.update(is_blocked=True)
    assert "stops everybody" in remote.warning(7, DORA, now)


def test_maintenance_that_is_due_stops_members_only(laser, dora, ada, make_plan, now):
    make_plan(laser, reading_at_last_work=0)
    Machine.objects.update(seconds_used=11 * 3600)
    assert "stops ordinary members" in remote.warning(7, ada.uid, now)
    assert remote.warning(7, DORA, now) == ""


# ---- what is asked ---------------------------------------------------------------------------------------------------


@pytest.fixture
def published(monkeypatch):
    sent = []
    monkeypatch.setattr(remote, "publish_once", lambda topic, payload: sent.append((topic, payload)))
    return sent


def test_the_request_is_what_the_board_reads(laser, published, now):
    remote.send(remote.prepare(7, Kind.START, DORA, now))
    assert published == [("machine/7/request", b'{"request_type":"start","uid":"d0a0d0a0"}')]


def test_the_labs_own_topics_are_used(laser, published, settings, now):
    settings.MQTT_TOPIC, settings.MQTT_REQUEST_SUBTOPIC = "lab/boards", "/please"
    remote.send(remote.prepare(7, Kind.STOP, DORA, now))
    assert published == [("lab/boards/7/please", b'{"request_type":"stop","uid":"d0a0d0a0"}')]


@pytest.fixture
def ask(laser, now):
    """Asks the laser's board; who runs then is noted."""
    return lambda kind: remote.prepare(7, kind, DORA, now)


def test_what_was_asked_survives_the_session(ask, now):
    asked = ask(Kind.START)
    assert Asked.from_session(asked.to_session(), 7, now) == asked


@pytest.mark.parametrize("kept", [None, "rubbish", {}, {"kind": "start"}, {"kind": "explode", "at": "now"}, []])
def test_rubbish_in_the_session_is_nothing_asked(kept, now):
    assert Asked.from_session(kept, 7, now) is None


def test_what_was_asked_of_another_machine_or_long_ago_is_not_shown(ask, now):
    kept = ask(Kind.START).to_session()
    assert Asked.from_session(kept, 8, now) is None
    assert Asked.from_session(kept, 7, now + timedelta(minutes=9)) is not None
    assert Asked.from_session(kept, 7, now + timedelta(minutes=10)) is None


# ---- did the board obey? ---------------------------------------------------------------------------------------------


@pytest.fixture
def echo(laser, now):
    """What the page says so many seconds after it was asked."""

    def read(asked, after=3.0):
        uses = Use.objects.filter(machine=laser).order_by("-pk")
        return remote.echo(asked, uses, remote.taps_since(asked), now + timedelta(seconds=after))

    return read


@pytest.fixture
def begin(laser, now):
    """`began` seconds after NOW."""
    return lambda uid=DORA, began=1: Use.objects.create(
        machine=laser, card_uid=uid, started_at=now + timedelta(seconds=began)
    )


def end(use, reason=EndReason.STOP):
    use.ended_at, use.end_reason = use.started_at + timedelta(minutes=5), reason
    use.save()
    return use.ended_at


def tap(laser, now, outcome=Outcome.GRANTED, uid=DORA, **fields):
    return Tap.objects.create(machine=laser, uid=uid, at=now + timedelta(seconds=1), outcome=outcome.value, **fields)


@pytest.mark.parametrize("kind", Kind)
def test_it_waits_ten_seconds_and_then_says_that_nobody_answered(ask, echo, begin, kind):
    begin(began=-60)
    asked = ask(kind)
    assert [echo(asked, after).result for after in (0, 9.9, 10, 300)] == [Result.WAITING] * 2 + [Result.NOT_OBEYED] * 2


def test_a_use_of_that_card_that_began_since_is_a_start(ask, echo, begin, now):
    asked = ask(Kind.START)
    begin(began=4)
    heard = echo(asked)
    assert (heard.result, heard.at) == (Result.STARTED, now + timedelta(seconds=4))


def test_a_start_that_came_late_is_a_start(ask, echo, begin):
    asked = ask(Kind.START)
    begin(began=20)
    assert echo(asked, after=30).result is Result.STARTED


def test_a_start_is_one_by_the_clock_of_another_computer_too(ask, echo, begin):
    asked = ask(Kind.START)
    begin(began=-40)
    assert echo(asked).result is Result.STARTED


def test_a_use_that_is_over_already_had_begun(ask, echo, begin):
    asked = ask(Kind.START)
    end(begin())
    assert echo(asked).result is Result.STARTED


@pytest.mark.parametrize(("uid", "before"), [(DORA, True), ("0a1b2c3d", False)])
def test_an_older_use_or_another_card_is_no_start(ask, echo, begin, uid, before):
    if before:
        begin(uid, began=-60)
    asked = ask(Kind.START)
    if not before:
        begin(uid)
    assert echo(asked).result is Result.WAITING


def test_a_start_that_ends_the_use_of_somebody_else_waits_for_its_own(ask, echo, begin):
    running = begin("0a1b2c3d", began=-60)
    asked = ask(Kind.START)
    end(running)
    assert echo(asked).result is Result.WAITING


def test_a_refused_card_is_told_with_the_reason(ask, echo, laser, now):
    asked = ask(Kind.START)
    tap(laser, now, Outcome.NOT_AUTHORIZED)
    heard = echo(asked)
    assert (heard.result, heard.reason) == (Result.REFUSED, str(Outcome.NOT_AUTHORIZED.sentence))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"is_machine_blocked": True, "level": 3}, "stops everybody"),
        ({"is_maintenance_due": True, "level": 1}, "stops ordinary members"),
    ],
)
def test_what_the_board_adds_is_a_refusal_too(ask, echo, laser, now, fields, words):
    asked = ask(Kind.START)
    tap(laser, now, **fields)
    heard = echo(asked, after=60)
    assert heard.result is Result.REFUSED
    assert words in heard.reason


@pytest.mark.parametrize(
    ("outcome", "fields"),
    [
        (Outcome.GRANTED, {"level": 1}),
        (Outcome.GRANTED, {"is_maintenance_due": True, "level": 2}),
        (Outcome.UNANSWERED, {}),
    ],
)
def test_a_tap_that_is_no_refusal_is_waited_after(ask, echo, laser, now, outcome, fields):
    asked = ask(Kind.START)
    tap(laser, now, outcome, **fields)
    assert echo(asked).result is Result.WAITING


def test_taps_from_before_and_of_others_say_nothing(ask, echo, laser, printer, now):
    tap(laser, now, Outcome.LOST_CARD)
    asked = ask(Kind.START)
    tap(laser, now, Outcome.UNKNOWN_CARD, uid="deadbeef")
    tap(printer, now, Outcome.MACHINE_BLOCKED)
    assert echo(asked).result is Result.WAITING


def test_a_stop_is_the_end_of_the_use_that_ran(ask, echo, begin):
    running = begin("0a1b2c3d", began=-60)
    asked = ask(Kind.STOP)
    ended_at = end(running)
    heard = echo(asked)
    assert (heard.result, heard.at) == (Result.STOPPED, ended_at)


@pytest.mark.parametrize("reason", [EndReason.STAFF, EndReason.SUPERSEDED, EndReason.LOST])
def test_a_use_that_the_board_did_not_end_is_no_stop(ask, echo, begin, reason):
    running = begin(began=-60)
    asked = ask(Kind.STOP)
    end(running, reason)
    assert echo(asked).result is Result.WAITING


def test_where_nothing_ran_nobody_can_tell(ask, echo):
    assert echo(ask(Kind.STOP)).result is Result.NOTHING_RAN
