"""Staff whose role may not see members is told of nobody: on no page, in no list, log, filter or export."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from machines.models import Authorization, Intervention, Use
from members.changes import note, state_of
from members.models import Change
from telemetry.models import Board, Tap
from tests.conftest import UNKNOWN_UID
from tests.crawling import pages, text_of
from tests.staff import backend_role, client_of

pytestmark = pytest.mark.django_db
PERSONAL = re.compile(
    r"lovelace|ada@example|0a1b2c3d|munari|b1b1b1b1|scarpa|secret note|deadbeef|dora maar|dora@example", re.I
)


@pytest.fixture
def lab(ada, bruno, carla, dora, laser, printer, make_plan):
    """Everybody has left traces everywhere."""
    now = timezone.now()
    plan = make_plan(laser)
    Use.objects.create(
        machine=laser,
        member=ada,
        card_uid=ada.uid,
        started_at=now - timedelta(hours=3),
        ended_at=now - timedelta(hours=2),
        note="secret note",
    )
    running = Use.objects.create(machine=printer, member=bruno, card_uid=bruno.uid, started_at=now)
    Intervention.objects.create(plan=plan, member=carla, at=now - timedelta(hours=1), note="new lens")
    for member, outcome in ((ada, "granted"), (bruno, "authorization_expired"), (None, "unknown_card")):
        uid = member.uid if member else UNKNOWN_UID
        Tap.objects.create(at=now, machine=laser, uid=uid, member=member, outcome=outcome)
    Board.objects.create(serial="A1", machine=laser, conflict_machine=printer, conflict_since=now)
    right = Authorization.objects.get(member=ada)
    right.granted_by, right.note = dora, "secret note"
    right.save()
    for thing in (ada, running, right, laser):
        note(dora.pk, thing, Change.Kind.CHANGED, [{"did": "changed", "values": state_of(thing)}])


@pytest.fixture
def tina(make_member):
    """May do everything in the administration but see members."""
    role = backend_role("Technicians")
    role.permissions.set(Permission.objects.exclude(codename="view_member"))
    return make_member("Tina", role=role, email="tina@example.org")


STARTS = ("/admin/", "/", "/?kiosk", "/statistics/", "/status.json", "/machines/7/", "/machines/12/")


def test_whoever_may_not_see_members_meets_nobody_anywhere(lab, tina, settings):
    settings.DASHBOARD_NAMES = "full"
    found = {}
    opened = 0
    for address, response in pages(client_of(tina), *STARTS):
        opened += response.status_code == 200
        if said := set(PERSONAL.findall(text_of(response))):
            found[address] = said
    assert found == {}
    assert opened > 60


@pytest.mark.parametrize(
    "address",
    [
        "/admin/machines/use/?member__id__exact={ada}",
        "/admin/machines/use/?member__first_name__startswith=A",
        "/admin/machines/use/?card_uid=0a1b2c3d",
        "/admin/machines/use/?q=0a1b2c3d",
        "/admin/machines/use/?q=Lovelace",
        "/admin/telemetry/tap/?uid__startswith=0a",
        "/admin/telemetry/tap/?q=Lovelace",
        "/admin/machines/authorization/?q=Lovelace",
        "/admin/machines/authorization/?granted_by__id__exact={dora}",
        "/admin/members/card/?q=0a1b2c3d",
    ],
)
def test_nor_can_they_find_out_by_asking(lab, tina, ada, dora, address):
    """Neither is the row found by a person, nor is the person told."""
    client = client_of(tina)
    answered = client.get(address.format(ada=ada.pk, dora=dora.pk))
    everything = client.get(address.partition("?")[0])
    text = text_of(answered)
    assert not PERSONAL.search(text.replace("0a1b2c3d", "").replace("Lovelace", "") if "?q=" in address else text)
    if answered.status_code == 200:
        rows = [str(row) for row in answered.context["cl"].result_list]
        all_rows = [str(row) for row in everything.context["cl"].result_list]
        assert rows in ([], all_rows)


@pytest.mark.parametrize(
    ("model", "field"), [("use", "member"), ("authorization", "member"), ("intervention", "member")]
)
def test_autocompletion_tells_of_nobody(lab, tina, model, field):
    asked = {"app_label": "machines", "model_name": model, "field_name": field, "term": "a"}
    assert client_of(tina).get("/admin/autocomplete/", asked).status_code == 403


def test_whoever_may_see_members_does(lab, dora):
    text = text_of(client_of(dora).get("/admin/machines/use/"))
    assert "Ada Lovelace" in text
