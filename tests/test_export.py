"""What a list shows as a file: for whoever may see it, without secrets, and nothing that a spreadsheet would run."""

import asyncio
import csv
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO

import pytest
import time_machine
from django.apps import apps
from django.db import connection
from django.http import HttpResponse, StreamingHttpResponse
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from openpyxl import load_workbook

from fabomatic.middleware import GZip
from machines.access import Outcome
from machines.models import Authorization, Intervention, Machine, Use
from members.changes import SECRETS, sentences
from members.exchange import writing
from members.exchange.cells import as_written, harmless
from members.exchange.tables import TABLES
from members.models import Card, Change, Member
from telemetry.models import Tap
from tests.conftest import NOW, UIDS
from tests.staff import backend_role, client_of, page

pytestmark = pytest.mark.django_db

EXPORTED = (Member, Card, Authorization, Machine, Use, Intervention, Tap)
ADAS_LAST_NAME = "Lovelace"
SAID_OF_ADA = {"Ada", ADAS_LAST_NAME, UIDS["ada"], "ada@example.org", "knows the lens"}


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def lab(laser, ada, make_use, make_plan):
    ada.last_name, ada.email, ada.notes = ADAS_LAST_NAME, "ada@example.org", "knows the lens"
    ada.set_password("tell-nobody")
    ada.save()
    Authorization.objects.filter(member=ada).update(note="knows the lens", granted_by=ada)
    make_use(laser, 5400, member=ada, card_uid=UIDS["ada"], note="knows the lens")
    Intervention.objects.create(plan=make_plan(laser), member=ada, at=NOW, note="knows the lens")
    Tap.objects.create(machine=laser, at=NOW, outcome=Outcome.GRANTED, member=ada, uid=UIDS["ada"])
    return ada


@pytest.fixture
def boss(dora):
    return client_of(dora)


def content(client, model, file_format="csv", query="", **headers):
    response = client.post(f"{page(model, 'export')}{query}", {"format": file_format}, headers=headers)
    assert response.status_code == 200
    assert response.streaming
    return b"".join(response.streaming_content)


def read(client, model, query="", delimiter=",", **headers):
    text = content(client, model, query=query, **headers).decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text), delimiter=delimiter))


def sheet(client, model):
    return load_workbook(BytesIO(content(client, model, "xlsx"))).active


# ---- who gets what ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", EXPORTED)
def test_every_list_can_be_had_as_csv_and_as_xlsx(boss, lab, model):
    rows, table = read(boss, model), sheet(boss, model)
    assert len(rows) == model.objects.count()
    assert [cell.value for cell in table[1]] == list(rows[0])
    assert table.max_row == len(rows) + 1


@pytest.mark.parametrize("model", EXPORTED)
def test_whoever_may_not_see_the_list_gets_no_file_of_it(lab, make_member, model):
    others = [f"view_{other._meta.model_name}" for other in EXPORTED if other is not model]
    client = client_of(make_member("Sam", role=backend_role("Others", *others)))
    assert client.post(page(model, "export"), {"format": "csv"}).status_code == 403
    assert client.get(page(model, "export")).status_code == 403


@pytest.mark.parametrize("model", [Authorization, Machine, Use, Intervention, Tap])
def test_whoever_may_not_see_members_gets_no_names_cards_and_notes(lab, make_member, model):
    client = client_of(make_member("Sam", role=backend_role("Mechanics", f"view_{model._meta.model_name}")))
    for file in (content(client, model), str(list(sheet(client, model).values)).encode()):
        assert not [word for word in SAID_OF_ADA if word.encode() in file]
    assert read(client, model)
    assert Change.objects.count() == 0


def test_cards_are_for_those_who_may_see_members(lab, make_member):
    client = client_of(make_member("Sam", role=backend_role("Mechanics", "view_card")))
    response = client.post(page(Card, "export"), {"format": "csv"})
    assert response.status_code == 403 or UIDS["ada"].encode() not in b"".join(response.streaming_content)


