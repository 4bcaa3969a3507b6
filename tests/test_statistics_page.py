"""`/statistics/`: who may read it, that it shows what was counted, and that nothing in it is anybody else's script."""

import re
from datetime import timedelta

import pytest
import time_machine

from machines.access import Outcome
from machines.models import Machine, Use
from telemetry.models import Downtime, Tap
from telemetry.statistics.strips import STRIP_HEIGHT, bar, heat_map, parts, strip
from tests.conftest import NOW
from tests.staff import backend_role, client_of

pytestmark = pytest.mark.django_db

URL = "/statistics/"
FILES = ("/statistics.csv", "/statistics.xlsx")


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def treasurer(make_member):
    """Reads uses, and may do nothing else."""
    return make_member("Tina", role=backend_role("Treasurers", "view_use"))


@pytest.fixture
def page(treasurer):
    client = client_of(treasurer)

    def read(query="", status=200, **headers):
        response = client.get(URL + query, headers=headers)
        assert response.status_code == status
        return response.content.decode()

    return read


def section(text, name):
    return re.search(rf'<section [^>]*aria-labelledby="{name}-heading".*?</section>', text, re.DOTALL)[0]


def rows(text, name):
    """The table's body, cell by cell."""
    body = re.search(r"<tbody>(.*)</tbody>", section(text, name), re.DOTALL)[1]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in body.split("</tr>")]
    return [[re.sub(r"<[^>]*>", "", cell) for cell in row] for row in cells if row]


# ---- who -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", [URL, *FILES])
def test_strangers_go_to_log_in_and_come_back(client, url):
    response = client.get(f"{url}?span=all")
    assert response.status_code == 302
    assert response.url == f"/admin/login/?next={url}%3Fspan%3Dall"


@pytest.mark.parametrize("url", [URL, *FILES])
@pytest.mark.parametrize("access", ["login", "public"])
def test_members_and_staff_without_the_right_are_refused_in_the_sites_style(url, access, ada, make_member, settings):
    settings.DASHBOARD_ACCESS = access
    mechanic = make_member("Max", role=backend_role("Mechanics", "change_machine"))
    for member in (ada, mechanic):
        response = client_of(member).get(url)
        assert response.status_code == 403
        assert "fabomatic.css" in response.content.decode()


def test_a_disabled_treasurer_reads_nothing(treasurer):
    client = client_of(treasurer)
    treasurer.is_active = False
    treasurer.save()
    assert client.get(URL).status_code == 302


@pytest.mark.parametrize("url", [URL, *FILES])
def test_nobody_changes_anything_here_and_nobody_keeps_it(treasurer, url):
    client = client_of(treasurer)
    assert client.post(url).status_code == 405
    assert "no-store" in client.get(url).headers["Cache-Control"]


# ---- what ------------------------------------------------------------------------------------------------------------


def test_an_empty_lab_has_a_page_too(page):
    text = page()
    for sentence in ("There are no machines yet.", "No use in these weeks.", "Nobody was refused."):
        assert sentence in text


def test_hours_and_uses_of_machines_are_shown(page, laser, printer, make_use):
    make_use(laser, 5400, hours_ago=5)
    make_use(printer, 3600, hours_ago=30)
    make_use(printer, 7200, hours_ago=90)
    assert rows(page(), "machines") == [["Printer", "3.0", "2"], ["Laser", "1.5", "1"]]
    assert rows(page(), "weeks")[-1] == ["9 Mar 2026", "2.5", "2"]


def test_members_are_counted_once_and_never_named(page, laser, ada, make_use):
    for hours_ago in (5, 30):
        make_use(laser, 600, hours_ago=hours_ago, member=ada, card_uid=ada.uid)
    text = page()
    assert rows(text, "members")[-1] == ["9 Mar 2026", "1"]
    for word in ("Ada", "Lovelace", ada.uid, ada.email):
        assert word not in text


def test_times_are_those_of_the_lab(page, laser, make_use):
    make_use(laser, 600, hours_ago=1)  # Tuesday at noon
    assert rows(page(), "times")[12] == ["12:00", "0", "1", "0", "0", "0", "0", "0"]


def test_refusals_have_their_reason_and_their_share(page, laser):
    for outcome in (Outcome.LOST_CARD, *[Outcome.UNKNOWN_CARD] * 3, Outcome.GRANTED):
        Tap.objects.create(machine=laser, at=NOW, outcome=outcome, level=1)
    assert rows(page(), "refusals") == [
        ["The card belongs to nobody.", "3", "75.0 %"],
        ["The card was reported lost.", "1", "25.0 %"],
    ]


def test_availability_says_since_when_it_is_known(page, laser, printer):
    began = NOW - timedelta(hours=100)
    Downtime.objects.create(machine=laser, kind="offline", started_at=began, ended_at=began + timedelta(hours=10))
    Downtime.objects.create(
        machine=laser, kind="blocked", started_at=NOW - timedelta(hours=30), ended_at=NOW - timedelta(hours=10)
    )
    text = page()
    assert rows(text, "availability") == [["Laser", "70.0 %", "20.0 %", "10.0 %", "6 Mar 2026"]]
    assert "noted since 6 Mar 2026" in text
    assert "Nothing is noted of: <bdi>Printer</bdi>." in section(text, "availability")


