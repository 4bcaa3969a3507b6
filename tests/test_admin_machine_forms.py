"""A machine in its form: its number, its hours, another number, start and stop from afar."""

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from machines.models import Machine, MachineType, MaintenancePlan, Use
from members.changes import sentences
from members.models import Change
from tests.conftest import NOW
from tests.staff import backend_role, client_of, errors_of, filled_in, page, save

pytestmark = pytest.mark.django_db

NO_PLANS = {"maintenance_plans-TOTAL_FORMS": 0, "maintenance_plans-INITIAL_FORMS": 0}


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


def new_machine(number: object, machine_type: MachineType, **fields) -> dict:
    return {"id": number, "name": "Lathe", "type": machine_type.pk, "initial_seconds": 0, **NO_PLANS, **fields}


def moment(name: str, at) -> dict:
    local = timezone.localtime(at)
    return {f"{name}_0": f"{local:%Y-%m-%d}", f"{name}_1": f"{local:%H:%M:%S}"}


def said(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


# ---- a number for a new machine --------------------------------------------------------------------------------------


def test_a_machine_gets_the_number_of_its_board(boss, laser_type):
    boss.post(page(Machine, "add"), new_machine(42, laser_type, initial_seconds="100.5"))
    assert Machine.objects.get(pk=42).seconds_used == 361_800


def test_the_lowest_free_number_is_suggested(boss, laser_type):
    for number in (1, 2, 4):
        Machine.objects.create(id=number, name="M", type=laser_type)
    assert filled_in(boss, page(Machine, "add"))["id"] == 3


def test_a_number_that_is_taken_is_told_next_to_the_field_and_whose_it_is(boss, laser, laser_type):
    response = boss.post(page(Machine, "add"), new_machine(laser.pk, laser_type))
    assert errors_of(response) == {"id": ["This number belongs to Laser (7)."]}


@pytest.mark.parametrize("number", [0, -1, 65536, 70000, "seven", "7.5", ""])
def test_a_number_no_board_can_have_is_refused(boss, laser_type, number):
    assert list(errors_of(boss.post(page(Machine, "add"), new_machine(number, laser_type)))) == ["id"]
    assert not Machine.objects.exists()


def test_machine_1_warns(boss, laser_type):
    assert any("reset" in text for text in said(boss.post(page(Machine, "add"), new_machine(1, laser_type))))


def test_no_other_number_warns(boss, laser_type):
    assert not any("reset" in text for text in said(boss.post(page(Machine, "add"), new_machine(2, laser_type))))


def test_a_number_does_not_change_in_the_form(boss, laser):
    save(boss, page(Machine, "change", laser.pk), id=99)
    assert list(Machine.objects.values_list("pk", flat=True)) == [laser.pk]


# ---- hours and plans -------------------------------------------------------------------------------------------------


def test_a_machine_comes_with_its_plans(boss, laser_type):
    fields = new_machine(42, laser_type, initial_seconds="100") | {
        "maintenance_plans-TOTAL_FORMS": 1,
        "maintenance_plans-0-description": "Oil",
        "maintenance_plans-0-hours_between": 50,
        "maintenance_plans-0-hours_ago": "40",
        "maintenance_plans-0-is_active": "on",
        **{f"maintenance_plans-0-{name}": value for name, value in moment("last_work_at", timezone.now()).items()},
    }
    assert boss.post(page(Machine, "add"), fields).status_code == 302
    assert MaintenancePlan.objects.get().reading_at_last_work == 60 * 3600


def test_saving_a_machine_keeps_what_the_worker_counted(boss, laser, make_use, odometer):
    sent = filled_in(boss, page(Machine, "change", laser.pk))
    make_use(laser, 600)
    boss.post(page(Machine, "change", laser.pk), sent)
    assert odometer(laser) == 600


def test_every_second_before_the_first_use_survives_the_form(boss, laser, odometer):
    laser.initial_seconds = 4801
    laser.save()
    save(boss, page(Machine, "change", laser.pk), name="Same hours")
    assert odometer(laser) == 4801


# ---- another number --------------------------------------------------------------------------------------------------


def renumber(client: Client, old: int, new: object):
    return client.post(page(Machine, "renumber", old), {"number": new})


def test_the_form_leads_to_another_number(boss, laser):
    assert 'href="/admin/machines/machine/7/renumber/"' in boss.get(page(Machine, "change", 7)).content.decode()


def test_the_page_says_what_moves_and_that_the_board_has_to_follow(boss, laser, make_use):
    make_use(laser)
    make_use(laser, hours_ago=5)
    content = boss.get(page(Machine, "renumber", 7)).content.decode()
    assert "<li>Uses: 2</li>" in content
    assert "Its board has to be given the new number, too" in content
    assert 'name="number" value="2"' in content
    assert Machine.objects.filter(pk=7).exists(), "looking changes nothing"


def test_a_machine_moves_with_its_uses_and_the_log_tells_it(boss, dora, laser, make_use):
    make_use(laser)
    response = renumber(boss, 7, 99)
    assert response["Location"] == page(Machine, "change", 99)
    assert said(response) == ["Machine 7 is now machine 99. Set the number in its board, too."]
    assert Use.objects.get().machine_id == 99
    assert sentences(Change.objects.get(object_id="99"), sees_people=True) == ["Number: 7 → 99"]
    assert Change.objects.get(object_id="99").member == dora


def test_number_1_warns(boss, laser):
    assert any("reset" in text for text in said(renumber(boss, 7, 1)))


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("12", "This number belongs to Printer (12)."),
        ("7", "This number belongs to Laser (7)."),
        ("0", "greater than or equal to 1"),
        ("70000", "less than or equal to 65535"),
        ("seven", "Enter a whole number."),
        ("", "This field is required."),
    ],
)
def test_a_number_that_cannot_be_is_told_next_to_the_field(boss, laser, printer, number, reason):
    response = renumber(boss, 7, number)
    assert reason in response.context["form"].errors["number"][0]
    assert set(Machine.objects.values_list("pk", flat=True)) == {7, 12}


