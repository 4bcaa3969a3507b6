"""Who takes the processor: rates of a shared machine say little, the seconds that an answer costs say more."""

from __future__ import annotations

import os
from contextlib import suppress
from time import perf_counter

import psutil


def seconds_of(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


_families: list[float] = []


def note_family(pid: int) -> None:
    """Before it ends: what it and all below it have used is ours, though some of them nobody will wait for."""
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            _families.append(seconds_of(process.pid))


class Others:
    """How much of the machine went to processes that are none of ours, since this was made.

    Ours are these, and those that we started and that have ended since.
    """

    def __init__(self, *pids: int) -> None:
        self._pids = (os.getpid(), *pids)
        self._begun, self._busy, self._ours = self._look()

    def percent(self) -> float:
        at, busy, ours = self._look()
        spent = (busy - self._busy) - (ours - self._ours)
        return max(0.0, 100 * spent / ((at - self._begun) * (os.cpu_count() or 1)))

    def _look(self) -> tuple[float, float, float]:
        times = psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        ended = os.times().children_user + os.times().children_system + sum(_families)
        return perf_counter(), sum(times[:8]) - idle, ended + sum(map(seconds_of, self._pids))
