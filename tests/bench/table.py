"""The one table: what, its aim, the floor, the worker at each history, and whether the aim is met."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.bench.bench import Numbers

FLOOR = "floor (echo)"
Columns = Mapping[str, Numbers]  # FLOOR, then "history 0" and so on
Judge = Callable[[Columns, str, str], bool]  # columns, the row's key, the column


@dataclass(frozen=True)
class Row:
    what: str
    key: str
    digits: int = 0
    aim: str = ""
    judge: Judge | None = None


def at_most(limit: float) -> Judge:
    return lambda columns, key, name: columns[name][key] <= limit


def at_least(limit: float) -> Judge:
    return lambda columns, key, name: columns[name][key] >= limit


def times_the_floor(factor: float) -> Judge:
    """The floor of the same moment, which every column has."""
    return lambda columns, key, name: columns[name][key] <= factor * columns[name].get(f"floor_{key}", math.nan)


def times_the_first(factor: float) -> Judge:
    """The history must not be felt: the first column of the worker is the one without."""
    return lambda columns, key, name: columns[name][key] <= factor * columns[_histories(columns)[0]][key]


def as_in(other: str) -> Judge:
    """No more than that row says."""
    return lambda columns, key, name: columns[name][key] <= columns[name][other]


ROWS = [
    Row("checkuser, one board, p50 ms", "checkuser_p50", 3, "<= 2 x floor", times_the_floor(2)),
    Row("  floor at that moment, p50 ms", "floor_checkuser_p50", 3),
    Row("checkuser, one board, p99 ms", "checkuser_p99", 3),
    Row("checkuser, 50 boards, answers/s", "checkuser_rate", 0, ">= 5,000", at_least(5000)),
    Row("  backend, µs of processor each", "checkuser_cost", 0),
    Row("  load generator, % of a core", "load", 0),
    Row("whole sessions, 50 boards, answers/s", "sessions_rate", 0, ">= 2,000", at_least(2000)),
    Row("  backend, µs of processor each", "sessions_cost", 0),
    Row("  of these stopuse, p99 ms", "stopuse_p99", 1),
    Row("checkmachine, one board, p50 ms", "checkmachine_p50", 3, "<= 1.2 x history 0", times_the_first(1.2)),
    Row("replays in a row, 50 boards tap, p50 ms", "replays_p50", 1),
    Row("replays in a row, 50 boards tap, p99 ms", "replays_p99", 1, "<= 100", at_most(100)),
    Row("  taps meanwhile, answers/s", "replays_taps_rate", 0),
    Row("tap to 20 screens, one at a time, p50 ms", "screens_p50", 1, "<= 15", at_most(15)),
    Row("  p99 ms", "screens_p99", 1, "<= 60", at_most(60)),
    Row("  the first of the 20, p50 ms", "screens_first_p50", 1),
    Row("  the board's answer, p50 ms", "screens_answer_p50", 1),
    Row("tap to 20 screens, 20 taps/s, p50 ms", "screens_many_p50", 1, "<= 15", at_most(15)),
    Row("  p99 ms", "screens_many_p99", 1, "<= 60", at_most(60)),
    Row("  changes that a screen did not show", "screens_missed", 0, "0", at_most(0)),
    Row("tap to the DOM, 1 page in Chromium, p50 ms", "screens_dom_alone_p50", 1),
    Row("  p99 ms", "screens_dom_alone_p99", 1),
    Row("  changes that it did not show", "screens_dom_alone_missed", 0, "0", at_most(0)),
    Row("tap to the DOM, 20 pages in one Chromium, p50 ms", "screens_dom_p50", 1),
    Row("  p99 ms", "screens_dom_p99", 1),
    Row("  changes that a page did not show", "screens_dom_missed", 0, "0", at_most(0)),
    Row("1,000 boards back, unanswered in 2 s", "reconnect_unanswered", 0, "0", at_most(0)),
    Row("  answered late", "reconnect_late", 0, "0", at_most(0)),
    Row("  p50 ms", "reconnect_p50", 1),
    Row("  p99 ms", "reconnect_p99", 1),
    Row("  slowest ms", "reconnect_max", 1),
    Row("  all done after s", "reconnect_seconds", 2),
    Row("  backend, s of processor in all", "reconnect_cpu", 2),
    Row("page of 1,000 machines, live, p50 ms", "page_live_p50", 1, "<= 30", at_most(30)),
    Row("  p99 ms", "page_live_p99", 1),
    Row("  without a broker, all read each time, p50 ms", "page_read_p50", 1),
    Row("  without a broker, p99 ms", "page_read_p99", 1),
    Row("  first visit of a fresh process, ms", "page_first", 0),
    Row("  queries", "page_queries", 0, "as with 50", as_in("page_queries_lab")),
    Row("  queries with 50 machines, no history", "page_queries_lab", 0),
    Row("page of 50 machines, all it loads, kB gzipped", "page_kilobytes", 1, "<= 60", at_most(60)),
    Row("200 screens, not served", "many_screens_unserved", 0, "0", at_most(0)),
    Row("  tap to the last of them, p50 ms", "many_screens_p50", 1),
    Row("memory of the web process, 50 machines, MB", "screens_megabytes", 1, "<= 90", at_most(90)),
    Row("memory of the web process, 1,000 machines, MB", "web_megabytes", 1, "<= 90", at_most(90)),
    Row("  and 200 screens, MB", "many_screens_megabytes", 1, "<= 90", at_most(90)),
    Row("lists of the admin, each way they offer, p50 ms", "admin_p50", 1),
    Row("  the slowest, ms", "admin_slowest", 1, "<= 200", at_most(200)),
    Row("    of processor, ms", "admin_slowest_processor", 1),
    Row("  queries of a list, most", "admin_queries", 0, "< 10", at_most(9)),
    Row("  of a page behind them, most", "admin_queries_behind", 0),
    Row("purge of two thirds while boards ask, s", "purge_seconds", 1),
    Row("  longest transaction, ms", "purge_longest", 1, "<= 100", at_most(100)),
    Row("    of processor, ms", "purge_longest_processor", 1),
    Row("  checkuser meanwhile, p50 ms", "purge_p50", 2),
    Row("  checkuser meanwhile, p99 ms", "purge_p99", 1),
    Row("  checkuser before, p99 ms", "purge_p99_alone", 1),
    Row("  stopuse meanwhile, p99 ms", "purge_stops_p99", 1, "<= 500", at_most(500)),
    Row("  unanswered", "purge_unanswered", 0, "0", at_most(0)),
    Row("  again, with nothing to do, s", "purge_again", 1),
    Row("  its longest transaction, ms", "purge_again_longest", 1, "<= 100", at_most(100)),
    Row("  its memory, MB", "purge_megabytes", 1),
    Row("memory of the worker after all that, MB", "megabytes", 1, "<= 50", at_most(50)),
    Row("start-up to the first answer, s", "start_up", 2),
    Row("answers wrong, unasked or missing", "troubles", 0, "0", at_most(0)),
    Row("odometers wrong", "wrong_odometers", 0, "0", at_most(0)),
    Row("processor taken by other programs, %", "others", 0),
]


def table(columns: Columns) -> str:
    lines = [["what", "aim", *columns, "met?"]]
    lines += [_cells(row, columns) for row in ROWS if any(row.key in numbers for numbers in columns.values())]
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(_line(line, widths) for line in lines)


def unmet(columns: Columns) -> list[str]:
    return [row.what.strip() for row in ROWS if "no" in _verdict(row, columns)]


def _cells(row: Row, columns: Columns) -> list[str]:
    values = [_number(numbers.get(row.key), row.digits) for numbers in columns.values()]
    return [row.what, row.aim, *values, _verdict(row, columns)]


def _verdict(row: Row, columns: Columns) -> str:
    if row.judge is None:
        return ""
    measured = [name for name in _histories(columns) if row.key in columns[name]]
    if not measured:
        return ""
    missed = [name for name in measured if not row.judge(columns, row.key, name)]
    return "yes" if not missed else "no" if len(missed) == len(measured) else f"no ({', '.join(missed)})"


def _histories(columns: Columns) -> list[str]:
    return [name for name in columns if name != FLOOR]


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else "-" if math.isnan(value) else f"{value:,.{digits}f}"


def _line(cells: list[str], widths: list[int]) -> str:
    texts, numbers, verdict = cells[:2], cells[2:-1], cells[-1]
    aligned = [cell.ljust(width) for cell, width in zip(texts, widths, strict=False)]
    aligned += [cell.rjust(width) for cell, width in zip(numbers, widths[2:], strict=False)]
    return "  ".join([*aligned, verdict]).rstrip()
