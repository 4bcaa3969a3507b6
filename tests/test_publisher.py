"""The broker holds one status of each machine, and it is as the database says."""

import json
from datetime import timedelta

import pytest

from machines.models import Machine
from telemetry.collected import LastHeard
from telemetry.publisher import StatusPublisher
from tests.conftest import NOW, UIDS

pytestmark = pytest.mark.django_db


class Broker:
    """What a broker holds after these publishes."""

    def __init__(self):
        self.retained, self.log = {}, []

    def publish(self, topic, payload, retain):
        assert retain is True
        self.log.append(topic)
        self.retained.pop(topic, None)
        if payload:
            self.retained[topic] = payload

    def status(self, machine_id):
        return json.loads(self.retained[f"fabomatic/status/{machine_id}"])


@pytest.fixture
def broker():
    return Broker()


@pytest.fixture
def heard():
    return LastHeard()


@pytest.fixture
def publisher(broker, heard, laser, printer):
    return StatusPublisher(broker.publish, heard)


def test_a_sweep_publishes_every_machine(publisher, broker):
    publisher.sweep(NOW)
    assert set(broker.retained) == {"fabomatic/status/7", "fabomatic/status/12"}


def test_a_status_has_the_designs_keys(publisher, broker):
    publisher.sweep(NOW)
    keys = ["id", "name", "type", "state", "since", "is_online", "seconds_used", "maintenance"]
    assert list(broker.status(7)) == keys


def test_a_second_sweep_has_nothing_to_say(publisher, broker):
    publisher.sweep(NOW)
    broker.log.clear()
    publisher.sweep(NOW + timedelta(seconds=3))
    assert broker.log == []


def test_after_a_new_connection_everything_is_said_again(publisher, broker):
    publisher.sweep(NOW)
    broker.retained.clear()
    publisher.forget()
    publisher.sweep(NOW)
    assert len(broker.retained) == 2


def test_a_sweep_finds_what_the_admin_changed(publisher, broker, laser):
    publisher.sweep(NOW)
    laser.is_blocked = True
    laser.save()
    publisher.sweep(NOW)
    assert broker.status(7)["state"] == "blocked"
    assert broker.log.count("fabomatic/status/12") == 1


def test_one_machine_is_published_alone(publisher, broker):
    publisher.publish_changed(7, NOW)
    assert broker.log == ["fabomatic/status/7"]


def test_a_machine_that_spoke_is_online_before_it_is_written(publisher, broker, heard):
    heard.note(7, NOW)
    for machine_id in (7, 12):
        publisher.publish_changed(machine_id, NOW + timedelta(seconds=89))
    assert (broker.status(7)["state"], broker.status(12)["state"]) == ("free", "offline")


def test_a_machine_silent_for_90_seconds_is_offline(publisher, broker, heard):
    heard.note(7, NOW)
    publisher.publish_changed(7, NOW + timedelta(seconds=90))
    assert (broker.status(7)["state"], broker.status(7)["is_online"]) == ("offline", False)


def test_a_deleted_machine_is_cleared_when_told(publisher, broker, laser):
    publisher.sweep(NOW)
    laser.delete()
    publisher.publish_changed(7, NOW)
    assert set(broker.retained) == {"fabomatic/status/12"}


def test_a_deleted_machine_is_cleared_when_not_told(publisher, broker, laser):
    publisher.sweep(NOW)
    laser.delete()
    publisher.sweep(NOW)
    assert set(broker.retained) == {"fabomatic/status/12"}


def test_a_machine_deleted_while_we_were_away_is_cleared(publisher, broker):
    broker.retained["fabomatic/status/99"] = b"{}"
    publisher.note_retained("fabomatic/status/99")
    publisher.sweep(NOW)
    assert "fabomatic/status/99" not in broker.retained


def test_a_deleted_machine_is_cleared_also_after_a_reconnection_that_came_between(publisher, broker, laser):
    publisher.sweep(NOW)
    publisher.forget()
    laser.delete()
    publisher.note_retained("fabomatic/status/7")
    publisher.sweep(NOW)
    assert "fabomatic/status/7" not in broker.retained


@pytest.mark.parametrize(
    "topic", ["fabomatic/status/", "fabomatic/status/x", "fabomatic/status/-1", "fabomatic/status/²"]
)
def test_a_topic_that_is_no_machines_is_nobodys_business(publisher, broker, topic):
    publisher.note_retained(topic)
    publisher.sweep(NOW)
    assert len(broker.log) == 2


def test_a_machine_that_came_back_under_its_number_has_a_status_again(publisher, broker, laser, laser_type):
    publisher.sweep(NOW)
    laser.delete()
    publisher.sweep(NOW)
    Machine.objects.create(id=7, name="New laser", type=laser_type)
    publisher.sweep(NOW)
    assert broker.status(7)["name"] == "New laser"


def test_no_person_is_in_any_status(publisher, broker, everybody, laser, make_plan):
    from machines.usage import Who, start

    make_plan(laser, days_between=1, last_work_at=NOW - timedelta(days=2))
    laser.is_blocked, laser.blocked_reason = True, "Ada broke it"
    laser.save()
    start(7, Who(UIDS["ada"], everybody.ada.pk, "Ada has no right"), NOW)
    publisher.sweep(NOW)
    said = b" ".join(broker.retained.values()).lower()
    for word in (b"ada", b"lovelace", UIDS["ada"].encode(), b"example.org", b"broke"):
        assert word not in said
    assert broker.status(7)["state"] == "in_use"


def test_many_machines_are_swept_with_few_queries(publisher, laser_type, django_assert_max_num_queries):
    Machine.objects.bulk_create([Machine(id=100 + n, name=f"M{n}", type=laser_type) for n in range(50)])
    with django_assert_max_num_queries(3):
        publisher.sweep(NOW)
