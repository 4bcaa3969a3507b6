"""What staff does to several uses at once: end, move, delete; and that whatever staff does, odometers stay true."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.db import transaction
from django.test import Client
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from machines import usage
from machines.admin import use_actions
from machines.models import Machine, Use
from machines.usage import Who
from members.changes import changes_of, sentences
from members.models import Change, Member
from tests.conftest import NOW
from tests.staff import backend_role, client_of, page, save

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


def act(client: Client, action: str, *uses: Use, **fields):
    chosen = {"action": action, "_selected_action": [use.pk for use in uses]}
    return client.post(page(Use, "changelist"), {**chosen, **fields})


def said(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def log_of(use: Use, *, sees_people: bool = True) -> list[str]:
    return [text for change in changes_of(use) for text in sentences(change, sees_people=sees_people)]


# ---- moving ----------------------------------------------------------------------------------------------------------


def test_moving_asks_for_the_machine_first(boss, laser, printer, make_use, odometer):
    use = make_use(laser, 600)
    response = act(boss, "move_to_machine", use)
    assert response.status_code == 200
    assert f'<option value="{printer.pk}">' in response.content.decode()
    assert (odometer(laser), odometer(printer)) == (600, 0)


def test_uses_of_several_machines_move_with_their_hours(boss, laser, printer, laser_type, make_use, odometer):
    lathe = Machine.objects.create(id=20, name="Lathe", type=laser_type, initial_seconds=50)
    uses = [make_use(laser, 600), make_use(printer, 60), make_use(lathe, 6)]
    response = act(boss, "move_to_machine", *uses, sure="yes", machine=lathe.pk)
    assert [odometer(machine) for machine in (laser, printer, lathe)] == [0, 0, 50 + 666]
    assert "2 uses were moved to Lathe (20)." in said(response)


def test_without_a_machine_the_page_says_so(boss, laser, make_use):
    response = act(boss, "move_to_machine", make_use(laser), sure="yes", machine="")
    assert "This field is required." in response.content.decode()


def test_a_running_use_moves_where_nothing_runs(boss, laser, printer):
    use = Use.objects.create(machine=laser, started_at=NOW - HOUR)
    act(boss, "move_to_machine", use, sure="yes", machine=printer.pk)
    use.refresh_from_db()
    assert use.machine == printer


def test_a_running_use_does_not_move_where_one_runs(boss, laser, printer):
    uses = [Use.objects.create(machine=machine, started_at=NOW - HOUR) for machine in (laser, printer)]
    response = act(boss, "move_to_machine", uses[0], sure="yes", machine=printer.pk)
    assert "Only one use can be running at a machine." in response.content.decode()
    response = act(boss, "move_to_machine", *uses, sure="yes", machine=printer.pk)
    assert "Only one use can be running at a machine." in response.content.decode()


def test_a_running_use_stays_where_a_board_began_another_one_meanwhile(boss, laser, printer, monkeypatch):
    """Between the page's check and the lock on the machine."""
    running = Use.objects.create(machine=laser, started_at=NOW - HOUR)
    hold = use_actions.hold_machines

    def hold_after_a_start(which):
        Use.objects.get_or_create(machine=printer, ended_at=None, defaults={"started_at": NOW})
        hold(which)

    monkeypatch.setattr(use_actions, "hold_machines", hold_after_a_start)
    response = act(boss, "move_to_machine", running, sure="yes", machine=printer.pk)
    assert response.status_code == 302
    running.refresh_from_db()
    assert running.machine == laser


def test_moving_onto_another_use_is_warned_of(boss, laser, printer, make_use):
    make_use(printer, 3600)
    response = act(boss, "move_to_machine", make_use(laser, 60), sure="yes", machine=printer.pk)
    assert any(text.startswith("1 of them overlaps") for text in said(response))


# ---- ending and deleting ---------------------------------------------------------------------------------------------


def test_uses_end_at_their_own_last_sign_of_life(boss, laser, printer, odometer):
    running = [
        Use.objects.create(machine=machine, started_at=NOW - 3 * HOUR, last_seen_at=NOW - ago * HOUR)
        for machine, ago in ((laser, 1), (printer, 2))
    ]
    act(boss, "end_when_last_seen", *running)
    assert (odometer(laser), odometer(printer)) == (7200, 3600)


