"""Last days that are over, who is the one to ask about a right, rows about the same, and uses too long to be one."""

from datetime import date, timedelta

import pytest
import time_machine

from machines.models import LONGEST_USE, Authorization, Use
from members.models import Change, Member
from telemetry.protocol import MAX_DURATION
from tests.conftest import NOW, UIDS, YESTERDAY
from tests.importing import confirm, csv_of, do_import, errors_in, preview, verdicts
from tests.staff import client_of, errors_of, filled_in, page, save

pytestmark = pytest.mark.django_db

RIGHTS = "Machine number;Card number;Valid until;Note"
PEOPLE = "First name;E-mail;Membership ends;Cards"
USES = "Machine number;Card number;Started;Ended;Note"
OVER = "This day is over: nobody could use the machine."
TOO_LONG = "A use lasts 30 days at most."
HAS_ENDED = "The membership has ended already."


@pytest.fixture(autouse=True)
def today(settings, tmp_path):
    settings.IMPORT_FOLDER = tmp_path / "imports"
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def boss(dora):
    return client_of(dora)


# ---- rights ----------------------------------------------------------------------------------------------------------


def test_who_changes_the_end_of_a_right_is_the_one_to_ask_about_it(boss, dora, carla, bruno):
    Authorization.objects.update(granted_by=carla, granted_at=NOW - timedelta(days=99))
    do_import(boss, Authorization, csv_of(RIGHTS, f"7;{UIDS['bruno']};;retrained"))
    right = Authorization.objects.get()
    assert (right.granted_by, right.granted_at, right.note) == (carla, NOW - timedelta(days=99), "retrained")
    do_import(boss, Authorization, csv_of(RIGHTS, f"7;{UIDS['bruno']};2026-06-30;"))
    right.refresh_from_db()
    assert (right.granted_by, right.granted_at, right.valid_until) == (dora, NOW, date(2026, 6, 30))


def test_who_granted_it_is_in_the_log_with_old_and_new(boss, dora, carla, bruno):
    Authorization.objects.update(granted_by=carla)
    do_import(boss, Authorization, csv_of(RIGHTS, f"7;{UIDS['bruno']};2026-06-30;"))
    (entry,) = Change.objects.get().details
    values = {one["field"]: (one["old"], one["new"]) for one in entry["values"]}
    assert values == {"valid until": (str(YESTERDAY), "2026-06-30"), "granted by": (str(carla), str(dora))}


@pytest.mark.parametrize("who", ["hugo", "ada"])
def test_a_right_that_would_be_over_is_refused(boss, request, laser, who):
    request.getfixturevalue(who)
    seen = preview(boss, Authorization, csv_of(RIGHTS, f"7;{UIDS[who]};{YESTERDAY};"))
    assert errors_in(seen) == [f"2 Valid until: {OVER}"]


def test_a_right_may_end_today(boss, hugo, laser):
    assert verdicts(preview(boss, Authorization, csv_of(RIGHTS, f"7;{UIDS['hugo']};{NOW:%Y-%m-%d};"))) == ["new"]


def test_what_has_ended_stays_as_it_is_and_can_be_given_a_note(boss, bruno):
    do_import(boss, Authorization, csv_of(RIGHTS, f"7;{UIDS['bruno']};{YESTERDAY};left"))
    assert Authorization.objects.values_list("valid_until", "note").get() == (YESTERDAY, "left")


# ---- members ---------------------------------------------------------------------------------------------------------


def test_an_ended_membership_is_taken_over_and_that_is_said(boss, ada):
    rows = ("Nina;n@example.org;2020-12-31;", f"Ada;;{YESTERDAY};{UIDS['ada']}")
    seen = preview(boss, Member, csv_of(PEOPLE, *rows))
    assert verdicts(seen) == ["new", "changed"]
    url = seen.request["PATH_INFO"]
    for verdict in ("new", "changed"):
        assert boss.get(url, {"show": verdict}).content.decode().count(HAS_ENDED) == 1
    confirm(boss, seen)
    assert Member.objects.get(email="n@example.org").valid_until == date(2020, 12, 31)


def test_nothing_is_said_of_memberships_that_go_on_or_had_ended_before(boss, ada, gino):
    rows = (f"Ada;;{NOW:%Y-%m-%d};{UIDS['ada']}", f"Gina;;{YESTERDAY};{UIDS['gino']}", "Nina;n@example.org;;")
    seen = preview(boss, Member, csv_of(PEOPLE, *rows))
    assert verdicts(seen) == ["changed", "changed", "new"]
    for verdict in ("new", "changed"):
        assert HAS_ENDED not in boss.get(seen.request["PATH_INFO"], {"show": verdict}).content.decode()


