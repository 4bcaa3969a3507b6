"""Uses at a desk: written, corrected, closed, moved and deleted by hand; the odometers follow always."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from machines import usage
from machines.models import Machine, Use
from machines.usage import Who
from members.models import Change, Member
from tests.conftest import NOW
from tests.staff import backend_role, client_of, errors_of, filled_in, page, save

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
USE_WORK = ("view_use", "add_use", "change_use", "delete_use", "view_machine")


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


@pytest.fixture
def clerk(make_member) -> Client:
    """Works on uses, and may not know whose they are."""
    return client_of(make_member("Fred", role=backend_role("Hours", *USE_WORK)))


@pytest.fixture
def running(laser, ada):
    """Ada's, for two hours; her board was last heard half an hour ago."""
    times = {"started_at": NOW - 2 * HOUR, "last_seen_at": NOW - HOUR / 2}
    return Use.objects.create(machine=laser, member=ada, card_uid=ada.uid, **times)


def moment(name: str, at) -> dict[str, str]:
    local = timezone.localtime(at)
    return {f"{name}_0": f"{local:%Y-%m-%d}", f"{name}_1": f"{local:%H:%M:%S}"}


NO_END = {"ended_at_0": "", "ended_at_1": ""}


def written(client: Client, machine: Machine, started_at, **fields):
    data = {"machine": machine.pk, "member": "", "note": "", **moment("started_at", started_at), **NO_END, **fields}
    return client.post(page(Use, "add"), data)


