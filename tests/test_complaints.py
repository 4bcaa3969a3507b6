"""What is wrong is said, and not said again and again."""

import pytest

from telemetry.complaints import INTERVAL, Complaints


@pytest.fixture
def complaints(time):
    return Complaints(time)


def test_a_complaint_is_said(complaints, caplog):
    complaints.say("no JSON", "machine/7")
    assert caplog.messages == ["'machine/7': no JSON"]


def test_the_same_is_said_once_within_the_interval(complaints, caplog):
    complaints.say("no JSON", "machine/7")
    complaints.say("no JSON", "machine/7")
    assert len(caplog.messages) == 1


def test_another_reason_or_another_topic_is_another_complaint(complaints, caplog):
    complaints.say("no JSON", "machine/7")
    complaints.say("no JSON", "machine/8")
    complaints.say("unknown action", "machine/8")
    assert len(caplog.messages) == 3


def test_after_the_interval_it_is_said_again_with_what_was_left_out(complaints, caplog, time):
    for _time in range(5):
        complaints.say("no JSON", "machine/7")
    time.now += INTERVAL
    complaints.say("no JSON", "machine/7")
    assert caplog.messages[1] == "'machine/7': no JSON (4 repeated complaints were left out)"


def test_what_it_is_about_is_cut_and_cannot_forge_lines(complaints, caplog):
    complaints.say("no JSON", "x\r\nCRITICAL \x1b[2J" + "y" * 10_000)
    (line,) = caplog.messages
    assert len(line) < 100
    assert line.isprintable()


def test_ever_new_topics_are_not_all_said_nor_all_remembered(complaints, caplog):
    for number in range(10_000):
        complaints.say("no JSON", f"machine/x{number}")
    assert len(caplog.messages) <= 100
    assert len(complaints._said) <= 100


def test_a_flood_of_junk_does_not_hide_our_own_trouble(complaints, caplog):
    for number in range(10_000):
        complaints.say("no JSON", f"machine/x{number}")
    complaints.say("the database failed")
    assert "the database failed" in caplog.messages[-1]


def test_after_a_flood_complaints_are_heard_again(complaints, caplog, time):
    for number in range(10_000):
        complaints.say("no JSON", f"machine/x{number}")
    time.now += INTERVAL + 1
    complaints.say("no JSON", "machine/7")
    assert caplog.messages[-1].startswith("'machine/7': no JSON")