def test_a_machine_in_use_is_refused_and_said_before(boss, laser):
    Use.objects.create(machine=laser, started_at=NOW)
    assert "The machine is in use now." in boss.get(page(Machine, "renumber", 7)).content.decode()
    assert "in use" in renumber(boss, 7, 99).context["form"].errors["number"][0]


@pytest.mark.parametrize("number", ["8", "x"])
def test_a_machine_that_does_not_exist_has_no_such_page(boss, laser, number):
    assert boss.get(f"/admin/machines/machine/{number}/renumber/").status_code == 302


def test_who_may_only_look_cannot_renumber(make_member, laser):
    viewer = client_of(make_member("Vera", role=backend_role("Viewers", "view_machine"), email="v@example.org"))
    assert viewer.get(page(Machine, "renumber", 7)).status_code == 403
    assert renumber(viewer, 7, 99).status_code == 403
    assert "renumber" not in viewer.get(page(Machine, "change", 7)).content.decode()


def test_strangers_are_sent_to_log_in(client, laser):
    response = client.post(page(Machine, "renumber", 7), {"number": 99})
    assert response["Location"].startswith("/admin/login/")
    assert Machine.objects.filter(pk=7).exists()


def test_a_form_of_another_site_is_refused(dora, laser):
    client = Client(enforce_csrf_checks=True)
    client.force_login(dora)
    assert renumber(client, 7, 99).status_code == 403


def test_the_page_is_read_in_italian(boss, dora, laser):
    dora.language = "it"
    dora.save()
    assert 'lang="it"' in boss.get(page(Machine, "renumber", 7)).content.decode()


# ---- from afar -------------------------------------------------------------------------------------------------------


@pytest.fixture
def startable(laser, laser_type):
    laser_type.allow_remote_start = True
    laser_type.save()
    Machine.objects.filter(pk=7).update(last_seen_at=timezone.now())
    return laser


def form_of(client: Client) -> str:
    return client.get(page(Machine, "change", 7)).content.decode()


def test_the_form_leads_to_the_live_page(boss, laser):
    assert '<a href="/machines/7/">' in form_of(boss)


def test_start_and_stop_are_where_the_type_allows_them(boss, startable):
    content = form_of(boss)
    assert '<form action="/machines/7/request/" method="post">' in content
    assert "Nobody may be standing at the machine." in content
    assert content.index("</form>") < content.index('action="/machines/7/request/"'), "a form in a form is none"


def test_they_are_not_where_the_type_does_not(boss, laser):
    assert "/machines/7/request/" not in form_of(boss)
    assert "From afar" not in form_of(boss)


def test_a_silent_board_has_no_buttons_but_a_reason(boss, startable):
    Machine.objects.filter(pk=7).update(last_seen_at=None)
    assert "The board is silent: it would not hear a request." in form_of(boss)
    assert "/machines/7/request/" not in form_of(boss)


def test_who_may_only_look_has_no_buttons(make_member, startable):
    role = backend_role("Viewers", "view_machine")
    viewer = client_of(make_member("Vera", "0e0e0e0e", role=role, email="v@example.org"))
    assert "/machines/7/request/" not in form_of(viewer)


def test_what_the_buttons_send_is_what_the_machines_page_takes(boss, dora, startable, monkeypatch):
    from telemetry import remote

    asked = []
    monkeypatch.setattr(remote, "send", asked.append)
    form = boss.get(page(Machine, "change", 7)).context["controls"].remote_form
    sent = {"card": form.initial["card"], "sees": "on", "kind": "start"}
    assert boss.post("/machines/7/request/", sent)["Location"] == "/machines/7/"
    assert [(one.machine_id, one.kind.value, one.uid) for one in asked] == [(7, "start", dora.uid)]
