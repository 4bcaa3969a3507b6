"""Worker and pages hear of what staff saved, after it is saved, and nobody at a form waits for it."""

import threading

import pytest
from django.db import transaction

from machines.models import Machine
from telemetry import nudge
from telemetry.models import Screen
from telemetry.screens import exchange, make_link, revoke, seen
from tests.conftest import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(monkeypatch):
    """How often the worker was told; `told.wait()` until the next time."""

    class Told(list):
        def __init__(self):
            super().__init__()
            self._heard = threading.Event()

        def publish(self, topic, payload):
            self.append(topic)
            self._heard.set()

        def wait(self):
            assert self._heard.wait(timeout=5)
            self._heard.clear()

    told = Told()
    monkeypatch.setattr(nudge, "publish_once", told.publish)
    return told


def test_a_saved_machine_nudges_the_worker_after_the_commit(laser, told, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        laser.name = "Other"
        laser.save()
    assert told == []
    for callback in callbacks:
        callback()
    told.wait()
    assert told == ["fabomatic/nudge"]


@pytest.mark.parametrize("fixture", ["laser", "laser_plan", "laser_use"])
def test_what_shows_on_a_screen_nudges_when_it_goes(
    fixture, laser, make_plan, make_use, told, django_capture_on_commit_callbacks
):
    thing = {"laser": lambda: laser, "laser_plan": lambda: make_plan(laser), "laser_use": lambda: make_use(laser)}
    gone = thing[fixture]()
    with django_capture_on_commit_callbacks(execute=True):
        gone.delete()
    told.wait()


def test_a_change_that_is_rolled_back_nudges_nobody(laser, told, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True) as callbacks, transaction.atomic():
        laser.save()
        transaction.set_rollback(True)
    assert (callbacks, told) == ([], [])


@pytest.mark.parametrize(
    "change",
    [
        lambda screen, ada: screen.save(),
        lambda screen, ada: make_link(screen, NOW),
        lambda screen, ada: revoke(screen, NOW),
        lambda screen, ada: screen.delete(),
        lambda screen, ada: ada.save(),
        lambda screen, ada: ada.delete(),
        lambda screen, ada: ada.role.save(),
    ],
)
def test_who_looks_is_looked_at_again_when_staff_changes_them(change, ada, django_capture_on_commit_callbacks):
    screen = Screen.objects.create(name="Workshop")
    with django_capture_on_commit_callbacks() as callbacks:
        change(screen, ada)
    assert nudge.nudge in callbacks


def test_who_logs_in_or_opens_a_screen_nudges_nobody(client, ada, django_capture_on_commit_callbacks):
    secret = make_link(Screen.objects.create(name="Workshop"), NOW)
    with django_capture_on_commit_callbacks() as callbacks:
        client.force_login(ada)
        screen, _cookie = exchange(secret, NOW)
        seen([screen.pk], NOW)
    assert callbacks == []


def test_a_broker_that_is_away_does_not_disturb_the_form(laser, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        laser.name = "Other"
        laser.save()
    assert Machine.objects.get(pk=7).name == "Other"


def test_many_changes_at_once_become_few_messages(told, monkeypatch):
    release = threading.Event()
    published = nudge.publish_once

    def slowly(topic, payload):
        release.wait(timeout=5)
        published(topic, payload)

    monkeypatch.setattr(nudge, "publish_once", slowly)
    for _time in range(100):
        nudge.nudge()
    release.set()
    told.wait()
    assert len(told) <= 3