def test_what_has_ended_keeps_its_end(boss, laser, make_use, odometer):
    use = make_use(laser, 600, end_reason="stop")
    response = act(boss, "end_now", use)
    use.refresh_from_db()
    assert (use.end_reason, odometer(laser)) == ("stop", 600)
    assert "0 uses were ended." in said(response)


def test_deleting_several_says_what_goes_and_takes_their_hours_back(boss, laser, printer, make_use, odometer):
    uses = [make_use(laser, 600), make_use(laser, 60, hours_ago=5), make_use(printer, 6)]
    assert "Laser (7) – 2026-03-10 11:00" in act(boss, "delete_selected", *uses).content.decode()
    assert odometer(laser) == 660
    act(boss, "delete_selected", *uses, post="yes")
    assert (odometer(laser), odometer(printer), Use.objects.count()) == (0, 0, 0)


def test_many_are_done_a_few_at_a_time(boss, laser, printer, make_use, odometer, monkeypatch):
    """Boards wait no longer than for one of these transactions."""
    monkeypatch.setattr(use_actions, "_IN_A_TRANSACTION", 2)
    uses = [make_use(laser, 10, hours_ago=ago) for ago in range(2, 9)]
    act(boss, "move_to_machine", *uses, sure="yes", machine=printer.pk)
    assert (odometer(laser), odometer(printer)) == (0, 70)
    act(boss, "delete_selected", *uses, post="yes")
    assert (odometer(printer), Use.objects.count()) == (0, 0)


@pytest.mark.parametrize("action", ["move_to_machine", "delete_selected"])
def test_a_whole_history_is_not_moved_or_deleted_by_accident(boss, laser, printer, make_use, monkeypatch, action):
    monkeypatch.setattr(use_actions, "MOST_AT_ONCE", 3)
    uses = [make_use(laser, 10, hours_ago=ago) for ago in range(2, 6)]
    response = act(boss, action, uses[0], select_across="1", sure="yes", post="yes", machine=printer.pk)
    assert "These are more than 3: choose fewer, with a filter." in said(response)
    assert laser.uses.count() == 4


# ---- the log of changes ----------------------------------------------------------------------------------------------


def test_the_log_has_old_and_new_value(boss, laser, printer, make_use):
    use = make_use(laser, 600)
    save(boss, page(Use, "change", use.pk), lasted="0:20", note="wrong")
    act(boss, "move_to_machine", use, sure="yes", machine=printer.pk)
    running = Use.objects.create(machine=laser, started_at=NOW - HOUR)
    act(boss, "end_now", running)
    assert "Machine: Laser (7) → Printer (12)" in log_of(use)
    assert {"Ended: 2026-03-10 11:10 → 2026-03-10 11:20", "Duration, seconds: 600 → 1200"} <= set(log_of(use))
    assert {"Ended: 2026-03-10 13:00", "Ended by: closed by staff"} <= set(log_of(running))


def test_the_log_outlives_the_use_and_its_author(boss, dora, laser, ada, make_use):
    use = make_use(laser, 600, member=ada, note="Ada's")
    act(boss, "delete_selected", use, post="yes")
    Member.objects.filter(pk=dora.pk).delete()
    change = Change.objects.get(kind=Change.Kind.DELETED)
    assert change.member is None
    assert "Machine: Laser (7) → –" in sentences(change, sees_people=True)
    assert "Member: Ada Lovelace → –" in sentences(change, sees_people=True)
    assert not any("Ada" in text for text in sentences(change, sees_people=False))


def test_a_deletion_is_noted_once(boss, laser, make_use):
    uses = [make_use(laser, 60, hours_ago=ago) for ago in (3, 5)]
    act(boss, "delete_selected", uses[0], post="yes")
    boss.post(page(Use, "delete", uses[1].pk), {"post": "yes"})
    assert Change.objects.filter(kind=Change.Kind.DELETED).count() == 2


def test_an_added_use_is_noted_with_its_values(boss, laser, ada):
    when = timezone.localtime(NOW - 3 * HOUR)
    times = {"started_at_0": f"{when:%Y-%m-%d}", "started_at_1": f"{when:%H:%M:%S}", "ended_at_0": "", "ended_at_1": ""}
    boss.post(page(Use, "add"), {"machine": laser.pk, "member": ada.pk, "lasted": "1:00", "note": "hers", **times})
    texts = log_of(Use.objects.get())
    assert "Member: Ada Lovelace" in texts
    assert "Member: …" in log_of(Use.objects.get(), sees_people=False)
    assert "Note: …" in log_of(Use.objects.get(), sees_people=False)


