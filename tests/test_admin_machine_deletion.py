"""A machine that is deleted takes its history along: staff sees how much, and nobody is kept waiting."""

from unittest.mock import Mock, patch

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from machines import removal
from machines.models import Authorization, Intervention, Machine, MaintenancePlan, Use
from members.models import Change
from telemetry import nudge
from telemetry.models import Board, Downtime, Tap
from tests.conftest import NOW
from tests.staff import backend_role, client_of, page

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


@pytest.fixture
def lab(ada, laser, printer, make_use, make_plan):
    """A row of everything that a machine takes along."""
    make_use(laser, member=ada)
    make_use(printer)
    Intervention.objects.create(plan=make_plan(laser), member=ada, at=timezone.now())
    Tap.objects.create(at=NOW, machine=laser, outcome="granted")
    Downtime.objects.create(machine=laser, kind="offline", started_at=NOW)
    Board.objects.create(serial="AA", machine=laser)


def delete(client: Client, *numbers: int, **fields):
    selected = {"action": "delete_selected", "_selected_action": numbers}
    return client.post(page(Machine, "changelist"), {**selected, **fields})


def test_a_machine_goes_with_its_history(boss, lab, laser, odometer):
    assert boss.post(page(Machine, "delete", 7), {"post": "yes"}).status_code == 302
    assert not Machine.objects.filter(pk=7).exists()
    for model in (Use, Tap, Downtime, Intervention, MaintenancePlan, Authorization):
        assert not model.objects.filter(machine_id=7).exists(), model
    assert Board.objects.get().machine_id is None
    assert odometer(12) == 600
    connection.check_constraints()


def test_several_machines_go_at_once(boss, lab):
    assert delete(boss, 7, 12, post="yes").status_code == 302
    assert not Machine.objects.exists()
    assert not Use.objects.exists()


@pytest.mark.parametrize("piece", [1, 2, 3])
def test_a_long_history_goes_in_pieces(boss, lab, laser, make_use, piece):
    for number in range(4):
        make_use(laser, hours_ago=10 + number)
    with patch.object(removal, "PIECE", piece), patch.object(removal, "BREATH", 0):
        boss.post(page(Machine, "delete", 7), {"post": "yes"})
    assert list(Use.objects.values_list("machine_id", flat=True)) == [12]


def test_the_odometer_is_true_also_where_deleting_was_interrupted(lab, laser, make_use, odometer, true_odometer):
    for number in range(4):
        make_use(laser, 60 + number, hours_ago=10 + number)
    with (
        patch.object(removal, "PIECE", 2),
        patch.object(removal, "time", Mock(sleep=Mock(side_effect=KeyboardInterrupt))),
        pytest.raises(KeyboardInterrupt),
    ):
        removal.remove(laser)
    assert Use.objects.filter(machine_id=7).count() == 3
    assert odometer(7) == true_odometer(7)


def test_an_odometer_that_is_wrong_does_not_keep_its_machine(lab, laser):
    Machine.objects.filter(pk=7).update(seconds_used=1)
    removal.remove(laser)
    assert not Machine.objects.filter(pk=7).exists()


def test_what_is_recorded_while_it_goes_goes_too(boss, lab, laser, make_use):
    # Only this module's clock: other threads sleep, too.
    pause = Mock(sleep=Mock(side_effect=lambda seconds: pause.sleep.call_count > 1 or make_use(laser, hours_ago=40)))
    with patch.object(removal, "PIECE", 1), patch.object(removal, "time", pause):
        removal.remove(laser)
    assert not Use.objects.filter(machine_id=7).exists()


def test_the_live_page_is_told(boss, lab, django_capture_on_commit_callbacks):
    with patch.object(nudge, "nudge") as told, django_capture_on_commit_callbacks(execute=True):
        boss.post(page(Machine, "delete", 7), {"post": "yes"})
    assert told.called


def test_the_log_keeps_what_the_machine_was(boss, dora, lab):
    boss.post(page(Machine, "delete", 7), {"post": "yes"})
    entry = Change.objects.get(content_type__model="machine", object_id="7", kind="deleted")
    assert (entry.member, entry.object_repr) == (dora, "Laser (7)")
    assert {"field": "place", "old": "Room 2", "new": None} in entry.details[0]["values"]


# ---- the page before -------------------------------------------------------------------------------------------------


def test_the_log_keeps_how_much_went_along(boss, lab):
    boss.post(page(Machine, "delete", 7), {"post": "yes"})
    values = {entry["field"]: entry["old"] for entry in Change.objects.get(object_id="7").details[0]["values"]}
    assert {"uses": "1", "taps": "1", "interventions": "1", "authorizations": "1"}.items() <= values.items()


def test_what_goes_along_is_counted_not_listed(boss, lab, laser, make_use):
    for _number in range(5):
        make_use(laser)
    response = boss.get(page(Machine, "delete", 7))
    counts = dict(response.context["model_count"])
    assert (counts["uses"], counts["taps"], counts["downtimes"]) == (6, 1, 1)
    assert response.context["deleted_objects"] == ["Laser (7)"]


def test_of_several_all_is_counted_together(boss, lab):
    assert dict(delete(boss, 7, 12).context["model_count"])["uses"] == 2


def test_blocking_is_suggested_where_there_is_a_history(boss, lab):
    assert "block it instead" in boss.get(page(Machine, "delete", 7)).content.decode()
    assert "block it instead" in delete(boss, 7, 12).content.decode()


def test_a_machine_without_a_history_just_goes(boss, laser):
    assert "block it instead" not in boss.get(page(Machine, "delete", 7)).content.decode()


def test_a_machine_does_not_take_along_what_staff_may_not_delete(make_member, lab):
    fixer = client_of(make_member("Fred", role=backend_role("Repairs", "view_machine", "delete_machine")))
    assert "permission" in fixer.get(page(Machine, "delete", 7)).content.decode()
    assert fixer.post(page(Machine, "delete", 7), {"post": "yes"}).status_code == 403
    assert delete(fixer, 7, post="yes").status_code == 403
    assert Machine.objects.filter(pk=7).exists()


def test_who_may_delete_all_of_it_may(make_member, lab):
    models = ("machine", "authorization", "maintenanceplan", "intervention", "use", "tap")
    role = backend_role("Repairs", "view_machine", *(f"delete_{model}" for model in models))
    fixer = client_of(make_member("Fred", role=role))
    fixer.post(page(Machine, "delete", 7), {"post": "yes"})
    assert not Machine.objects.filter(pk=7).exists()


def test_looking_deletes_nothing(boss, lab):
    boss.get(page(Machine, "delete", 7), {"post": "yes"})
    assert Machine.objects.filter(pk=7).exists()
