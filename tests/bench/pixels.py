"""The way on into the page: Chromium, its windows, and what each of them noted when its document changed."""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

from tests.bench.bench import Bench, Numbers
from tests.bench.boards import Swarm
from tests.bench.cpu import note_family
from tests.bench.sockets import SHOWN_WITHIN, Tap
from tests.bench.tally import percentile
from tests.bench.web import Web

PAGES = 20
_PAUSE = 0.2  # seconds
_PAUSE_A_PAGE = 0.04  # more: each draws itself anew, and all have to come to rest
_LIVE_WITHIN = 60.0
_CLOCKS_DIFFER = 0.002  # seconds that Chromium's clock may be before ours

_WATCH = """
window.shown = [];
new MutationObserver((changes) => {
  const at = performance.timeOrigin + performance.now();
  const added = changes.flatMap((change) => [...change.addedNodes]).filter((node) => node.nodeType === 1);
  for (const node of added) {
    for (const card of node.matches(".machine") ? [node] : node.querySelectorAll(".machine")) {
      window.shown.push([Number(card.dataset.machine), card.dataset.state, at / 1000]);
    }
  }
}).observe(document.getElementById("grid"), { childList: true, subtree: true });
"""
_IS_LIVE = "return document.documentElement.dataset.live === 'live' && !document.hidden"

Shown = dict[tuple[int, str], list[float]]  # machine and state: at these times


class Taps(Protocol):
    def rounds(self, swarm: Swarm, at_least: int) -> Iterator[Tap]: ...


@dataclass(frozen=True, slots=True)
class Told:
    machine_id: int
    state: str
    at: float


def in_chromium(bench: Bench, web: Web, taps: Taps) -> Numbers:
    """With one page, and with so many that Chromium itself is what the computer is busy with."""
    try:
        from tests.browser.chromium import CHROMIUM, DRIVER
    except ImportError as error:
        bench.remark(f"no pixels: {error}")
        return {}
    if CHROMIUM is None or DRIVER is None:
        bench.remark("no pixels: chromium or chromedriver is not installed")
        return {}
    with tempfile.TemporaryDirectory(prefix="fabomatic-bench-chromium-") as profile, _running(profile) as driver:
        numbers = _measured(bench, web, driver, 1, taps)
        return numbers | _measured(bench, web, driver, PAGES, taps)


def _measured(bench: Bench, web: Web, driver: Any, pages: int, taps: Taps) -> Numbers:
    _open(driver, f"http://{web.host}/", pages)
    with bench.swarm() as swarm:
        swarm.open(bench.lab.machine_ids)
        pause = _PAUSE + pages * _PAUSE_A_PAGE
        _tell(swarm, taps.rounds(swarm, 1), pause)
        for handle in driver.window_handles:
            driver.switch_to.window(handle)
            driver.execute_script(_WATCH)
        told = _tell(swarm, taps.rounds(swarm, 40 if bench.is_quick else 80), pause)
    times = _last_times(told, [_shown_in(driver, handle) for handle in driver.window_handles])
    name = "screens_dom" if pages > 1 else "screens_dom_alone"
    return {
        f"{name}_p50": percentile(times, 50) * 1e3,
        f"{name}_p99": percentile(times, 99) * 1e3,
        f"{name}_missed": len(told) - len(times),
    }


def _tell(swarm: Swarm, taps: Iterator[Tap], pause: float) -> list[Told]:
    told = []
    for tap in taps:
        told.append(Told(tap.board.machine_id, tap.state, time.time()))
        tap.go()
        swarm.rest(pause)
    return told


def _last_times(told: list[Told], pages: list[Shown]) -> list[float]:
    """How long the slowest page took for each, where all of them showed it."""
    found = [[_first_after(page.get((each.machine_id, each.state), []), each.at) for page in pages] for each in told]
    return [max(times) for times in found if math.inf not in times]


def _first_after(times: list[float], at: float) -> float:
    return min((time - at for time in times if -_CLOCKS_DIFFER < time - at < SHOWN_WITHIN), default=math.inf)


# ---- Chromium --------------------------------------------------------------------------------------------------------


@contextmanager
def _running(profile: str) -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    from tests.browser.chromium import CHROMIUM, DRIVER, FLAGS

    os.environ.setdefault("SE_OFFLINE", "true")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"user-data-dir={profile}", *(["no-sandbox"] if os.geteuid() == 0 else [])):
        options.add_argument(f"--{flag}")
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield driver
    finally:
        note_family(driver.service.process.pid)
        driver.quit()


def _open(driver: Any, url: str, pages: int) -> None:
    while len(driver.window_handles) < pages:
        driver.switch_to.new_window("window")
    for handle in driver.window_handles:
        driver.switch_to.window(handle)
        driver.get(url)
    for handle in driver.window_handles:
        driver.switch_to.window(handle)
        _wait_until_live(driver)


def _wait_until_live(driver: Any) -> None:
    end = perf_counter() + _LIVE_WITHIN
    while not driver.execute_script(_IS_LIVE):
        if perf_counter() > end:
            raise SystemExit("A page in Chromium does not become live.")
        time.sleep(0.05)


def _shown_in(driver: Any, handle: str) -> Shown:
    driver.switch_to.window(handle)
    shown: Shown = {}
    for machine_id, state, at in driver.execute_script("return window.shown"):
        shown.setdefault((machine_id, state), []).append(at)
    return shown