def test_nonsense_is_answered_beside_the_form_with_the_usual_span(page):
    text = page("?from=%3Cscript%3E&to=2026-01-01", status=400)
    assert "“&lt;script&gt;” is no day." in text
    assert 'aria-describedby="trouble-with-span"' in text
    assert 'name="from" value="2025-12-22"' in text


def test_days_of_ones_own_are_kept_for_the_files(page, laser, make_use):
    make_use(laser, 3600, hours_ago=24 * 20)
    text = page("?from=2026-02-17&to=2026-02-19")
    assert rows(text, "weeks") == [["17 Feb 2026", "1.0", "1"]]
    assert "/statistics.xlsx?from=2026-02-17&amp;to=2026-02-19" in text


@pytest.mark.parametrize("name", ["<b>Laser</b>", "x" * 80, "\u202elasar", "=cmd|' /C calc'!A0"])
def test_a_hostile_name_is_shown_as_it_is(page, laser, name):
    Machine.objects.filter(pk=laser.pk).update(name=name)
    Downtime.objects.create(machine=laser, kind="offline", started_at=NOW - timedelta(hours=9))
    text = page()
    assert "<b>Laser</b>" not in text
    assert [row[0] for row in rows(text, "machines")] == [
        name.replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#x27;")
    ]
    assert text.count("<bdi>") == 4  # beside two bars and in two tables: none turns the words around it


def test_no_style_and_no_script_stands_in_the_page(page, laser, make_use):
    make_use(laser)
    Downtime.objects.create(machine=laser, kind="offline", started_at=NOW - timedelta(hours=9))
    Tap.objects.create(machine=laser, at=NOW, outcome=Outcome.LOST_CARD)
    text = page("?span=all")
    assert not re.search(r"<style|<script|\sstyle=|\son\w+=|https?://", text.replace("http://www.w3.org", ""))


def test_numbers_in_pictures_are_read_by_browsers_in_every_language(page, laser, make_use):
    for hours_ago in (5, 300, 700):
        make_use(laser, 5000, hours_ago=hours_ago)
    text = page("?span=1-year", accept_language="it")
    geometry = re.findall(r'\s(?:x|y|x1|x2|y1|y2|width|height|d|viewBox)="([^"]*)"', text)
    assert geometry
    assert not [number for number in geometry if "," in number]
    assert "1,4" in text


def test_pictures_have_titles_and_ids_are_given_once(page, laser, make_use):
    make_use(laser)
    text = page()
    ids = re.findall(r'\sid="([^"]*)"', text)
    assert len(ids) == len(set(ids))
    for labels in re.findall(r'aria-labelledby="([^"]*)"', text):
        assert set(labels.split()) <= set(ids)


def test_the_page_costs_no_more_queries_for_more_machines_and_years(
    page, laser, laser_type, django_assert_max_num_queries
):
    Machine.objects.bulk_create([Machine(id=100 + number, name="x", type=laser_type) for number in range(40)])
    for number in range(40):
        at = NOW - timedelta(days=30 * number)
        Use.objects.create(machine_id=100 + number, started_at=at, ended_at=at)
        Downtime.objects.create(machine_id=100 + number, kind="offline", started_at=at)
    page()
    with django_assert_max_num_queries(19):
        page("?span=all")


# ---- small pictures --------------------------------------------------------------------------------------------------


def test_a_strip_is_as_wide_as_its_weeks_and_as_high_as_its_highest():
    assert strip({0: 10, 2: 20}, 4) == strip({0: 1, 2: 2}, 4)
    assert (
        strip({0: 10, 2: 20}, 4).path == f"M0 {STRIP_HEIGHT}V20h1V{STRIP_HEIGHT}h1V0h1V{STRIP_HEIGHT}h1V{STRIP_HEIGHT}z"
    )
    assert strip({}, 3).path == f"M0 {STRIP_HEIGHT}h1h1h1V{STRIP_HEIGHT}z"


def test_a_strip_of_many_years_loses_none():
    assert strip(dict.fromkeys(range(500), 1), 500).width == 125


def test_levels_tell_none_from_few_and_few_from_most():
    hours = [0, 1, 20, 21, 99, 100] + [0] * 162
    assert [cell.level for cell in heat_map(hours).days[0].cells[:6]] == [0, 1, 1, 2, 5, 5]
    assert (heat_map(hours).busiest.hour, heat_map(hours).uses) == (5, 241)
    assert heat_map([0] * 168).busiest is None


def test_what_is_more_than_nothing_can_be_seen():
    assert (bar(0, 100), bar(1, 1_000_000), bar(100, 100), bar(0, 0)) == (0, 0.4, 100, 0)


def test_parts_fill_the_whole():
    assert [(part.x, part.width) for part in parts(1, 1, 2)] == [(0, 25), (25, 25), (50, 50)]
    assert [(part.x, part.width) for part in parts(0, 0, 0)] == [(0, 0)] * 3
