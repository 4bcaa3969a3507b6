"""`/?kiosk` on a wall: everything fits, nobody touches it, and it lives for months."""

import pytest

from tests.broker.lab import until
from tests.browser.scenery import furnish, measure

SIZES = {"wall": (1920, 1080), "4K": (3840, 2160), "upright": (1080, 1920), "laptop": (1366, 768)}
A_MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def web_settings():
    return {"DASHBOARD_NAMES": "full"}


@pytest.fixture(scope="module")
def machines(the_lab):
    return furnish(the_lab)


@pytest.fixture
def wall(browser, machines):
    def hang(**looks):
        page = browser.open("/?kiosk", **looks)
        until(lambda: page.is_live() and page.count("in_use") == 8 and page.count("blocked") == 4)
        return page

    return hang


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_twenty_four_machines_fit(wall, size):
    page = wall(size=size)
    assert len(page.all(".machine")) == 24
    assert measure(page, "hasScrollbars()") is False
    assert measure(page, "cutOff()") == []


def test_it_fits_in_italian_too(wall):
    page = wall(size=SIZES["laptop"], language="it")
    assert measure(page, "hasScrollbars()") is False
    assert measure(page, "cutOff()") == []


def test_it_fits_wherever_it_drifts(wall):
    """No pixel shows the same for months."""
    page = wall(size=SIZES["wall"])
    drift = "document.getAnimations().find(each => each.animationName === 'drift')"
    frames = page.value(f"{drift}.effect.getKeyframes().map(frame => frame.computedOffset)")
    assert len(frames) > 4
    for frame in frames:
        page.run(f"const drift = {drift}; drift.currentTime = arguments[0] * drift.effect.getTiming().duration", frame)
        assert measure(page, "hasScrollbars()") is False
        assert measure(page, "cutOff()") == []


def test_letters_are_large_enough_for_five_metres(wall):
    """On a screen of a metre, 1920 pixels wide, a state of 18 pixels is a centimetre high."""
    page = wall(size=SIZES["wall"])
    smallest = page.value(
        "Math.min(...[...document.querySelectorAll('.machine :is(h3, .state)')]"
        ".map(each => parseFloat(getComputedStyle(each).fontSize)))"
    )
    assert smallest >= 18


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_every_word_is_readable(wall, is_dark):
    page = wall(size=SIZES["wall"], is_dark=is_dark)
    assert measure(page, "tooFaint('body')") == []


def test_nothing_on_it_waits_for_a_hand(wall):
    assert not wall().shows("footer, button, select, input")


def test_three_thousand_changes_leave_nothing_behind(the_lab, wall, machines):
    page = wall(size=SIZES["laptop"])
    told = [machine for place, machine in enumerate(machines) if place % 6 != 5]
    before = the_lab.database.rows("SELECT is_blocked, blocked_reason, id FROM machines_machine")
    change(the_lab, page, told, range(20))
    nodes, heap = weigh(page)
    change(the_lab, page, told, range(20, 20 + 3000 // len(told)))
    more_nodes, more_heap = weigh(page)
    with the_lab.database.connection() as database:
        database.executemany("UPDATE machines_machine SET is_blocked = ?, blocked_reason = ? WHERE id = ?", before)
    the_lab.boards.publish("fabomatic/nudge", "")
    assert more_nodes <= nodes + 50
    assert more_heap <= heap + A_MEGABYTE


def change(the_lab, page, machines, rounds):
    """All of them are blocked or freed at once, again and again, and told of as the worker would."""
    ours = ",".join(str(machine) for machine in machines)
    with the_lab.database.connection() as database:
        database.execute("PRAGMA synchronous = OFF")
        for number in rounds:
            is_blocked, word = number % 2 == 1, f"Change {number}"
            values = "is_blocked = ?, blocked_reason = ?"
            database.execute(f"UPDATE machines_machine SET {values} WHERE id IN ({ours})", (is_blocked, word))
            for machine in machines:
                the_lab.boards.publish(f"fabomatic/status/{machine}", '{"is_online": true}')
            until(lambda: shows_all(page, machines, word if is_blocked else None), every=0.02)  # noqa: B023


def shows_all(page, machines, reason):
    """Those that are blocked with this reason, or none. Asks for no layout: that costs more than the change."""
    shown = page.value("[...document.querySelectorAll('.machine .reason')].map(each => each.textContent)")
    return len(shown) == (len(machines) if reason else 0) and all(text.endswith(reason) for text in shown)


def weigh(page):
    """Nodes and bytes of its script, after what nobody holds is gone."""
    for _twice in range(2):
        page.cdp("HeapProfiler.collectGarbage")
    page.cdp("Performance.enable")
    found = {each["name"]: each["value"] for each in page.cdp("Performance.getMetrics")["metrics"]}
    return found["Nodes"], found["JSHeapUsedSize"]
