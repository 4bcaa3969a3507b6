"""What text editors and spreadsheets make of a file of members: understood, or refused in words, never guessed."""

from datetime import date

import pytest
import time_machine

from machines.models import Use
from members.models import Card, Member
from tests.conftest import NOW
from tests.importing import confirm, csv_of, do_import, errors_in, preview, verdicts, xlsx_of
from tests.staff import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def today(settings, tmp_path):
    settings.IMPORT_FOLDER = tmp_path / "imports"
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def boss(dora):
    return client_of(dora)


def member(email):
    return Member.objects.get(email=email)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_any_encoding_and_separator_is_understood(boss, encoding, delimiter):
    lines = ["Nome;Cognome;E-mail", "Niccolò;Bücher;n@example.org"]
    do_import(boss, Member, csv_of(*(line.replace(";", delimiter) for line in lines), encoding=encoding))
    assert member("n@example.org").get_full_name() == "Niccolò Bücher"


@pytest.mark.parametrize("card", ["0A:1B:2C:3E", "0a1b 2c3e", " 0A1B2C3E "])
def test_a_card_is_understood_in_any_notation(boss, card):
    do_import(boss, Member, csv_of("First name;Cards", f"Nina;{card}"))
    assert Card.objects.get(member__first_name="Nina").uid == "0a1b2c3e"


@pytest.mark.parametrize(
    "card", ["1.23E+07", "1,2345E+16", "1E+10", "1.2345E16", "1234567.0", "1234567", "2026-12-10", "10/12/2026", "xyz"]
)
def test_what_a_spreadsheet_made_of_a_card_is_refused_in_words(boss, card):
    seen = preview(boss, Member, csv_of("First name;Cards", f'Nina;"{card}"'))
    assert verdicts(seen) == ["error"]
    assert f"“{card}”" in errors_in(seen)[0]


@pytest.mark.parametrize(
    ("value", "number_format", "uid"),
    [(12345678, "General", "12345678"), (123456, "00000000", "00123456"), (12345678.0, "0", "12345678")],
)
def test_a_card_that_xlsx_holds_as_a_number_is_recognised(boss, value, number_format, uid):
    do_import(boss, Member, xlsx_of(["First name", "Cards"], ["Nina", value], formats={"B2": number_format}))
    assert Card.objects.get(member__first_name="Nina").uid == uid


@pytest.mark.parametrize(
    ("value", "number_format"),
    [
        (12340000, "0.00E+00"),
        (12340000, "General"),
        (123456, "General"),
        (1.2345e16, "0.00E+00"),
        (NOW.date(), "d/m/yy"),
    ],
)
def test_a_number_of_xlsx_that_may_have_been_another_card_is_refused(boss, value, number_format):
    file = xlsx_of(["First name", "Cards"], ["Nina", value], formats={"B2": number_format})
    assert verdicts(preview(boss, Member, file)) == ["error"]


def test_days_of_xlsx_are_days(boss):
    do_import(boss, Member, xlsx_of(["First name", "E-mail", "Membership ends"], ["Nina", "n@example.org", NOW.date()]))
    assert member("n@example.org").valid_until == NOW.date()


def test_a_day_that_two_readers_would_read_differently_is_refused(boss):
    lines = csv_of("First name;E-mail;Membership ends", "Nina;n@example.org;03/04/2026")
    assert "“03/04/2026” is not understood" in errors_in(preview(boss, Member, lines))[0]
    confirm(boss, preview(boss, Member, lines, accept_language="it"))
    assert member("n@example.org").valid_until == date(2026, 4, 3)


@pytest.mark.parametrize("day", ["0001-01-01", "0026-03-10", "9999-12-31", "01/01/0001"])
def test_a_day_that_nobody_means_is_refused(boss, laser, ada, day):
    lines = csv_of("Machine number;E-mail;Started;Ended", f"7;{ada.email};{day} 00:00;2026-03-09 10:00")
    assert f"“{day} 00:00” is not understood" in errors_in(preview(boss, Use, lines))[0]
