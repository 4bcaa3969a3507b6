"""Machines, rights, maintenance and uses written by hand; the odometer stays true whatever staff does."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from machines.models import Authorization, Intervention, Machine, MachineType, MaintenancePlan, Use
from tests.staff import backend_role, client_of, errors_of, filled_in, page, save

pytestmark = pytest.mark.django_db

MODELS = [MachineType, Machine, Authorization, MaintenancePlan, Intervention, Use]


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


@pytest.fixture
def lab(everybody, laser, printer, make_use, make_plan, dora):
    """One row of everything."""
    make_use(laser, member=everybody.ada, card_uid=everybody.ada.uid)
    return Intervention.objects.create(plan=make_plan(laser), member=dora, at=timezone.now() - timedelta(hours=1))


def moment(name: str, at) -> dict:
    local = timezone.localtime(at)
    return {f"{name}_0": f"{local:%Y-%m-%d}", f"{name}_1": f"{local:%H:%M:%S}"}


# ---- pages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
def test_every_page_opens(boss, lab, model):
    row = model.objects.first()
    urls = [page(model, "changelist"), page(model, "add")]
    urls += [page(model, kind, row.pk) for kind in ("change", "delete", "history")]
    for url in urls:
        assert boss.get(url).status_code == 200, url


@pytest.mark.parametrize("model", MODELS)
def test_a_list_asks_the_database_as_often_for_many_rows(
    boss, lab, ada, make_use, make_plan, authorize, model, django_assert_max_num_queries, django_assert_num_queries
):
    with django_assert_max_num_queries(20) as few:
        boss.get(page(model, "changelist"))
    for number in range(100, 115):
        new_type = MachineType.objects.create(name=f"Type {number}")
        machine = Machine.objects.create(id=number, name=f"Machine {number}", type=new_type)
        authorize(ada, machine)
        make_use(machine, member=ada)
        Intervention.objects.create(plan=make_plan(machine), member=ada, at=timezone.now() - timedelta(hours=2))
    with django_assert_num_queries(len(few)):
        boss.get(page(model, "changelist"))


def test_a_machines_page_asks_as_often_for_many_plans(
    boss, lab, laser, make_plan, django_assert_max_num_queries, django_assert_num_queries
):
    url = page(Machine, "change", laser.pk)
    with django_assert_max_num_queries(20) as few:
        boss.get(url)
    for _number in range(10):
        make_plan(laser)
    with django_assert_num_queries(len(few)):
        boss.get(url)


@pytest.mark.parametrize("model", [Authorization, Use])
def test_a_card_is_found_in_any_notation(boss, lab, ada, model):
    rows = boss.get(page(model, "changelist"), {"q": "0A:1B:2C:3D"}).context["cl"].result_list
    assert [row.member for row in rows] == [ada]


def test_a_repairer_works_on_machines_without_seeing_members(make_member, lab, laser):
    role = backend_role("Repairs", "view_machine", "change_machine", "view_maintenanceplan", "add_intervention")
    fixer = client_of(make_member("Fred", role=role))
    assert save(fixer, page(Machine, "change", laser.pk), name="Big laser").status_code == 302
    assert fixer.get(page(Use, "changelist")).status_code == 403
    assert fixer.post(page(Machine, "delete", laser.pk), {"post": "yes"}).status_code == 403


# ---- uses ------------------------------------------------------------------------------------------------------------


def new_use(machine: Machine, hours_ago: float, seconds: int | None) -> dict:
    started_at = timezone.now() - timedelta(hours=hours_ago)
    ended_at = {"ended_at_0": "", "ended_at_1": ""}
    if seconds is not None:
        ended_at = moment("ended_at", started_at + timedelta(seconds=seconds))
    return {"machine": machine.pk, "member": "", "note": "", **moment("started_at", started_at), **ended_at}


def test_a_use_written_by_hand_counts(boss, laser, odometer):
    assert boss.post(page(Use, "add"), new_use(laser, 2, 3600)).status_code == 302
    assert (odometer(laser), Use.objects.get().end_reason) == (3600, "staff")


def test_a_use_corrected_by_hand_counts_as_corrected(boss, laser, make_use, odometer, true_odometer):
    use = make_use(laser, 3600)
    save(boss, page(Use, "change", use.pk), **moment("ended_at", use.started_at + timedelta(minutes=10)))
    assert odometer(laser) == true_odometer(laser) == 600


def test_a_use_moved_to_another_machine_takes_its_hours_along(boss, laser, printer, make_use, odometer):
    use = make_use(laser, 3600)
    save(boss, page(Use, "change", use.pk), machine=printer.pk)
    assert (odometer(laser), odometer(printer)) == (0, 3600)


def test_a_running_use_is_closed_by_hand(boss, laser, odometer):
    boss.post(page(Use, "add"), new_use(laser, 2, None))
    use = Use.objects.get()
    save(boss, page(Use, "change", use.pk), **moment("ended_at", use.started_at + timedelta(hours=1)))
    assert odometer(laser) == 3600


def test_running_uses_are_closed_from_the_list(boss, laser, printer, make_use, odometer, true_odometer):
    running = Use.objects.create(machine=laser, started_at=timezone.now() - timedelta(hours=1))
    closed = make_use(printer, 60)
    boss.post(page(Use, "changelist"), {"action": "end_now", "_selected_action": [running.pk, closed.pk]})
    running.refresh_from_db()
    assert running.end_reason == "staff"
    assert 3600 <= odometer(laser) == true_odometer(laser)
    assert odometer(printer) == 60


def test_a_second_running_use_is_told_next_to_the_machine(boss, laser):
    Use.objects.create(machine=laser, started_at=timezone.now() - timedelta(hours=1))
    response = boss.post(page(Use, "add"), new_use(laser, 0.5, None))
    assert errors_of(response) == {"machine": ["This machine is already in use."]}


@pytest.mark.parametrize(
    ("hours_ago", "seconds", "field"), [(2, -60, "ended_at"), (2, 7800, "ended_at"), (-1, None, "started_at")]
)
def test_what_cannot_have_happened_is_told_next_to_the_field(boss, laser, hours_ago, seconds, field):
    assert list(errors_of(boss.post(page(Use, "add"), new_use(laser, hours_ago, seconds)))) == [field]


def test_a_form_left_open_does_not_restart_what_ended_meanwhile(boss, laser, odometer):
    use = Use.objects.create(machine=laser, started_at=timezone.now() - timedelta(hours=2))
    sent = filled_in(boss, page(Use, "change", use.pk))
    use.ended_at = use.started_at + timedelta(hours=1)
    use.save()
    boss.post(page(Use, "change", use.pk), {**sent, "note": "It smelled"})
    use.refresh_from_db()
    assert (use.note, use.duration, odometer(laser)) == ("It smelled", 3600, 3600)


def test_deleted_uses_give_their_hours_back(boss, laser, make_use, odometer):
    uses = [make_use(laser, 600, hours_ago=ago) for ago in (3, 5, 7)]
    chosen = [use.pk for use in uses[:2]]
    boss.post(page(Use, "changelist"), {"action": "delete_selected", "_selected_action": chosen, "post": "yes"})
    assert odometer(laser) == 600
    boss.post(page(Use, "delete", uses[2].pk), {"post": "yes"})
    assert odometer(laser) == 0


def test_hours_are_shown_as_people_say_them(boss, laser, make_use):
    make_use(laser, 5 * 3600 + 42 * 60)
    for model in (Machine, Use):
        assert "5:42 h" in boss.get(page(model, "changelist")).content.decode()
