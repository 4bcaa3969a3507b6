"""A wall of 24 machines shows all of each, on every screen, wherever it has drifted."""

import pytest

from tests.broker.lab import until
from tests.browser.scenery import furnish, measure

SIZES = {"wall": (1920, 1080), "4K": (3840, 2160), "upright": (1080, 1920), "laptop": (1366, 768)}


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