# ---- rows about the same ---------------------------------------------------------------------------------------------


def test_a_good_row_is_not_refused_for_a_wrong_one_about_the_same(boss):
    rows = ("Nina;n@example.org;2026-02-31;12345678", "Nina;n@example.org;2026-12-31;12345678")
    seen = preview(boss, Member, csv_of(PEOPLE, *rows))
    assert verdicts(seen) == ["error", "new"]
    assert len(errors_in(seen)) == 1


def test_nor_for_one_that_is_itself_a_double(boss):
    rows = ("Nina;n@example.org;;11111111", "Otto;o@example.org;;11111111", "Otto;o@example.org;;22222222")
    seen = preview(boss, Member, csv_of(PEOPLE, *rows))
    assert verdicts(seen) == ["new", "error", "new"]
    assert errors_in(seen) == ["3 Cards: Row 2 is about the same."]


# ---- uses ------------------------------------------------------------------------------------------------------------


def test_boards_and_staff_have_the_same_limit():
    assert LONGEST_USE.total_seconds() == MAX_DURATION


def row_of(days: int, seconds: int = 0, note: str = "") -> str:
    """A use of Ada's that began on the first of January, in winter time throughout."""
    ended = f"2026-01-{1 + days:02d} 10:00:{seconds:02d}"
    return f"7;{UIDS['ada']};2026-01-01 10:00:00;{ended};{note}"


def test_a_use_of_more_than_thirty_days_is_refused(boss, ada, laser):
    assert verdicts(preview(boss, Use, csv_of(USES, row_of(30)))) == ["new"]
    assert errors_in(preview(boss, Use, csv_of(USES, row_of(30, 1)))) == [f"2 Ended: {TOO_LONG}"]


def test_a_known_use_is_not_made_that_long_but_a_long_one_gets_its_note(boss, ada, laser):
    do_import(boss, Use, csv_of(USES, row_of(29)))
    assert errors_in(preview(boss, Use, csv_of(USES, row_of(30, 1)))) == [f"2 Ended: {TOO_LONG}"]
    use = Use.objects.get()
    use.ended_at += timedelta(days=2)
    use.save()
    row = f"7;{UIDS['ada']};2026-01-01 10:00:00;2026-02-01 10:00:00;forgotten"
    assert verdicts(preview(boss, Use, csv_of(USES, row))) == ["changed"]


@pytest.fixture
def month(laser, ada):
    """Ended an hour ago, after just thirty days."""
    times = {"started_at": NOW - LONGEST_USE - timedelta(hours=1), "ended_at": NOW - timedelta(hours=1)}
    return Use.objects.create(machine=laser, member=ada, **times)


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("lasted", {"lasted": "720:01"}),
        ("ended_at", {"ended_at_1": "12:00:01"}),
        ("started_at", {"started_at_1": "11:59:59"}),
    ],
)
def test_the_form_says_so_next_to_what_was_changed(boss, month, field, sent):
    url = page(Use, "change", month.pk)
    before = filled_in(boss, url)
    assert (before["started_at_1"], before["ended_at_1"]) == ("12:00:00", "12:00:00")
    assert errors_of(boss.post(url, {**before, **sent})) == {field: [TOO_LONG]}


def test_a_new_use_that_long_is_refused_in_the_form(boss, laser):
    data = {"machine": laser.pk, "member": "", "note": "", "ended_at_0": "", "ended_at_1": ""}
    data |= {"started_at_0": "2026-01-01", "started_at_1": "10:00:00", "lasted": "721:00"}
    assert errors_of(boss.post(page(Use, "add"), data)) == {"lasted": [TOO_LONG]}


def test_what_is_that_long_already_can_be_given_a_note_and_made_shorter(boss, month):
    month.started_at -= timedelta(days=1)
    month.save()
    for sent in ({"note": "forgotten"}, {"lasted": "2:00"}):
        assert save(boss, page(Use, "change", month.pk), **sent).status_code == 302


def test_it_is_in_italian_too(boss, month, ada):
    speaks = {"accept-language": "it"}
    seen = preview(boss, Member, csv_of(PEOPLE, f"Ada;;{YESTERDAY};{UIDS['ada']}"), accept_language="it")
    assert seen.status_code == 200
    data = {**filled_in(boss, page(Use, "change", month.pk)), "lasted": "999:00"}
    assert boss.post(page(Use, "change", month.pk), data, headers=speaks).status_code == 200
