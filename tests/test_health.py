"""`/healthz` says which part is down, `/status.json` what the dashboard shows, and to whom."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from machines.models import Machine, Use
from telemetry.live import now
from telemetry.live.feed import Trouble
from telemetry.views import health
from tests.staff import client_of

pytestmark = pytest.mark.django_db


class FakeFeed:
    def __init__(self, trouble=None, *, hears_worker=True):
        self._trouble, self.hears_worker = trouble, hears_worker
        self.is_live = trouble is not Trouble.BROKER
        self.is_started = False

    def start(self):
        self.is_started = True

    def trouble(self):
        return self._trouble


@pytest.fixture
def feed(monkeypatch):
    def pretend(*arguments, **named):
        fake = FakeFeed(*arguments, **named)
        monkeypatch.setattr(health, "feed", fake)
        return fake

    return pretend


def answer(client):
    response = client.get("/healthz")
    return response.status_code, response.json()


def test_all_is_well(client, feed):
    fake = feed()
    assert answer(client) == (200, {"healthy": True, "database": "ok", "broker": "ok", "worker": "ok"})
    assert fake.is_started


def test_a_broker_that_is_down_leaves_the_worker_unknown(client, feed):
    feed(Trouble.BROKER, hears_worker=False)
    assert answer(client) == (503, {"healthy": False, "database": "ok", "broker": "down", "worker": "unknown"})


def test_a_worker_that_is_silent_is_down(client, feed):
    feed(Trouble.WORKER, hears_worker=False)
    assert answer(client) == (503, {"healthy": False, "database": "ok", "broker": "ok", "worker": "down"})


def test_a_database_that_cannot_be_read_is_down(client, feed, monkeypatch):
    feed()

    def away():
        raise DatabaseError("away")

    monkeypatch.setattr(connection, "cursor", away)
    code, parts = answer(client)
    assert (code, parts["database"], parts["worker"]) == (503, "down", "ok")


def test_nobody_has_to_log_in_for_it(client, feed, settings):
    settings.DASHBOARD_ACCESS = "login"
    feed()
    assert answer(client)[0] == 200


def test_it_is_for_reading(client, feed):
    feed()
    assert client.post("/healthz").status_code == 405


# ---- /status.json ----------------------------------------------------------------------------------------------------


@pytest.fixture
def laser_in_use(laser, ada):
    Machine.objects.filter(pk=7).update(last_seen_at=timezone.now())
    return Use.objects.create(machine=laser, member=ada, started_at=timezone.now() - timedelta(minutes=10))


def machine(client):
    (found,) = client.get("/status.json").json()["machines"]
    return found


def test_a_stranger_gets_a_sentence_and_no_machines(client, settings, laser):
    settings.DASHBOARD_ACCESS = "login"
    response = client.get("/status.json")
    assert (response.status_code, list(response.json())) == (403, ["error"])


def test_a_machine_is_told_with_all_that_its_card_shows(client, settings, laser_in_use, make_plan):
    settings.DASHBOARD_ACCESS, settings.DASHBOARD_NAMES = "public", "first"
    make_plan(laser_in_use.machine, last_work_at=timezone.now())
    Machine.objects.filter(pk=7).update(is_blocked=True, blocked_reason="Mirror loose")
    found = machine(client)
    assert found.pop("since") is not None
    assert found == {
        "id": 7,
        "name": "Laser",
        "type": "Laser cutter",
        "place": "Room 2",
        "state": "in_use",
        "is_online": True,
        "last_heard": None,
        "is_blocked": True,
        "blocked_reason": "Mirror loose",
        "seconds_used": 0,
        "maintenance": {"is_due": False, "message": "Clean the lens", "progress": 0},
        "person": "Ada",
    }


def test_without_names_there_is_no_person(client, settings, laser_in_use):
    settings.DASHBOARD_ACCESS, settings.DASHBOARD_NAMES = "public", "none"
    response = client.get("/status.json")
    assert "person" not in response.json()["machines"][0]
    assert "Ada" not in response.content.decode()


def test_staff_sees_whole_names(settings, laser_in_use, dora):
    settings.DASHBOARD_ACCESS, settings.DASHBOARD_NAMES = "login", "none"
    assert machine(client_of(dora))["person"] == "Ada Lovelace"


@pytest.mark.parametrize("trouble", [None, Trouble.BROKER, Trouble.WORKER])
def test_it_says_why_it_may_be_old(client, settings, laser, monkeypatch, trouble):
    settings.DASHBOARD_ACCESS = "public"
    fake = FakeFeed(trouble)
    fake.start()
    monkeypatch.setattr(now, "feed", fake)
    assert client.get("/status.json").json()["trouble"] == trouble


def test_it_says_that_the_database_cannot_be_read(client, settings, monkeypatch):
    settings.DASHBOARD_ACCESS = "public"

    def away():
        raise DatabaseError("away")

    monkeypatch.setattr(health, "current_wall", away)
    response = client.get("/status.json")
    assert (response.status_code, list(response.json())) == (503, ["error"])
