"""Staff blocks and unblocks machines from their list and their form, several at once, and each says why."""

from unittest.mock import patch

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from machines import blocking
from machines.models import Machine
from members.changes import sentences
from members.models import Change
from telemetry import nudge
from tests.staff import backend_role, client_of, errors_of, filled_in, page, save

pytestmark = pytest.mark.django_db

LIST = "/admin/machines/machine/"


@pytest.fixture
def tina(make_member):
    role = backend_role("Technicians", "view_machine", "change_machine", "view_maintenanceplan")
    return make_member("Tina", role=role, email="tina@example.org")


@pytest.fixture
def staff(tina, laser, printer) -> Client:
    return client_of(tina)


@pytest.fixture
def blocked(laser):
    laser.is_blocked, laser.blocked_reason = True, "Mirror cracked"
    laser.save()
    return Machine.objects.get(pk=7)


def choose(client, action, *numbers, **fields):
    return client.post(LIST, {"action": action, "_selected_action": numbers, **fields})


def block(client, *numbers, reason="Power cut", **fields):
    return choose(client, "block_selected", *numbers, sure="yes", reason=reason, **fields)


def unblock(client, *numbers):
    return choose(client, "unblock_selected", *numbers, sure="yes")


def state(number=7):
    return Machine.objects.values_list("is_blocked", "blocked_reason").get(pk=number)


def said(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


def history(number=7):
    entries = Change.objects.filter(content_type__model="machine", object_id=str(number)).order_by("pk")
    return [" / ".join(sentences(entry, sees_people=True)) for entry in entries]


# ---- from the list ---------------------------------------------------------------------------------------------------


def test_blocking_asks_why_first(staff):
    content = choose(staff, "block_selected", 7, 12).content.decode()
    assert "These 2 machines will be blocked:" in content
    assert '<input type="text" name="reason"' in content
    assert "A block is no lock-out" in content
    assert (state(7), state(12)) == ((False, ""), (False, ""))


def test_several_machines_are_blocked_at_once(staff):
    response = block(staff, 7, 12, reason="  Power cut ")
    assert (response.status_code, said(response)) == (302, ["2 machines are blocked."])
    assert (state(7), state(12)) == ((True, "Power cut"), (True, "Power cut"))
    assert Machine.objects.get(pk=7).blocked_at is not None


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201])
def test_a_reason_is_needed_and_must_not_be_endless(staff, reason):
    content = block(staff, 7, reason=reason).content.decode()
    assert state() == (False, "")
    assert "errorlist" in content
    assert 'name="sure" value="yes"' in content


def test_those_that_are_blocked_keep_their_reason_and_are_told(staff, blocked):
    asked = choose(staff, "block_selected", 7, 12).content.decode()
    assert "This machine will be blocked:" in asked
    assert "Mirror cracked" in asked
    response = block(staff, 7, 12)
    assert (state(7), state(12)) == ((True, "Mirror cracked"), (True, "Power cut"))
    assert Machine.objects.get(pk=7).blocked_at == blocked.blocked_at
    assert said(response) == [
        "1 machine is blocked.",
        "Blocked already, with the reason that they have: Laser (Mirror cracked)",
    ]
    assert history(7) == []


def test_one_that_somebody_blocks_meanwhile_keeps_that_reason(staff, dora):
    real = blocking._set_blocked

    def late(machine_id, member_id, **how):
        if machine_id == 7 and member_id != dora.pk:
            blocking.block(7, "Dora was faster", dora.pk)
        return real(machine_id, member_id, **how)

    with patch.object(blocking, "_set_blocked", late):
        response = block(staff, 7)
    assert state() == (True, "Dora was faster")
    assert said(response) == ["Blocked already, with the reason that they have: Laser (Dora was faster)"]


def test_nothing_is_asked_where_all_are_blocked(staff, blocked):
    response = choose(staff, "block_selected", 7)
    assert said(response) == ["Blocked already, with the reason that they have: Laser (Mirror cracked)"]


def test_unblocking_asks_first_and_shows_why_they_were_blocked(staff, blocked):
    content = choose(staff, "unblock_selected", 7, 12).content.decode()
    assert "May this machine be used again?" in content
    assert "Mirror cracked" in content
    assert "Printer" not in content.split('id="content-main"')[1]
    assert state()[0]


def test_unblocked_machines_have_no_reason_left(staff, blocked):
    assert said(unblock(staff, 7, 12)) == ["1 machine is unblocked."]
    assert state() == (False, "")


