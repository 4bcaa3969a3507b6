"""Uses and rights from a file: the odometers follow, and the same file twice doubles nothing."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from machines.exchange import use_import
from machines.models import Authorization, Machine, Use
from members.exchange import running
from members.models import Change
from members.pieces import Pace
from tests.conftest import NOW, UIDS, UNKNOWN_UID, YESTERDAY
from tests.importing import confirm, csv_of, do_import, errors_in, preview, refusal, rows_of, upload, verdicts, xlsx_of
from tests.staff import MEMBER_WORK, backend_role, client_of, page

pytestmark = pytest.mark.django_db

HEAD = "Machine number;Card number;Started;Ended;Note"
ADAS = f"7;{UIDS['ada']};2026-03-09 10:00:00;2026-03-09 11:30:00;paper log"


@pytest.fixture(autouse=True)
def today(settings, tmp_path):
    settings.IMPORT_FOLDER = tmp_path / "imports"
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def boss(dora):
    return client_of(dora)


# ---- uses ------------------------------------------------------------------------------------------------------------


def test_a_use_is_recorded_and_the_odometer_follows(boss, dora, ada, laser, odometer, true_odometer):
    do_import(boss, Use, csv_of(HEAD, ADAS))
    use = Use.objects.get()
    assert (use.machine, use.member, use.card_uid, use.note) == (laser, ada, UIDS["ada"], "paper log")
    assert use.started_at == datetime(2026, 3, 9, 9, 0, tzinfo=UTC)
    assert (use.duration, use.end_reason) == (5400, "staff")
    assert odometer(laser) == true_odometer(laser) == 5400
    change = Change.objects.get()
    assert (change.member, change.object_id, change.kind) == (dora, str(use.pk), "added")


def test_all_machines_of_a_transaction_are_held_before_the_first_use_is_written(boss, ada, laser, printer, monkeypatch):
    """The worker holds them by their numbers; in the file's order both would wait for each other."""
    monkeypatch.setattr(running, "Pace", lambda most: Pace(most, rows=most))
    held = []

    def hold(which):
        assert not Use.objects.exists()
        held.append(set(Machine.objects.filter(which).values_list("pk", flat=True)))

    monkeypatch.setattr(use_import, "hold_machines", hold)
    do_import(boss, Use, csv_of(HEAD, ADAS.replace("7;", "12;", 1), ADAS))
    assert (held, Use.objects.count()) == ([{7, 12}], 2)


def test_the_same_file_again_doubles_nothing(boss, ada, laser, odometer):
    for _time in range(2):
        do_import(boss, Use, csv_of(HEAD, ADAS))
    assert Use.objects.count() == 1
    assert odometer(laser) == 5400


def test_an_export_is_the_same_uses(boss, ada, laser, make_use):
    make_use(laser, member=ada, card_uid=UIDS["ada"], note="=1")
    make_use(laser, hours_ago=9, card_uid=UNKNOWN_UID)
    make_use(laser, hours_ago=19)
    Use.objects.create(machine=laser, member=ada, started_at=NOW - timedelta(minutes=5))
    for file_format in ("csv", "xlsx"):
        file = boss.post(page(Use, "export"), {"format": file_format})
        seen = preview(boss, Use, b"".join(file.streaming_content))
        assert verdicts(seen) == ["unchanged"] * 4, errors_in(seen)


def test_a_spreadsheet_that_dropped_the_seconds_makes_no_second_use(boss, ada, laser):
    do_import(boss, Use, csv_of(HEAD, ADAS.replace("10:00:00", "10:00:42").replace("11:30:00", "11:30:17")))
    seen = preview(boss, Use, csv_of(HEAD, f"7;{UIDS['ada']};2026-03-09 10:00;2026-03-09 11:30;paper log"))
    assert verdicts(seen) == ["unchanged"]


def test_a_corrected_end_moves_the_odometer(boss, ada, laser, odometer, true_odometer):
    do_import(boss, Use, csv_of(HEAD, ADAS))
    seen = preview(boss, Use, csv_of(HEAD, ADAS.replace("11:30", "10:30")))
    assert "Ended: 2026-03-09 11:30 → 2026-03-09 10:30" in seen.content.decode()
    confirm(boss, seen)
    assert odometer(laser) == true_odometer(laser) == 1800


def test_a_member_is_found_by_e_mail_too(boss, ada, laser):
    ada.email = "ada@example.org"
    ada.save()
    rows = ("Machine number;E-mail;Started;Ended", "7;Ada@example.org;2026-03-09 10:00;2026-03-09 11:00")
    do_import(boss, Use, csv_of(*rows))
    assert Use.objects.get().member == ada


