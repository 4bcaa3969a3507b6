"""What a volunteer does on a phone, in Italian, from the home page to what boards and odometers make of it."""

import csv
import io
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.broker.lab import ADA, BRUNO, LASER, until
from tests.browser.at_the_phone import do_with, download, find_by_typing, go_by, list_of, save, touch, write

HOUR, ZONE = 3600, ZoneInfo("Europe/Rome")


@pytest.fixture
def saw(the_lab):
    return the_lab.fresh_saw()


@pytest.fixture
def wall(browser, saw):
    page = browser.open()
    until(lambda: page.is_live() and page.state(saw) == "free", 20)
    return page


# ---- rights ----------------------------------------------------------------------------------------------------------


def test_bruno_gets_the_laser_until_june(the_lab, phone):
    today = date.today()
    june = date(today.year + (today.month > 5), 6, 30)
    assert not the_lab.boards.ask(LASER, "checkuser", uid=BRUNO)["is_valid"]
    list_of(phone, "authorization")
    go_by(phone, ".object-tools a[href*=grant]")
    find_by_typing(phone, "members", "Bruno")
    find_by_typing(phone, "machines", "Laser")
    write(phone, "[name=valid_until]", june.isoformat())
    go_by(phone, "[name=preview]")
    assert "Bruno Munari" in phone.text("#preview")
    assert not the_lab.boards.ask(LASER, "checkuser", uid=BRUNO)["is_valid"]
    save(phone, "[name=do]")
    assert phone.has(".messagelist .success")
    assert the_lab.boards.ask(LASER, "checkuser", uid=BRUNO)["is_valid"]
    rights = the_lab.database.rows(
        "SELECT valid_until FROM machines_authorization JOIN members_card USING (member_id) WHERE uid = ?", BRUNO
    )
    assert rights == [(june.isoformat(),)]


# ---- blocking --------------------------------------------------------------------------------------------------------


def test_a_machine_is_blocked_from_the_list(the_lab, phone, wall, saw):
    go_by(phone, ".errand.block")
    do_with(phone, saw, "block_selected")
    go_by(phone, ".submit-row input")
    assert phone.has(".errorlist")
    assert wall.state(saw) == "free"
    write(phone, "[name=reason]", "Mandrino <b>rotto</b>")
    save(phone, ".submit-row input")
    until(lambda: wall.state(saw) == "blocked")
    assert "Mandrino <b>rotto</b>" in wall.card(saw)
    assert "Mandrino <b>rotto</b>" in phone.text("#result_list")
    assert the_lab.boards.ask(saw, "checkmachine")["allowed"] is False


def test_a_machine_is_blocked_on_its_own_page(phone, wall, saw):
    go_by(phone, ".errand.block")
    go_by(phone, f"#result_list tbody th a[href*='/{saw}/']")
    go_by(phone, f".object-tools a[href='/machines/{saw}/']")
    write(phone, "#block [name=reason]", "Cinghia rotta")
    touch(phone, "#block button")
    until(lambda: wall.state(saw) == "blocked")
    assert "Cinghia rotta" in wall.card(saw)


# ---- maintenance -----------------------------------------------------------------------------------------------------


def test_recorded_work_takes_its_plan_along(the_lab, phone):
    the_lab.start_use(LASER)
    the_lab.stop_use(LASER, duration=2 * HOUR)
    assert the_lab.boards.ask(LASER, "checkmachine")["maintenance"]
    phone.go("/admin/")
    assert "Laser" in phone.text(".box.due")
    go_by(phone, ".box.due h3 a")
    phone.go("/admin/")
    list_of(phone, "maintenanceplan")
    assert phone.has(".plan-due")
    go_by(phone, ".field-work .button")
    write(phone, "[name=note]", "Lente pulita")
    save(phone)
    assert not phone.has(".plan-due")
    assert not the_lab.boards.ask(LASER, "checkmachine")["maintenance"]
    plan = "SELECT reading_at_last_work FROM machines_maintenanceplan WHERE machine_id = ?"
    assert the_lab.database.value(plan, LASER) == the_lab.database.odometer(LASER) >= 2 * HOUR


def test_a_text_for_the_boards_display_is_counted_while_it_is_typed(phone):
    list_of(phone, "maintenanceplan")
    go_by(phone, "#result_list tbody th a")
    write(phone, "[name=lcd_message]", "Pulire la lente")
    assert phone.text(".columns-left") == "15 / 15"
    assert not phone.has(".columns-left.over")
    write(phone, "[name=lcd_message]", "Pulire la lente!")
    assert phone.text(".columns-left.over") == "16 / 15"
    go_by(phone, "[name=_save]")
    assert phone.has(".field-lcd_message .errorlist")


# ---- uses ------------------------------------------------------------------------------------------------------------


def the_use(the_lab, machine):
    (row,) = the_lab.database.rows("SELECT id, duration FROM machines_use WHERE machine_id = ?", machine)
    return row


def test_a_use_that_was_too_long_is_corrected(the_lab, phone, saw):
    the_lab.start_use(saw)
    the_lab.stop_use(saw, duration=5 * HOUR)
    use, duration = the_use(the_lab, saw)
    assert duration == the_lab.database.odometer(saw) == 5 * HOUR
    list_of(phone, "use")
    go_by(phone, f"#result_list a[href*='/{use}/']")
    write(phone, "[name=lasted]", "1:30")
    save(phone)
    assert the_use(the_lab, saw) == (use, 1.5 * HOUR)
    assert the_lab.database.odometer(saw) == 1.5 * HOUR
    assert the_lab.database.hours_add_up()


def test_a_use_that_nobody_ended_is_ended(the_lab, phone, wall, saw):
    the_lab.start_use(saw)
    until(lambda: wall.state(saw) == "in_use")
    use, _nothing = the_use(the_lab, saw)
    list_of(phone, "use")
    assert phone.has(".use-running")
    do_with(phone, use, "end_now")
    assert phone.has(".messagelist .success")
    assert the_use(the_lab, saw)[1] is not None
    until(lambda: wall.state(saw) == "free")
    assert the_lab.database.hours_add_up()


@pytest.fixture
def uses_of_months(the_lab, staff, saw):
    """Around the beginning and the end of last month, as the lab's clocks show it, and now."""
    first_of_this = datetime.now(ZONE).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    first_of_last = (first_of_this - timedelta(days=1)).replace(day=1)
    ada = the_lab.database.value("SELECT member_id FROM members_card WHERE uid = ?", ADA)
    minute = timedelta(minutes=1)
    for note, at in (
        ("before", first_of_last - minute),
        ("begin", first_of_last),
        ("end", first_of_this - minute),
    ):
        day, time = f"{at:%Y-%m-%d %H:%M:%S}".split()
        given = {"machine": saw, "member": ada, "started_at_0": day, "started_at_1": time, "lasted": "0:01"}
        staff.save("/admin/machines/use/add/", note=note, **given)
    the_lab.start_use(saw)
    the_lab.stop_use(saw)


def test_last_months_uses_are_exported(phone, uses_of_months):
    list_of(phone, "use")
    touch(phone, ".filters > summary")
    go_by(phone, "#changelist-filter a[href*=last-month]")
    go_by(phone, ".object-tools a[href*=export]")
    name, content = download(phone, "#content form", "[value=csv]")
    _heading, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";")
    assert ".csv" in name
    assert [row[-1] for row in rows] == ["end", "begin"]
    assert {row[2] for row in rows} == {"Ada Lovelace"}
