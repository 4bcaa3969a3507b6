"""Every page of the administration, found by following its links: it opens for whom it is, and only looking changes
nothing."""

import json
from datetime import timedelta

import pytest
from django.apps import apps
from django.core import serializers
from django.utils import timezone

from machines.models import Intervention, Use
from telemetry.models import Board, Downtime, Screen, Tap
from tests.conftest import UNKNOWN_UID
from tests.crawling import pages
from tests.staff import backend_role, client_of
from tests.test_security_headers import refused_in

pytestmark = pytest.mark.django_db
OPEN_TO_ALL = ("/admin/login/", "/admin/jsi18n/", "/admin/password_reset/", "/admin/logout/")
OURS = ("members", "machines", "telemetry", "fabomatic")


@pytest.fixture
def lab(everybody, laser, printer, make_plan):
    now = timezone.now()
    plan = make_plan(laser, days_between=3, last_work_at=now - timedelta(days=9))
    Use.objects.create(machine=laser, member=everybody.ada, started_at=now - timedelta(hours=2), ended_at=now)
    Use.objects.create(machine=printer, member=everybody.bruno, started_at=now)
    Intervention.objects.create(plan=plan, member=everybody.carla, at=now - timedelta(days=9))
    for uid, member in ((UNKNOWN_UID, None), ("08abcdef", None), (everybody.ada.uid, everybody.ada)):
        outcome = "granted" if member else "unknown_card"
        Tap.objects.create(at=now, machine=laser, uid=uid, member=member, outcome=outcome)
    Board.objects.create(serial="A1", machine=laser, firmware="1.0.7")
    Board.objects.create(serial="B2", machine=printer, conflict_machine=laser, conflict_since=now, firmware="1.0.6")
    Screen.objects.create(name="Entrance")
    Downtime.objects.create(machine=laser, kind="blocked", started_at=now)


def state():
    models = [model for model in apps.get_models() if model._meta.app_label in OURS]
    return [json.loads(serializers.serialize("json", model._base_manager.order_by("pk"))) for model in models]


@pytest.mark.parametrize("language", ["en", "it"])
def test_every_page_opens_for_a_superuser_and_changes_nothing(lab, dora, language):
    dora.language = language
    dora.save()
    client = client_of(dora)
    before = state()
    statuses, refused = {}, {}
    for address, answer in pages(client, "/admin/", "/", "/statistics/"):
        statuses[address] = answer.status_code
        is_page = answer.status_code == 200 and "html" in answer["Content-Type"]
        if is_page and (found := refused_in(answer)):
            refused[address] = found
    assert {address: status for address, status in statuses.items() if status >= 400} == {}
    assert refused == {}
    assert len(statuses) > 110
    assert state() == before


def test_every_page_opens_for_limited_staff_or_is_refused(lab, make_member):
    role = backend_role("Technicians", "view_machine", "view_maintenanceplan", "add_intervention", "view_intervention")
    tina = make_member("Tina", role=role, email="tina@example.org")
    client = client_of(tina)
    before = state()
    statuses = {address: answer.status_code for address, answer in pages(client, "/admin/", "/")}
    # Django links what belongs together without asking who may follow.
    assert {address: status for address, status in statuses.items() if status >= 400 and status != 403} == {}
    assert [address for address, status in statuses.items() if status == 403 and "machinetype" not in address] == []
    assert state() == before


def test_no_page_opens_for_a_stranger_or_an_ordinary_member(lab, dora, ada, client):
    addresses = [address for address, _answer in pages(client_of(dora), "/admin/") if address.startswith("/admin/")]
    assert len(addresses) > 100
    for visitor in (client, client_of(ada)):
        opened = [address for address in addresses if visitor.get(address).status_code == 200]
        assert [address for address in opened if not address.startswith(OPEN_TO_ALL)] == []