# ---- any sequence ----------------------------------------------------------------------------------------------------

machines = st.sampled_from([7, 12, 20])
indexes = st.lists(st.integers(0, 9), min_size=1, max_size=3)
minutes = st.integers(0, 200)
deeds = st.one_of(
    st.tuples(st.just("add"), machines, minutes, st.none() | minutes),
    st.tuples(st.just("edit"), indexes, machines, minutes, minutes),
    st.tuples(st.just("reopen"), indexes),
    st.tuples(st.just("move"), indexes, machines),
    st.tuples(st.just("close"), indexes, st.sampled_from(["end_now", "end_when_last_seen"])),
    st.tuples(st.just("delete"), indexes),
    st.tuples(st.just("delete_by_query"), machines),
    st.tuples(st.just("tap"), machines),
)


class Desk:
    """Staff at the admin, which refuses some of it, while a board reports now and then."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def add(self, machine, ago, lasted):
        text = "" if lasted is None else f"{lasted // 60}:{lasted % 60:02d}"
        self.client.post(page(Use, "add"), self._sent(machine, ago, text))

    def edit(self, chosen, machine, ago, lasted):
        for use in self._some(chosen)[:1]:
            data = self._sent(machine, ago, f"{lasted // 60}:{lasted % 60:02d}")
            self.client.post(page(Use, "change", use.pk), data)

    def reopen(self, chosen):
        for use in self._some(chosen)[:1]:
            save(self.client, page(Use, "change", use.pk), ended_at_0="", ended_at_1="")

    def move(self, chosen, machine):
        act(self.client, "move_to_machine", *self._some(chosen), sure="yes", machine=machine)

    def close(self, chosen, action):
        act(self.client, action, *self._some(chosen))

    def delete(self, chosen):
        act(self.client, "delete_selected", *self._some(chosen), post="yes")

    def delete_by_query(self, machine):
        Use.objects.filter(machine=machine, ended_at__isnull=False).delete()

    def tap(self, machine):
        usage.start(machine, Who("0a1b2c3d"), NOW)

    def _sent(self, machine, ago, lasted):
        when = timezone.localtime(NOW - timedelta(minutes=ago))
        started = {"started_at_0": f"{when:%Y-%m-%d}", "started_at_1": f"{when:%H:%M:%S}"}
        rest = {"ended_at_0": "", "ended_at_1": "", "lasted": lasted, "member": "", "note": ""}
        return {"machine": machine, **started, **rest}

    def _some(self, chosen):
        uses = list(Use.objects.order_by("pk"))
        return list({uses[index % len(uses)].pk: uses[index % len(uses)] for index in chosen}.values()) if uses else []


@given(st.lists(deeds, min_size=2, max_size=8))
@settings(max_examples=25)
def test_whatever_staff_does_odometers_are_the_sum_of_their_uses(
    boss, laser, printer, laser_type, make_use, true_odometer, day
):
    Machine.objects.get_or_create(id=20, defaults={"name": "Lathe", "type": laser_type, "initial_seconds": 5000})
    with transaction.atomic():
        for machine, ago in ((laser, 9), (printer, 8), (laser, 7)):
            make_use(machine, 600, hours_ago=ago)
        desk = Desk(boss)
        for deed, *arguments in day:
            getattr(desk, deed)(*arguments)
            for machine in Machine.objects.all():
                assert machine.seconds_used == true_odometer(machine), (deed, arguments)
        transaction.set_rollback(True)


def test_who_may_change_but_not_delete_is_not_offered_it(make_member, laser, make_use):
    clerk = client_of(make_member("Fred", role=backend_role("Hours", "view_use", "change_use")))
    use = make_use(laser)
    assert 'value="delete_selected"' not in clerk.get(page(Use, "changelist")).content.decode()
    act(clerk, "delete_selected", use, post="yes")
    assert Use.objects.filter(pk=use.pk).exists()


def test_the_page_that_picks_a_machine_is_there_in_italian(boss, dora, laser, make_use):
    Member.objects.filter(pk=dora.pk).update(language="it")
    assert 'lang="it"' in act(boss, "move_to_machine", make_use(laser)).content.decode()