def said(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


# ---- the list --------------------------------------------------------------------------------------------------------


def test_a_replayed_use_is_marked_in_words(boss, laser, make_use):
    make_use(laser, is_replay=True)
    make_use(laser, hours_ago=5)
    text = boss.get(page(Use, "changelist")).content.decode()
    assert text.count('<span class="use-estimated">times estimated</span>') == 1


def test_a_running_use_says_how_long_it_runs(boss, running):
    assert '<span class="use-running">running for 2:00 h</span>' in boss.get(page(Use, "changelist")).content.decode()


def test_a_card_that_nobody_owned_stands_for_its_member(boss, laser, make_use):
    make_use(laser, card_uid="deadbeef")
    assert "card deadbeef" in boss.get(page(Use, "changelist")).content.decode()


@pytest.mark.parametrize(
    ("asked", "hours"),
    [({"running": "yes"}, [2]), ({"running": "no"}, [5, 9]), ({"is_replay__exact": "1"}, [5])],
)
def test_what_runs_and_what_was_replayed_is_found(boss, running, laser, make_use, asked, hours):
    make_use(laser, hours_ago=5, is_replay=True)
    make_use(laser, hours_ago=9)
    found = boss.get(page(Use, "changelist"), asked).context["cl"].result_list
    assert [(NOW - use.started_at) // HOUR for use in found] == hours


@pytest.mark.parametrize("q", ["0a1b2c3d", "0A:1B", "ada", "ada laser"])
def test_uses_are_found_by_card_person_and_machine(boss, running, printer, make_use, q):
    make_use(printer)
    assert list(boss.get(page(Use, "changelist"), {"q": q}).context["cl"].result_list) == [running]


def test_uses_of_a_card_that_nobody_owned_are_found_by_its_number(boss, running, printer, make_use):
    nobodys = make_use(printer, card_uid="deadbeef")
    assert list(boss.get(page(Use, "changelist"), {"q": "DE:AD"}).context["cl"].result_list) == [nobodys]


# ---- adding ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lasted", ["1:30", "1.30", "01:30:00"])
def test_a_use_may_be_written_with_its_duration(boss, laser, ada, odometer, lasted):
    written(boss, laser, NOW - 3 * HOUR, member=ada.pk, lasted=lasted)
    use = Use.objects.get()
    assert (use.member, use.ended_at, use.end_reason) == (ada, NOW - 1.5 * HOUR, "staff")
    assert odometer(laser) == 5400


@pytest.mark.parametrize("lasted", ["90", "1:75", "x", "-1:00", "1:"])
def test_what_is_no_duration_is_told_next_to_it(boss, laser, lasted):
    response = written(boss, laser, NOW - 3 * HOUR, lasted=lasted)
    assert errors_of(response) == {"lasted": ["Write it like 1:30, for one hour and a half."]}


def test_a_duration_into_the_future_is_told_next_to_it(boss, laser):
    response = written(boss, laser, NOW - HOUR, lasted="1:01")
    assert errors_of(response) == {"lasted": ["It would end in the future."]}


def test_an_end_and_a_duration_that_disagree_are_told(boss, laser):
    response = written(boss, laser, NOW - 3 * HOUR, lasted="1:00", **moment("ended_at", NOW - HOUR))
    assert errors_of(response) == {"lasted": ["The end says otherwise: leave one of the two."]}


def test_an_end_and_a_duration_that_agree_are_taken(boss, laser, odometer):
    written(boss, laser, NOW - 3 * HOUR, lasted="2:00", **moment("ended_at", NOW - HOUR))
    assert odometer(laser) == 7200


def test_a_use_without_an_end_runs(boss, laser):
    written(boss, laser, NOW - HOUR)
    assert Use.objects.get().ended_at is None


def test_a_second_running_use_is_refused_next_to_the_machine(boss, running, laser):
    assert errors_of(written(boss, laser, NOW - HOUR)) == {"machine": ["This machine is already in use."]}


def test_an_overlap_is_warned_of_and_kept(boss, laser, make_use, odometer):
    make_use(laser, 3600, hours_ago=3)
    response = written(boss, laser, NOW - 2.5 * HOUR, lasted="1:00")
    assert any("two people cannot be there at once" in text for text in said(response))
    assert odometer(laser) == 7200


def test_one_after_the_other_is_no_overlap(boss, laser, printer, make_use):
    make_use(laser, 3600, hours_ago=3)
    make_use(printer, 3600, hours_ago=2)
    response = written(boss, laser, NOW - 2 * HOUR, lasted="1:00")
    assert not any("two people" in text for text in said(response))


# ---- correcting ------------------------------------------------------------------------------------------------------


def test_a_duration_is_corrected(boss, laser, make_use, odometer, true_odometer):
    use = make_use(laser, 3600)
    save(boss, page(Use, "change", use.pk), lasted="0:10")
    assert odometer(laser) == true_odometer(laser) == 600


def test_a_start_is_corrected_and_the_end_stays(boss, laser, make_use, odometer):
    use = make_use(laser, 3600)
    save(boss, page(Use, "change", use.pk), **moment("started_at", use.started_at - HOUR))
    assert odometer(laser) == 7200


def test_start_and_duration_are_corrected_together(boss, laser, make_use, odometer):
    use = make_use(laser, 3600)
    save(boss, page(Use, "change", use.pk), lasted="0:30", **moment("started_at", use.started_at - HOUR))
    use.refresh_from_db()
    assert (use.started_at, use.ended_at) == (NOW - 3 * HOUR, NOW - 2.5 * HOUR)
    assert odometer(laser) == 1800


def test_a_use_moves_with_its_hours_and_its_new_duration(boss, laser, printer, make_use, odometer):
    use = make_use(laser, 3600)
    save(boss, page(Use, "change", use.pk), machine=printer.pk, lasted="0:30")
    assert (odometer(laser), odometer(printer)) == (0, 1800)


def test_saving_without_a_change_changes_nothing(boss, laser, make_use, odometer):
    use = make_use(laser, 3599, end_reason="lost", is_replay=True)
    save(boss, page(Use, "change", use.pk))
    use.refresh_from_db()
    assert (use.duration, use.end_reason, use.is_replay, odometer(laser)) == (3599, "lost", True, 3599)
    assert not Change.objects.exists()


def test_corrected_times_are_no_longer_estimated_if_staff_says_so(boss, laser, make_use):
    use = make_use(laser, 3600, is_replay=True)
    sent = {**filled_in(boss, page(Use, "change", use.pk)), "lasted": "0:30"}
    boss.post(page(Use, "change", use.pk), sent)
    use.refresh_from_db()
    assert use.is_replay
    del sent["is_estimated"]
    boss.post(page(Use, "change", use.pk), sent)
    use.refresh_from_db()
    assert not use.is_replay


def test_the_board_may_stop_it_while_the_form_is_open(boss, running, ada, laser, odometer):
    sent = filled_in(boss, page(Use, "change", running.pk))
    usage.stop(laser.pk, Who(ada.uid, ada.pk), 7000, NOW)
    boss.post(page(Use, "change", running.pk), {**sent, "note": "It smelled"})
    running.refresh_from_db()
    assert (running.note, running.duration, running.end_reason, odometer(laser)) == ("It smelled", 7000, "stop", 7000)


def test_a_sign_of_life_while_the_form_is_open_is_kept(boss, running, ada, laser):
    sent = filled_in(boss, page(Use, "change", running.pk))
    usage.sign_of_life(laser.pk, Who(ada.uid, ada.pk), 7200, NOW)
    boss.post(page(Use, "change", running.pk), {**sent, "note": "It smelled"})
    running.refresh_from_db()
    assert (running.note, running.last_seen_at, running.ended_at) == ("It smelled", NOW, None)


# ---- closing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("action", "seconds"), [("end_now", 7200), ("end_when_last_seen", 5400)])
def test_a_running_use_is_ended_by_a_button(boss, running, laser, odometer, action, seconds):
    assert f'name="action" value="{action}"' in boss.get(page(Use, "change", running.pk)).content.decode()
    boss.post(page(Use, "changelist"), {"action": action, "_selected_action": [running.pk]})
    running.refresh_from_db()
    assert (running.duration, running.end_reason, odometer(laser)) == (seconds, "staff", seconds)


def test_a_use_that_has_ended_has_no_such_button(boss, laser, make_use):
    assert "end_now" not in boss.get(page(Use, "change", make_use(laser).pk)).content.decode()


def test_looking_at_the_button_ends_nothing(boss, running):
    boss.get(page(Use, "changelist"), {"action": "end_now", "_selected_action": [running.pk]})
    running.refresh_from_db()
    assert running.ended_at is None


# ---- who may what ----------------------------------------------------------------------------------------------------


def test_who_may_not_see_members_finds_no_member_card_or_note(clerk, running, laser):
    Use.objects.filter(pk=running.pk).update(note="Ada forgot it", is_replay=True)
    save(clerk, page(Use, "change", running.pk), **moment("ended_at", NOW - HOUR))
    Use.objects.create(machine=laser, card_uid="deadbeef", note="Ada?", started_at=NOW - HOUR)
    urls = [page(Use, "changelist"), page(Use, "add")]
    urls += [page(Use, kind, running.pk) for kind in ("change", "delete", "history")]
    for url in urls:
        text = clerk.get(url).content.decode()
        for secret in ("Lovelace", "0a1b2c3d", "deadbeef", "forgot", "Ada?"):
            assert secret not in text, (url, secret)


def test_who_may_not_see_members_cannot_search_for_them(clerk, running):
    for q in ("lovelace", "0a1b2c3d"):
        assert not clerk.get(page(Use, "changelist"), {"q": q}).context["cl"].result_list


def test_who_may_not_see_members_corrects_the_rest(clerk, running, ada, laser, odometer):
    save(clerk, page(Use, "change", running.pk), lasted="1:00", member="", note="mine")
    running.refresh_from_db()
    assert (running.member, running.note, odometer(laser)) == (ada, "", 3600)


def test_who_may_only_look_changes_nothing(make_member, running, laser, make_use):
    guest = client_of(make_member("Gil", role=backend_role("Guests", "view_use", "view_member", "view_machine")))
    replayed = make_use(laser, is_replay=True, hours_ago=9)
    assert guest.get(page(Use, "change", running.pk)).status_code == 200
    assert "times estimated" in guest.get(page(Use, "change", replayed.pk)).content.decode()
    assert guest.post(page(Use, "change", running.pk), {"note": "x"}).status_code == 403
    for action in ("end_now", "end_when_last_seen", "move_to_machine", "delete_selected"):
        guest.post(page(Use, "changelist"), {"action": action, "_selected_action": [running.pk], "post": "yes"})
    running.refresh_from_db()
    assert (running.ended_at, running.note) == (None, "")


@pytest.mark.parametrize("kind", ["changelist", "add", "change", "delete", "history"])
def test_the_pages_are_there_in_italian(boss, dora, running, kind):
    Member.objects.filter(pk=dora.pk).update(language="it")
    args = [] if kind in ("changelist", "add") else [running.pk]
    assert 'lang="it"' in boss.get(page(Use, kind, *args)).content.decode()


@pytest.mark.parametrize(
    "asked", [{}, {"q": "ada laser"}, {"q": "0a1b2c3d"}, {"member__like": "a", "running": "yes"}, {"o": "2"}]
)
def test_a_list_takes_less_than_ten_queries(boss, running, printer, make_use, asked, django_assert_max_num_queries):
    for hours in range(3, 30):
        make_use(printer, 60, hours_ago=hours)
    with django_assert_max_num_queries(9):
        assert boss.get(page(Use, "changelist"), asked).status_code == 200
