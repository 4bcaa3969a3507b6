"""The figures as files: for a treasurer's Excel, in numbers it adds up, and without a formula that nobody meant."""

import csv
from datetime import datetime, timedelta
from io import BytesIO, StringIO

import pytest
import time_machine
from openpyxl import load_workbook

from machines.access import Outcome
from machines.models import Machine, Use
from telemetry.models import Downtime, Tap
from telemetry.statistics.export import tables
from telemetry.statistics.figures import figures
from telemetry.statistics.span import chosen
from tests.conftest import NOW
from tests.staff import backend_role, client_of

pytestmark = pytest.mark.django_db

TABLES = ["machines", "weeks", "machine-weeks", "times", "refusals", "availability"]


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def client(make_member):
    return client_of(make_member("Tina", role=backend_role("Treasurers", "view_use")))


@pytest.fixture
def lab(laser, printer, ada, make_use):
    make_use(laser, 5400, hours_ago=5, member=ada)
    make_use(laser, 900, hours_ago=200, member=ada)
    make_use(printer, 3600, hours_ago=30)
    Tap.objects.create(machine=laser, at=NOW, outcome=Outcome.LOST_CARD)
    start = NOW - timedelta(hours=100)
    Downtime.objects.create(machine=laser, kind="offline", started_at=start, ended_at=start + timedelta(hours=10))


def download(client, query="", **headers):
    response = client.get(f"/statistics.csv{query}", headers=headers)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    return response.content


def read(client, query="", delimiter=",", **headers):
    text = download(client, query, **headers).decode("utf-8-sig")
    return list(csv.reader(StringIO(text), delimiter=delimiter))


def workbook(client):
    response = client.get("/statistics.xlsx?span=4-weeks")
    assert response.status_code == 200
    assert response.headers["Content-Disposition"].endswith('-2026-02-16-2026-03-10.xlsx"')
    return load_workbook(BytesIO(response.content))


# ---- CSV -------------------------------------------------------------------------------------------------------------


def test_excel_sees_that_it_is_utf_8(client, lab):
    assert download(client).startswith(b"\xef\xbb\xbf")


def test_without_a_name_it_is_the_hours_per_machine_and_week(client, lab):
    assert read(client) == [
        ["From", "To", "Number", "Machine", "Hours", "Uses"],
        ["2026-03-02", "2026-03-08", "7", "Laser", "0.25", "1"],
        ["2026-03-09", "2026-03-10", "7", "Laser", "1.50", "1"],
        ["2026-03-09", "2026-03-10", "12", "Printer", "1.00", "1"],
    ]


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("machines", [["7", "Laser", "Laser cutter", "1.75", "2"], ["12", "Printer", "3D printer", "1.00", "1"]]),
        ("weeks", [["2026-03-02", "2026-03-08", "0.25", "1", "1"], ["2026-03-09", "2026-03-10", "2.50", "2", "1"]]),
        ("times", [["Sunday", "22", "0"], ["Sunday", "23", "0"]]),
        ("refusals", [["The card was reported lost.", "1"]]),
        (
            "availability",
            [["12", "Printer", "2026-03-09", "30.00", "30.00", "0.00", "0.00"]],
        ),
    ],
)
def test_every_table_can_be_asked_for(client, lab, table, rows):
    assert read(client, f"?table={table}")[-len(rows) :] == rows


def test_every_row_has_a_cell_for_every_column(lab):
    for table in tables(figures(chosen({}, NOW)[0], NOW)).values():
        assert {len(row) for row in table.rows} == {len(table.columns)}


def test_a_table_that_does_not_exist_is_not_found(client, lab):
    assert client.get("/statistics.csv?table=members").status_code == 404


def test_a_span_that_is_not_understood_is_explained_by_the_page(client, lab):
    for url in ("/statistics.csv?table=times&from=x", "/statistics.xlsx?from=x"):
        response = client.get(url)
        assert response.status_code == 302
        assert response.url.startswith("/statistics/?")
        assert response.url.endswith("from=x")


def test_a_file_is_named_by_its_table_and_its_days(client, lab):
    disposition = client.get("/statistics.csv?table=times&from=2026-01-07&to=2026-01-09").headers["Content-Disposition"]
    assert disposition == 'attachment; filename="fabomatic-times-2026-01-07-2026-01-09.csv"'


def test_an_italian_excel_gets_its_own_decimals_and_separators(client, lab):
    rows = read(client, "?table=machines", delimiter=";", accept_language="it")
    assert rows[1][3] == "1,75"


def test_an_empty_lab_has_files_too(client):
    assert len(read(client)) == 1
    assert workbook(client).sheetnames


@pytest.mark.parametrize(
    "name",
    ["=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(A1)", "\t=1", " =1", "＝1", '=HYPERLINK("http://x","y")', "|x", "\r=1"],
)
def test_no_name_is_a_formula(client, lab, laser, name):
    Machine.objects.filter(pk=laser.pk).update(name=name)
    cells = [cell for row in read(client) for cell in row]
    assert not [cell for cell in cells if cell.strip()[:1] in "=+-@＝|" and cell.strip()]
    sheet = workbook(client)["Hours per machine"]
    assert sheet["B2"].data_type == "s"
    assert "".join(sheet["B2"].value.split()) == "".join(name.split())


@pytest.mark.parametrize("name", ["a,b;c", 'say "hi"', "two\nlines", "Größe", "لیزر", "🖨", "x" * 80])
def test_every_other_name_arrives_as_it_is(client, lab, laser, name):
    Machine.objects.filter(pk=laser.pk).update(name=name)
    assert name in [row[3] for row in read(client)]
    assert workbook(client)["Hours per machine"]["B2"].value == name


def test_a_letter_that_excel_cannot_hold_is_left_out(client, lab, laser):
    Machine.objects.filter(pk=laser.pk).update(name="La\x07ser")
    assert workbook(client)["Hours per machine"]["B2"].value == "Laser"


# ---- XLSX ------------------------------------------------------------------------------------------------------------


def test_every_table_has_a_sheet(client, lab):
    assert len(workbook(client).sheetnames) == len(TABLES)
    assert [*tables(figures(chosen({}, NOW)[0], NOW))] == TABLES


def test_numbers_are_numbers_and_days_are_days(client, lab):
    sheet = workbook(client)["Hours per machine and week"]
    values = [cell.value for cell in sheet[2]]
    assert values == [datetime(2026, 3, 2), datetime(2026, 3, 8), 7, "Laser", 0.25, 1]


def test_italian_titles_make_sheets_too(client, lab):
    response = client.get("/statistics.xlsx", headers={"accept-language": "it"})
    assert len(load_workbook(BytesIO(response.content)).sheetnames) == len(TABLES)


def test_hours_add_up_to_those_of_the_page(client, lab):
    Use.objects.create(machine_id=7, started_at=NOW - timedelta(hours=2))
    sums = [
        sum(float(row[at]) for row in read(client, f"?table={table}")[1:])
        for table, at in (("machines", 3), ("weeks", 2), ("machine-weeks", 4))
    ]
    assert sums == [4.75] * 3
