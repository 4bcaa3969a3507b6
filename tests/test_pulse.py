"""A process that stood still finds messages that look fresh and are not."""

import pytest

from telemetry.pulse import BEAT, THAW, Pulse


@pytest.fixture
def pulse(time, monkeypatch):
    monkeypatch.setattr(Pulse, "_beat_on", lambda self: None)
    pulse = Pulse(time)
    pulse.start()
    return pulse


def beat_after(pulse, time, seconds):
    time.now += seconds
    pulse.beat()


def test_before_the_start_nothing_is_frozen(time):
    assert not Pulse(time).was_frozen(time.now)


def test_with_a_steady_pulse_nothing_was_frozen(pulse, time):
    for _beat in range(50):
        assert not pulse.was_frozen(time.now + BEAT / 2)
        beat_after(pulse, time, BEAT)


def test_a_message_read_before_the_first_beat_after_a_freeze_is_stale(pulse, time):
    assert pulse.was_frozen(time.now + 3)


def test_a_message_read_right_after_the_first_beat_is_stale(pulse, time):
    beat_after(pulse, time, 3)
    assert pulse.was_frozen(time.now + THAW / 2)


def test_a_message_judged_late_is_stale_by_when_it_was_read(pulse, time):
    beat_after(pulse, time, 3)
    read_at = time.now + THAW / 2
    beat_after(pulse, time, BEAT)
    beat_after(pulse, time, BEAT)
    assert pulse.was_frozen(read_at)


def test_soon_after_a_freeze_messages_are_fresh_again(pulse, time):
    beat_after(pulse, time, 3)
    beat_after(pulse, time, BEAT)
    beat_after(pulse, time, BEAT)
    assert not pulse.was_frozen(time.now + BEAT / 2)


def test_a_slow_beat_is_no_freeze(pulse, time):
    beat_after(pulse, time, 4 * BEAT)
    assert not pulse.was_frozen(time.now)