def test_where_none_is_blocked_it_is_said(staff):
    assert said(unblock(staff, 7)) == ["None of these machines is blocked."]


def test_the_log_keeps_old_and_new_and_who_did_it(staff, tina):
    block(staff, 7)
    unblock(staff, 7)
    assert history() == [
        "Blocked: no → yes / Reason: Power cut",
        "Blocked: yes → no / Reason: Power cut → –",
    ]
    assert set(Change.objects.values_list("member", flat=True)) == {tina.pk}


@pytest.mark.parametrize("way", [block, unblock])
def test_the_live_page_is_told(staff, printer, way, django_capture_on_commit_callbacks):
    printer.is_blocked = True
    printer.save()
    with patch.object(nudge, "nudge") as told, django_capture_on_commit_callbacks(execute=True):
        way(staff, 7, 12)
    assert told.called


def test_all_of_a_long_list_are_blocked_through_one_page(staff, laser_type):
    Machine.objects.bulk_create([Machine(id=100 + n, name=f"M{n}", type=laser_type) for n in range(60)])
    content = choose(staff, "block_selected", 100, select_across="1").content.decode()
    assert content.count('name="_selected_action"') == 1
    block(staff, 100, select_across="1")
    assert Machine.objects.filter(is_blocked=True).count() == 62


def test_looking_changes_nothing(staff):
    staff.get(LIST, {"action": "block_selected", "_selected_action": 7, "sure": "yes", "reason": "x"})
    assert state() == (False, "")


@pytest.mark.parametrize("way", [block, unblock])
def test_who_may_only_look_cannot_block(make_member, blocked, printer, way):
    viewer = client_of(make_member("Vera", role=backend_role("Viewers", "view_machine"), email="v@example.org"))
    assert "block_selected" not in viewer.get(LIST).content.decode()
    way(viewer, 7, 12)
    assert (state(7), state(12)) == ((True, "Mirror cracked"), (False, ""))


def test_a_form_of_another_site_is_refused(tina, laser):
    client = Client(enforce_csrf_checks=True)
    client.force_login(tina)
    assert block(client, 7).status_code == 403
    assert state() == (False, "")


def test_what_people_wrote_is_no_markup(staff, blocked):
    Machine.objects.filter(pk=7).update(blocked_reason="<b>loud</b>", name="<i>Laser</i>")
    content = choose(staff, "unblock_selected", 7).content.decode()
    assert "<b>loud" not in content
    assert "<i>Laser" not in content


def test_the_pages_are_read_in_italian(staff, tina, blocked):
    tina.language = "it"
    tina.save()
    assert choose(staff, "block_selected", 12).status_code == 200
    assert choose(staff, "unblock_selected", 7).status_code == 200


# ---- from the form ---------------------------------------------------------------------------------------------------


def test_a_machine_is_blocked_in_its_form(staff):
    save(staff, page(Machine, "change", 7), is_blocked="on", blocked_reason="Mirror cracked")
    assert state() == (True, "Mirror cracked")
    assert history() == ["Blocked: no → yes / Reason: Mirror cracked"]


def test_the_form_wants_a_reason_too(staff):
    response = save(staff, page(Machine, "change", 7), is_blocked="on")
    assert list(errors_of(response)) == ["blocked_reason"]


def test_a_reason_is_corrected_in_the_form(staff, blocked):
    save(staff, page(Machine, "change", 7), blocked_reason="Lens cracked")
    assert state() == (True, "Lens cracked")


def test_an_old_block_without_a_reason_does_not_keep_the_form_from_being_saved(staff):
    Machine.objects.filter(pk=7).update(is_blocked=True)
    save(staff, page(Machine, "change", 7), name="Big laser")
    assert Machine.objects.get(pk=7).name == "Big laser"


def test_a_machine_unblocked_in_its_form_has_no_reason_left(staff, blocked):
    sent = filled_in(staff, page(Machine, "change", 7))
    del sent["is_blocked"]
    staff.post(page(Machine, "change", 7), sent)
    assert state() == (False, "")
    assert history() == ["Blocked: yes → no / Reason: Mirror cracked → –"]


def test_a_form_left_open_does_not_undo_a_block_made_meanwhile(staff, dora):
    sent = filled_in(staff, page(Machine, "change", 7))
    blocking.block(7, "Mirror cracked", dora.pk)
    staff.post(page(Machine, "change", 7), {**sent, "name": "Big laser"})
    assert state() == (True, "Mirror cracked")
    assert Machine.objects.get(pk=7).name == "Big laser"