def test_whoever_may_see_members_gets_them(boss, lab):
    (use,) = read(boss, Use)
    assert (use["Member"], use["E-mail"], use["Card number"]) == ("Ada Lovelace", "ada@example.org", UIDS["ada"])


def test_a_file_with_names_is_noted_with_who_took_it(boss, dora, lab):
    read(boss, Member)
    (change,) = Change.objects.all()
    assert change.object_id == str(dora.pk)
    assert change.member == dora
    assert sentences(change, sees_people=True) == ["Exported with names: Members, 2"]
    with translation.override("it"):
        assert sentences(change, sees_people=True) == ["Esportati con i nomi: Membri, 2"]


def test_a_file_of_machines_is_not_noted(boss, lab):
    read(boss, Machine)
    assert not Change.objects.exists()


def test_nobody_downloads_by_following_a_link(boss, lab):
    response = boss.get(f"{page(Member, 'export')}?format=csv")
    assert response.headers["Content-Type"].startswith("text/html") or response.status_code == 302


# ---- secrets ---------------------------------------------------------------------------------------------------------


def test_no_secret_of_any_model_has_a_column(boss, lab):
    secret_words = {"password", "hash", "secret", "token", "session"}
    for table in TABLES.values():
        attributes = {column.attribute for column in table.columns if isinstance(column.attribute, str)}
        assert not attributes & SECRETS
        assert not [name for name in attributes for word in secret_words if word in name.lower()]


def test_models_that_keep_secrets_are_in_no_file_but_members():
    holders = {model for model in apps.get_models() for f in model._meta.concrete_fields if f.name in SECRETS}
    assert holders & set(TABLES) == {Member}


def test_no_password_is_in_the_file_of_members(boss, lab):
    assert lab.password.encode() not in content(boss, Member)
    assert not [cell for row in sheet(boss, Member).values for cell in row if cell == lab.password]


# ---- what the list shows ---------------------------------------------------------------------------------------------


def test_the_file_has_the_rows_that_the_list_shows(boss, lab, laser, printer, make_use):
    make_use(printer, hours_ago=30)
    assert len(read(boss, Use)) == 2
    assert [use["Machine"] for use in read(boss, Use, "?q=Printer")] == ["Printer"]
    assert [use["Machine"] for use in read(boss, Use, "?q=Laser&p=2")] == ["Laser"]


def test_the_file_has_the_order_of_the_list(boss, lab, printer, make_use):
    make_use(printer, hours_ago=30)
    assert [use["Machine"] for use in read(boss, Use)] == ["Laser", "Printer"]


def test_selected_rows_can_be_had_alone(boss, lab, bruno, make_member):
    chosen = {"action": "export_csv", "_selected_action": [bruno.pk]}
    response = boss.post(page(Member, "changelist"), chosen)
    rows = list(csv.DictReader(StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))
    assert [row["First name"] for row in rows] == ["Bruno"]


def test_a_filter_that_is_not_understood_goes_back_to_the_list(boss, lab):
    assert boss.post(f"{page(Use, 'export')}?nothing=1", {"format": "csv"}).status_code == 302


def test_the_page_says_how_many_rows_and_which_columns(boss, lab, client):
    text = boss.get(f"{page(Use, 'export')}?q=Laser").content.decode()
    assert "1 row, as the list shows it now." in text
    assert "Card number" in text
    assert boss.get(page(Use, "export"), headers={"accept-language": "it"}).status_code == 200


def test_the_lists_offer_the_export_with_their_filters(boss, lab):
    assert f'href="{page(Use, "export")}?q=Laser"' in boss.get(f"{page(Use, 'changelist')}?q=Laser").content.decode()


# ---- what stands in it -----------------------------------------------------------------------------------------------


def test_times_are_those_of_the_lab(boss, lab):
    (use,) = read(boss, Use)
    assert (use["Started"], use["Ended"], use["Hours"]) == ("2026-03-10 11:00:00", "2026-03-10 12:30:00", "1.50")
    started = next(cell for cell in sheet(boss, Use)[2] if cell.value == datetime(2026, 3, 10, 11, 0))
    assert started.is_date


