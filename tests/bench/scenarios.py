"""What is measured: each scenario gets a broker with a backend behind it and returns numbers by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from time import perf_counter, process_time

from tests.bench import queries
from tests.bench.admin import lists_of_the_admin
from tests.bench.bench import Bench, Numbers, Scenario
from tests.bench.boards import Script, ScriptOf
from tests.bench.lab import CROWD, Lab
from tests.bench.pages import page_of_a_thousand
from tests.bench.purge import purge_while_tapping
from tests.bench.queries import Query
from tests.bench.screens import tap_to_screens
from tests.bench.tally import percentile

_QUERIES_BACK_ONLINE = 11  # checkmachine, then five sessions of start and stop


def check_user_alone(bench: Bench) -> Numbers:
    taps = _one_board(bench, lambda machine_id: _taps(bench, machine_id))
    return {"checkuser_p50": percentile(taps, 50) * 1e3, "checkuser_p99": percentile(taps, 99) * 1e3}


def check_machine_alone(bench: Bench) -> Numbers:
    checks = _one_board(bench, lambda machine_id: _checks(bench, machine_id))
    return {"checkmachine_p50": percentile(checks, 50) * 1e3, "checkmachine_p99": percentile(checks, 99) * 1e3}


def check_user_many(bench: Bench) -> Numbers:
    rate = _rate(bench, lambda end: lambda machine_id: _taps_until(bench.lab, machine_id, end))
    return {"checkuser_rate": rate.a_second, "checkuser_cost": rate.cost, "load": rate.load}


def sessions_many(bench: Bench) -> Numbers:
    rate = _rate(bench, lambda end: lambda machine_id: _sessions_until(bench.lab, machine_id, end))
    stops = bench.tally.latencies.get("stopuse", [])
    return {
        "sessions_rate": rate.a_second,
        "sessions_cost": rate.cost,
        "stopuse_p99": percentile(stops, 99) * 1e3,
    }


def replays_while_others_tap(bench: Bench) -> Numbers:
    """The board that was offline is not among those that tap."""
    rounds = 3 if bench.is_quick else 10
    offline = bench.lab.spare_id
    with bench.swarm() as swarm:
        swarm.open([*bench.lab.machine_ids, offline])
        is_done: list[bool] = []

        def script_of(machine_id: int) -> Script:
            if machine_id != offline:
                return _taps_while(bench.lab, machine_id, is_done)
            return _replays(bench.lab, machine_id, 20 * rounds, is_done)

        begun = perf_counter()
        swarm.run(script_of, limit=60)
        elapsed = bench.tally.last_answer_at - begun
    latencies = bench.tally.latencies
    replays = latencies.get("startuse", []) + latencies.get("stopuse", [])
    return {
        "replays_p50": percentile(replays, 50) * 1e3,
        "replays_p99": percentile(replays, 99) * 1e3,
        "replays_taps_rate": len(latencies.get("checkuser", [])) / elapsed,
    }


def reconnect_crowd(bench: Bench) -> Numbers:
    tally = bench.tally
    with bench.swarm() as swarm:
        begun, spent = perf_counter(), bench.backend_cpu()
        swarm.open(bench.lab.all_ids[:CROWD], lambda machine_id: _back_online(bench.lab, machine_id))
        swarm.run(limit=60)
    answers = tally.all_latencies()
    never_in_time = CROWD * _QUERIES_BACK_ONLINE - tally.answered + tally.late
    return {
        "reconnect_unanswered": max(tally.unanswered, never_in_time),
        "reconnect_late": tally.late,
        "reconnect_p50": percentile(answers, 50) * 1e3,
        "reconnect_p99": percentile(answers, 99) * 1e3,
        "reconnect_max": percentile(answers, 100) * 1e3,
        "reconnect_seconds": tally.last_answer_at - begun,
        "reconnect_cpu": bench.backend_cpu() - spent,
    }


SCENARIOS = [
    Scenario("checkuser", check_user_alone),
    Scenario("checkuser50", check_user_many),
    Scenario("sessions50", sessions_many),
    Scenario("checkmachine", check_machine_alone),
    Scenario("replays", replays_while_others_tap),
    Scenario("screens", tap_to_screens, needs_web=True),
    Scenario("admin", lists_of_the_admin, needs_web=True),
    Scenario("purge", purge_while_tapping, needs_web=True),
    Scenario("reconnect", reconnect_crowd, needs_crowd=True),
    Scenario("page", page_of_a_thousand, needs_crowd=True, needs_web=True),
]


# ---- how it is measured ----------------------------------------------------------------------------------------------


def _one_board(bench: Bench, script_of: ScriptOf) -> list[float]:
    with bench.swarm() as swarm:
        swarm.open(bench.lab.machine_ids[:1])
        swarm.run(script_of, limit=60)
    warm_up = bench.samples // 4
    return bench.tally.all_latencies()[warm_up:]


@dataclass(frozen=True)
class Rate:
    a_second: float
    cost: float  # µs of processor that the backend takes for an answer
    load: float  # percent of a core that the boards take


def _rate(bench: Bench, scripts_until: Callable[[float], ScriptOf]) -> Rate:
    """All boards asking without a pause."""
    with bench.swarm() as swarm:
        swarm.open(bench.lab.machine_ids)
        swarm.run(scripts_until(perf_counter() + 0.5))
        bench.tally.forget_latencies()
        begun, load, cost = perf_counter(), process_time(), bench.backend_cpu()
        swarm.run(scripts_until(begun + bench.seconds))
        load, cost = process_time() - load, bench.backend_cpu() - cost
    elapsed = max(bench.tally.last_answer_at - begun, 1e-9)
    answered = bench.tally.answered
    return Rate(answered / elapsed, 1e6 * cost / max(answered, 1), 100 * load / elapsed)


# ---- what boards do --------------------------------------------------------------------------------------------------


def _taps(bench: Bench, machine_id: int) -> Script:
    asked = _all_cards(bench.lab, machine_id)
    for _ in range(bench.samples):
        yield next(asked)


def _checks(bench: Bench, machine_id: int) -> Script:
    for _ in range(bench.samples):
        yield queries.check_machine(machine_id)


def _taps_until(lab: Lab, machine_id: int, end: float) -> Script:
    asked = _all_cards(lab, machine_id)
    while perf_counter() < end:
        yield next(asked)


def _taps_while(lab: Lab, machine_id: int, is_done: list[bool]) -> Script:
    asked = _all_cards(lab, machine_id)
    while not is_done:
        yield next(asked)


def _all_cards(lab: Lab, machine_id: int) -> Iterator[Query]:
    """Made beforehand: what the load costs between two taps, the backend would be idle."""
    return cycle([queries.check_user(machine_id, uid) for uid in lab.cards(machine_id)])


def _sessions_until(lab: Lab, machine_id: int, end: float) -> Script:
    """Durations never repeat in a row: a stop that says the same again may be the same one."""
    cards = cycle(lab.cards(machine_id))
    seconds = 60
    while perf_counter() < end:
        uid = next(cards)
        yield queries.check_user(machine_id, uid)
        yield queries.start_use(machine_id, uid)
        yield queries.stop_use(machine_id, uid, seconds)
        seconds = seconds % 600 + 60


def _replays(lab: Lab, machine_id: int, sessions: int, is_done: list[bool]) -> Script:
    yield from _replayed_sessions(lab, machine_id, sessions)
    is_done.append(True)


def _back_online(lab: Lab, machine_id: int) -> Script:
    check = queries.check_machine(machine_id)
    yield check._replace(packet=queries.alive(machine_id) + check.packet)
    yield from _replayed_sessions(lab, machine_id, 5)


def _replayed_sessions(lab: Lab, machine_id: int, sessions: int) -> Script:
    cards = cycle(lab.cards(machine_id))
    for number in range(sessions):
        uid = next(cards)
        yield from _kept_until_answered(queries.start_use(machine_id, uid, replay=True))
        yield from _kept_until_answered(queries.stop_use(machine_id, uid, 60 + number * 7, replay=True))


def _kept_until_answered(query: Query) -> Script:
    """A board brings again what got no answer; recorded twice, it would show in the hours."""
    for _ in range(5):
        if (yield query):
            return
