"""The dashboard over HTTP: how long a thousand machines take, what fifty weigh, and how big the web process gets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from time import perf_counter

from tests.bench import queries
from tests.bench.bench import Bench, Numbers
from tests.bench.boards import Board, Swarm
from tests.bench.screens import SOCKET
from tests.bench.sockets import Change, Screens, Tap
from tests.bench.tally import percentile
from tests.bench.web import Visitor, Web, Webs

MACHINES_OF_A_LAB = 50
MANY_SCREENS = 200
_LINKED = re.compile(r'(?:src|href)="(/static/[^"]+)"')
_IMPORTED = re.compile(r'\bfrom "\./([^"]+)"')
_REVISION = re.compile(r'data-revision="([^"]+)"')


def page_of_a_thousand(bench: Bench) -> Numbers:
    webs = bench.webs
    assert webs is not None
    numbers = _of_a_lab(webs)
    database = webs.database
    database.liven()
    numbers["page_queries"] = webs.queries(database)["queries"]
    with bench.swarm() as swarm:
        swarm.open([bench.lab.spare_id])
        (board,) = swarm.boards.values()
        _all_are_heard(bench, swarm, board)
        with webs.cut_off(database) as web, web.visitor() as visitor:
            numbers |= _percentiles("page_read", _times(bench, visitor, swarm))
        with webs.on(database) as web:
            return numbers | _of_a_process(bench, web, swarm, board)


def _of_a_lab(webs: Webs) -> Numbers:
    """What fifty machines weigh does not depend on the history."""
    database = webs.small_lab(MACHINES_OF_A_LAB)
    with webs.cut_off(database) as web, web.visitor() as visitor:
        weight = sum(_weights(visitor))
    return {"page_kilobytes": weight / 1e3, "page_queries_lab": webs.queries(database)["queries"]}


def _of_a_process(bench: Bench, web: Web, swarm: Swarm, board: Board) -> Numbers:
    """With one screen, and with many."""
    with web.visitor() as visitor:
        begun = perf_counter()
        visitor.get("/")
        numbers = {"page_first": (perf_counter() - begun) * 1e3}
        with Screens(swarm, web.address, SOCKET) as screens:
            screens.open(1)
            _all_are_heard(bench, swarm, board)
            numbers |= _percentiles("page_live", _times(bench, visitor, swarm))
        numbers["web_megabytes"] = web.megabytes
        return numbers | _with_many_screens(bench, web, visitor, swarm, board)


def _with_many_screens(bench: Bench, web: Web, visitor: Visitor, swarm: Swarm, board: Board) -> Numbers:
    revision = _REVISION.search(visitor.text("/"))
    assert revision is not None
    with Screens(swarm, web.address, f"{SOCKET}&revision={revision[1]}") as screens:
        screens.open(MANY_SCREENS)
        unserved = MANY_SCREENS - screens.greeted
        changes = [_change(bench, swarm, screens, board, number) for number in range(5 if bench.is_quick else 20)]
        return {
            "many_screens_p50": percentile([change.last for change in changes], 50) * 1e3,
            "many_screens_unserved": max([unserved, *(change.missing for change in changes)]) + screens.lost,
            "many_screens_megabytes": web.megabytes,
        }


def _change(bench: Bench, swarm: Swarm, screens: Screens, board: Board, number: int) -> Change:
    uid = bench.lab.cards(board.machine_id)[0]
    if number % 2:
        tap = Tap(board, queries.stop_use(board.machine_id, uid, 60 + number), "free")
    else:
        tap = Tap(board, queries.start_use(board.machine_id, uid), "in_use")
    change = screens.expect(tap)
    while not change.is_over:
        swarm.step()
    swarm.rest(0.1)
    return change


def _all_are_heard(bench: Bench, swarm: Swarm, board: Board) -> None:
    """All boards show life, through one connection; then the worker and its screens come to rest."""
    for machine_id in bench.lab.all_ids:
        board.send(queries.alive(machine_id))
        if machine_id % 50 == 0:
            swarm.rest(0.05)
    swarm.rest(3.0)


def _times(bench: Bench, visitor: Visitor, swarm: Swarm) -> list[float]:
    times = []
    warm_up, count = (10, 50) if bench.is_quick else (30, 300)
    for _ in range(warm_up + count):
        begun = perf_counter()
        visitor.get("/")
        times.append(perf_counter() - begun)
        swarm.rest(0)  # the board and the screen stay connected
    return times[warm_up:]


def _percentiles(name: str, times: list[float]) -> Numbers:
    return {f"{name}_p50": percentile(times, 50) * 1e3, f"{name}_p99": percentile(times, 99) * 1e3}


def _weights(visitor: Visitor) -> Iterator[int]:
    """Bytes of the page and of everything that it loads, as they travel."""
    waiting = ["/"]
    seen = set(waiting)
    while waiting:
        path = waiting.pop()
        yield len(visitor.get(path)[0])
        text = visitor.text(path)
        found = _LINKED.findall(text) if path == "/" else []
        found += [f"{path.rpartition('/')[0]}/{name}" for name in _IMPORTED.findall(text)]
        waiting += [each for each in found if each not in seen]
        seen.update(found)