def test_the_hour_that_comes_twice_in_autumn_says_which_one(boss, laser):
    for hour in (0, 1):
        at = datetime(2025, 10, 26, hour, 30, tzinfo=UTC)
        Use.objects.create(machine=laser, started_at=at, ended_at=at + timedelta(minutes=1))
    assert [use["Started"] for use in read(boss, Use)] == ["2025-10-26 02:30:00+01:00", "2025-10-26 02:30:00+02:00"]


def test_headings_and_choices_are_in_the_readers_language(boss, lab):
    (tap,) = read(boss, Tap, delimiter=";", accept_language="it")
    assert tap["Esito"] == "Può usare la macchina."
    assert tap["Numero di tessera"] == UIDS["ada"]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@A1", "\t=1", "\r=1", "'=1", "''-1"])
def test_no_cell_is_a_formula_and_every_one_comes_back_as_it_was(boss, lab, name):
    Member.objects.filter(pk=lab.pk).update(notes=name)
    cells = [row["Notes"] for row in read(boss, Member)]
    assert harmless(name) in cells
    assert as_written(harmless(name)) == name
    texts = [cell for row in sheet(boss, Member) for cell in row if isinstance(cell.value, str)]
    found = [cell for cell in texts if as_written(cell.value).strip() == name.strip()]
    assert [cell.data_type for cell in found] == ["s"]


def test_a_card_number_of_digits_is_text_in_xlsx(boss, make_member):
    make_member("Nina", "12345678")
    cells = [cell for row in sheet(boss, Card) for cell in row if cell.value == "12345678"]
    assert [(cell.data_type, cell.number_format) for cell in cells] == [("s", "@")]


# ---- many rows -------------------------------------------------------------------------------------------------------


def test_rows_are_read_in_batches_while_they_are_sent(boss, lab, laser, make_use, monkeypatch):
    monkeypatch.setattr(writing, "BATCH", 2)
    for hours in range(3, 8):
        make_use(laser, hours_ago=hours)
    response = boss.post(page(Use, "export"), {"format": "csv"})
    parts = iter(response.streaming_content)
    next(parts)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert next(parts).count(b"\r\n") == 2
    assert len(queries) == 1
    assert len(list(parts)) == 2


def test_what_is_deleted_meanwhile_is_left_out(boss, lab, laser, make_use, monkeypatch):
    monkeypatch.setattr(writing, "BATCH", 1)
    make_use(laser, hours_ago=9)
    parts = iter(boss.post(page(Use, "export"), {"format": "csv"}).streaming_content)
    next(parts), next(parts)
    Use.objects.all().delete()
    assert b"".join(parts) == b""


def test_served_asynchronously_the_parts_are_not_collected_first():
    async def first():
        return await anext(writing.soon(iter([b"a", b"b"])))

    assert asyncio.run(first()) == b"a"


def test_more_rows_than_xlsx_takes_are_refused_in_words(boss, lab, laser, make_use, monkeypatch):
    make_use(laser, hours_ago=9)
    monkeypatch.setattr("members.admin.exchange.MOST_ROWS_IN_XLSX", 1)
    response = boss.post(page(Use, "export"), {"format": "xlsx"}, follow=True)
    assert "XLSX holds 1 rows at most here: take CSV, or filter the list." in response.content.decode()


def test_an_asynchronous_stream_is_not_compressed_part_by_part(rf):
    """A browser would read the first part alone."""

    async def parts():
        yield b"heading\n" * 100
        yield b"row\n" * 100

    request = rf.get("/", headers={"accept-encoding": "gzip"})
    answer = GZip(lambda asked: StreamingHttpResponse(parts()))(request)
    assert "Content-Encoding" not in answer
    assert "Content-Encoding" in GZip(lambda asked: HttpResponse("x" * 1000))(request)