def test_numbers_and_times_of_xlsx_are_understood(boss, make_member, laser):
    nina = make_member("Nina", "12345678")
    row = [7, 12345678, datetime(2026, 3, 9, 10), datetime(2026, 3, 9, 11, 0, 1)]
    do_import(boss, Use, xlsx_of(["Machine number", "Card number", "Started", "Ended"], row))
    assert (Use.objects.get().member, Use.objects.get().duration) == (nina, 3601)


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ("99;0a1b2c3d;2026-03-09 10:00;2026-03-09 11:00", "2 Machine number: There is no machine 99."),
        ("x;0a1b2c3d;2026-03-09 10:00;2026-03-09 11:00", "2 Machine number: This is no whole number."),
        (f"7;{UNKNOWN_UID};2026-03-09 10:00;2026-03-09 11:00", "2 Card number: This card belongs to nobody here."),
        ("7;;2026-03-09 10:00;2026-03-09 11:00", "2 : Write an e-mail or a card."),
        ("7;0a1b2c3d;2026-03-09 10:00;2026-03-09 09:00", "2 Ended: The end is before the start."),
        ("7;0a1b2c3d;2026-03-09 10:00;2026-03-11 09:00", "2 Ended: This is in the future."),
        ("7;0a1b2c3d;2026-03-09 10:00;", "2 Ended: Write when it was."),
        ("7;0a1b2c3d;2026-03-29 02:30;2026-03-29 03:30", "2 Started: There was no such time"),
        ("7;0a1b2c3d;2025-10-26 02:30;2025-10-26 03:30", "2 Started: The clock showed this time twice"),
        ("7;0a1b2c3d;yesterday;2026-03-09 11:00", "2 Started: “yesterday” is not understood."),
    ],
)
def test_what_cannot_have_been_is_refused_in_words(boss, ada, laser, row, error):
    seen = preview(boss, Use, csv_of("Machine number;Card number;Started;Ended", row))
    assert verdicts(seen) == ["error"]
    assert errors_in(seen)[0].startswith(error)


def test_the_hour_that_came_twice_can_be_said_with_its_offset(boss, ada, laser):
    row = "7;0a1b2c3d;2025-10-26 02:30:00+02:00;2025-10-26 02:30:00+01:00"
    do_import(boss, Use, csv_of("Machine number;Card number;Started;Ended", row))
    assert Use.objects.get().duration == 3600


def test_columns_that_are_needed_are_said(boss):
    said = refusal(upload(boss, Use, csv_of("Machine number;Started", "7;2026-03-09")))
    assert said == "The file has no column “Ended”, “E-mail” or “Card number”."


def test_the_same_use_twice_in_a_file_is_found(boss, ada, laser):
    assert verdicts(preview(boss, Use, csv_of(HEAD, ADAS, ADAS))) == ["new", "error"]


@pytest.mark.parametrize("codenames", [("view_use", "add_use"), ("view_member",), ("view_member", "view_use")])
def test_without_the_right_to_write_uses_or_to_see_people_nobody_imports(make_member, codenames):
    client = client_of(make_member("Sam", role=backend_role("Others", *codenames)))
    assert upload(client, Use, csv_of(HEAD, ADAS)).status_code == 403


# ---- rights ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def clerk(make_member):
    return client_of(make_member("Clara", role=backend_role("Clerks", *MEMBER_WORK)))


def test_a_right_is_given_by_whoever_imports(clerk, hugo, laser):
    do_import(clerk, Authorization, csv_of("Machine number;Numero di tessera;Valida fino al", "7;40900002;2026-06-30"))
    right = Authorization.objects.get()
    assert (right.member, right.machine, right.valid_until) == (hugo, laser, date(2026, 6, 30))
    assert right.granted_by.first_name == "Clara"


def test_a_right_that_is_there_is_prolonged(clerk, bruno):
    seen = preview(
        clerk, Authorization, csv_of("Machine number;Card number;Valid until", f"7;{UIDS['bruno']};2026-06-30")
    )
    assert verdicts(seen) == ["changed"]
    assert f"Valid until: {YESTERDAY} → 2026-06-30" in seen.content.decode()
    confirm(clerk, seen)
    assert Authorization.objects.get().valid_until == date(2026, 6, 30)


def test_an_export_of_rights_is_the_same_rights(boss, everybody):
    file = boss.post(page(Authorization, "export"), {"format": "xlsx"})
    seen = preview(boss, Authorization, b"".join(file.streaming_content))
    found = dict(zip([row["about"] for row in rows_of(seen)], verdicts(seen), strict=True))
    assert found.pop("Laser (7)") == "error", "flora has no e-mail, and her only card is lost"
    assert set(found.values()) == {"unchanged"}
