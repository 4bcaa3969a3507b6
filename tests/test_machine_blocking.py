"""Staff blocks and unblocks a machine from its page, with a reason, and nobody else can."""

import re
from unittest.mock import patch

import pytest
from django.test import Client

from machines.models import Machine
from members.changes import sentences
from members.models import Change
from telemetry import nudge
from tests.staff import backend_role, client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def tina(make_member):
    return make_member("Tina", role=backend_role("Technicians", "change_machine"), email="tina@example.org")


@pytest.fixture
def staff(tina, laser) -> Client:
    return client_of(tina)


@pytest.fixture
def blocked(laser):
    laser.is_blocked, laser.blocked_reason = True, "Mirror cracked"
    laser.save()
    return Machine.objects.get(pk=7)


def block(client, reason="Tube leaks", **more):
    return client.post("/machines/7/block/", {"reason": reason}, **more)


def state():
    return Machine.objects.values_list("is_blocked", "blocked_reason").get(pk=7)


# ---- what it does ----------------------------------------------------------------------------------------------------


def test_a_block_has_its_reason_and_its_time(staff):
    response = block(staff, "  Tube leaks ")
    assert (response.status_code, response["Location"]) == (302, "/machines/7/")
    assert state() == (True, "Tube leaks")
    assert Machine.objects.get(pk=7).blocked_at is not None


def test_the_page_that_follows_says_so_once(staff):
    page = block(staff, follow=True).content.decode()
    assert '<ul class="messages" role="status"><li class="success">The machine is blocked.</li>' in page
    assert "Tube leaks" in page
    assert "/machines/7/unblock/" in page
    assert "The machine is blocked." not in staff.get("/machines/7/").content.decode()


def test_an_unblocked_machine_has_no_reason_left(staff, blocked):
    response = staff.post("/machines/7/unblock/", follow=True)
    assert state() == (False, "")
    assert "The machine is not blocked any more." in response.content.decode()


def test_only_the_block_is_written(staff, laser):
    Machine.objects.filter(pk=7).update(seconds_used=7200)
    with patch.object(Machine, "save", autospec=True, side_effect=Machine.save) as saved:
        block(staff)
    assert saved.call_args.kwargs == {"update_fields": ["is_blocked", "blocked_reason"]}
    assert Machine.objects.get(pk=7).seconds_used == 7200


def test_the_worker_is_told(staff, django_capture_on_commit_callbacks):
    with patch.object(nudge, "nudge") as told, django_capture_on_commit_callbacks(execute=True):
        block(staff)
    assert told.called


def test_the_admins_history_tells_who_did_it_and_why(staff, tina):
    block(staff)
    staff.post("/machines/7/unblock/")
    entries = Change.objects.filter(object_id="7", content_type__model="machine", kind="changed", member=tina)
    assert [sentences(entry, sees_people=True) for entry in entries] == [
        ["Blocked: yes → no", "Reason: Tube leaks → –"],
        ["Blocked: no → yes", "Reason: Tube leaks"],
    ]


# ---- two at once -----------------------------------------------------------------------------------------------------


def test_who_blocks_second_changes_nothing_and_reads_why(staff, blocked):
    page = block(staff, "Other reason", follow=True).content.decode()
    assert state() == (True, "Mirror cracked")
    assert Machine.objects.get(pk=7).blocked_at == blocked.blocked_at
    assert "It was blocked already, and nothing was changed. The reason: Mirror cracked" in page
    assert not Change.objects.exists()


def test_who_unblocks_second_changes_nothing(staff):
    response = staff.post("/machines/7/unblock/")
    assert response.status_code == 302
    assert state() == (False, "")
    assert not Change.objects.exists()


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201])
def test_a_reason_is_needed_and_must_not_be_endless(staff, reason):
    response = block(staff, reason)
    page = response.content.decode()
    assert response.status_code == 422
    assert state() == (False, "")
    assert re.search(r'<input[^>]*name="reason"[^>]*aria-invalid="true"', page)
    assert '<ul class="errorlist"' in page


def test_what_was_typed_is_kept(staff):
    assert f'value="{"x" * 201}"' in block(staff, "x" * 201).content.decode()


def test_a_reason_of_two_hundred_characters_fits(staff):
    block(staff, "x" * 200)
    assert state() == (True, "x" * 200)


def test_a_reason_is_no_markup(staff):
    page = block(staff, "<b>loud</b>", follow=True).content.decode()
    assert "<b>loud" not in page
    assert "&lt;b&gt;loud&lt;/b&gt;" in page


@pytest.mark.parametrize("way", ["block", "unblock"])
def test_strangers_are_sent_to_log_in_and_come_back_to_the_page(client, settings, blocked, way):
    settings.DASHBOARD_ACCESS = "public"
    response = client.post(f"/machines/7/{way}/", {"reason": "because"})
    assert (response.status_code, response["Location"]) == (302, "/admin/login/?next=/machines/7/")
    assert state() == (True, "Mirror cracked")


@pytest.mark.parametrize("codename", ["", "view_machine"])
@pytest.mark.parametrize("way", ["block", "unblock"])
def test_staff_without_the_right_is_refused(blocked, make_member, way, codename):
    member = make_member("Vera", role=backend_role("Viewers", codename), email="vera@example.org")
    response = client_of(member).post(f"/machines/7/{way}/", {"reason": "because"})
    assert (response.status_code, b"fabomatic.css" in response.content) == (403, True)
    assert state() == (True, "Mirror cracked")


@pytest.mark.parametrize("way", ["block", "unblock"])
def test_a_right_without_being_staff_is_not_enough(blocked, ada, roles, way):
    from django.contrib.auth.models import Permission

    roles.members.permissions.set(Permission.objects.filter(codename="change_machine"))
    assert client_of(ada).post(f"/machines/7/{way}/", {"reason": "because"}).status_code == 403
    assert state() == (True, "Mirror cracked")


@pytest.mark.parametrize("way", ["block", "unblock"])
def test_a_form_of_another_site_is_refused(tina, blocked, way):
    client = Client(enforce_csrf_checks=True)
    client.force_login(tina)
    assert client.post(f"/machines/7/{way}/", {"reason": "because"}).status_code == 403
    assert state() == (True, "Mirror cracked")


@pytest.mark.parametrize("way", ["block", "unblock"])
def test_a_machine_that_does_not_exist_cannot_be_blocked(staff, way):
    assert staff.post(f"/machines/8/{way}/", {"reason": "because"}).status_code == 404


@pytest.mark.parametrize("way", ["block", "unblock"])
def test_looking_changes_nothing(staff, blocked, way):
    response = staff.get(f"/machines/7/{way}/")
    assert (response.status_code, response["Location"]) == (302, "/machines/7/")
    assert state() == (True, "Mirror cracked")
