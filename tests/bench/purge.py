"""The purge on the history of this run, two thirds of which are too old, while boards go on asking."""

from __future__ import annotations

import json
import tempfile
from itertools import cycle
from pathlib import Path
from time import perf_counter
from typing import Any

from tests.bench import queries
from tests.bench.bench import Bench, Numbers
from tests.bench.boards import Script, Swarm
from tests.bench.child import Child, python
from tests.bench.tally import percentile

_BOARDS = 5
_BREATH = 0.05  # between two rounds of the boards
_NEVER_LONGER = 1800.0


def purge_while_tapping(bench: Bench) -> Numbers:
    webs = bench.webs
    assert webs is not None
    webs.run(webs.database, "-m", "tests.bench.office", "fill")
    days = str(webs.run(webs.database, "-m", "tests.bench.purging", "age")["days"])
    with bench.swarm() as swarm:
        swarm.open(bench.lab.machine_ids[:_BOARDS])
        seconds = cycle(range(60, 6000))
        _rounds(bench, swarm, seconds, until=perf_counter() + bench.seconds)
        alone = percentile(bench.tally.latencies.get("checkuser", []), 99)
        bench.tally.forget_latencies()
        first = _purge(bench, swarm, seconds, days)
        taps, stops = (bench.tally.latencies.get(kind, []) for kind in ("checkuser", "stopuse"))
        second = _purge(bench, swarm, seconds, days)
    for report in (first, second):
        over = f"{report['transactions']:,} transactions, {report['too_long']} over 100 ms"
        bench.remark(f"{over} ({report['slowest']}): {report['text']}")
    return {
        "purge_seconds": first["seconds"],
        "purge_longest": first["longest"],
        "purge_longest_processor": first["longest_processor"],
        "purge_p50": percentile(taps, 50) * 1e3,
        "purge_p99": percentile(taps, 99) * 1e3,
        "purge_p99_alone": alone * 1e3,
        "purge_stops_p99": percentile(stops, 99) * 1e3,
        "purge_unanswered": bench.tally.unanswered,
        "purge_again": second["seconds"],
        "purge_again_longest": second["longest"],
        "purge_megabytes": first["megabytes"],
    }


def _purge(bench: Bench, swarm: Swarm, seconds: Any, days: str) -> dict[str, Any]:
    assert bench.webs is not None
    command = python("-m", "tests.bench.purging", "run", days)
    with tempfile.NamedTemporaryFile(prefix="fabomatic-purge-") as log:
        path = Path(log.name)
        with Child(command, path, bench.webs.database.env) as child:
            _rounds(bench, swarm, seconds, until=perf_counter() + _NEVER_LONGER, child=child)
            words = child.last_words()
        if child.exit_code:
            raise SystemExit(f"The purge failed.\n{words}")
        report: dict[str, Any] = json.loads(words.splitlines()[-1])
        return report


def _rounds(bench: Bench, swarm: Swarm, seconds: Any, *, until: float, child: Child | None = None) -> None:
    """Each board a session, and a breath: they are asked how long they wait, not how many answers there are."""
    while perf_counter() < until and (child is None or child.is_running):
        swarm.run(lambda machine_id: _session(bench, machine_id, next(seconds)), limit=10)
        swarm.rest(_BREATH)


def _session(bench: Bench, machine_id: int, seconds: int) -> Script:
    cards = bench.lab.cards(machine_id)
    uid = cards[seconds % len(cards)]
    yield queries.check_user(machine_id, uid)
    yield queries.start_use(machine_id, uid)
    yield queries.stop_use(machine_id, uid, seconds)
