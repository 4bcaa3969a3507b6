"""An uploaded file as a heading and rows of cells, whatever made it: a text editor, LibreOffice, any Excel."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO, StringIO
from typing import Any

from django.utils.translation import gettext, ngettext

from members.exchange.cells import CLEAR, as_written
from members.exchange.kinds import Number

MOST_BYTES = 2 * 1024 * 1024
MOST_BYTES_UNPACKED = 40 * 1024 * 1024
MOST_ROWS = 10_000
MOST_COLUMNS = 60
MOST_LETTERS = 2000

Cell = str | float
EMPTIED = "\x00"  # as no text can be
_ZEROS = re.compile(r"0+")
_SCIENTIFIC = re.compile(r"E[+-]", re.IGNORECASE)


class Unreadable(ValueError):
    """Why a file cannot be read, in words."""


@dataclass(frozen=True, slots=True)
class Sheet:
    heading: list[str]
    rows: list[tuple[int, list[Cell]]]  # with their numbers, as a spreadsheet shows them


def read(content: bytes) -> Sheet:
    if len(content) > MOST_BYTES:
        raise Unreadable(gettext("The file is too large: 2 MB at most. Import it in parts."))
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable(gettext("This is a file of an old Excel. Save it as XLSX or CSV."))
    lines = _xlsx(content) if content.startswith(b"PK") else _csv(content)
    heading: list[str] | None = None
    rows: list[tuple[int, list[Cell]]] = []
    for number, cells in lines:
        if not any(cell != "" for cell in cells):
            continue
        if heading is None:
            heading = [str(cell) for cell in cells]
            continue
        rows.append((number, cells))
        if len(rows) > MOST_ROWS:
            text = ngettext(
                "The file has more than %(count)d row. Import it in parts.",
                "The file has more than %(count)d rows. Import it in parts.",
                MOST_ROWS,
            )
            raise Unreadable(text % {"count": MOST_ROWS})
    if heading is None or not rows:
        raise Unreadable(gettext("The file is empty: the first line names the columns, each other line is a row."))
    return Sheet(heading, rows)


def _written(text: str) -> str:
    """A text that is a dash was written defused."""
    text = text.strip(" \xa0")
    return EMPTIED if text == CLEAR else as_written(text)[:MOST_LETTERS]


# ---- CSV -------------------------------------------------------------------------------------------------------------


def _csv(content: bytes) -> Iterator[tuple[int, list[Cell]]]:
    text = _decoded(content)
    delimiter = ""
    if found := re.match(r"sep=(.)\r?\n", text):  # a line for Excel alone
        delimiter, text = found[1], text[found.end() :]
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter or _delimiter(text))
    try:
        for number, cells in enumerate(reader, start=2 if delimiter else 1):
            yield number, [_written(cell) for cell in cells[:MOST_COLUMNS]]
    except csv.Error as error:
        raise Unreadable(gettext("The file cannot be read as CSV.")) from error


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", "replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:  # an Excel that saved “CSV”, without more
            text = content.decode("cp1252", "replace")
    if "\x00" in text:
        raise Unreadable(gettext("This is neither CSV nor XLSX."))
    return text


def _delimiter(text: str) -> str:
    """The one that parts the first line most, outside of quotes."""
    first = re.sub(r'"[^"]*"', "", text.lstrip().split("\n", 1)[0])
    return max(";,\t", key=first.count)


# ---- XLSX ------------------------------------------------------------------------------------------------------------


def _xlsx(content: bytes) -> Iterator[tuple[int, list[Cell]]]:
    from openpyxl import load_workbook  # 15 MB of memory, for whoever brings one

    try:
        with zipfile.ZipFile(BytesIO(content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > MOST_BYTES_UNPACKED:
                raise Unreadable(gettext("The file is too large: 2 MB at most. Import it in parts."))
        book = load_workbook(BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what a file says of its own size may be wrong
        lines: Iterable[Any] = sheet.iter_rows(max_col=MOST_COLUMNS)
        for number, cells in enumerate(lines, start=1):
            yield number, _without_blanks([_value(cell) for cell in cells])
    except Unreadable:
        raise
    except Exception as error:  # openpyxl raises whatever it stumbles over
        raise Unreadable(gettext("The file cannot be read as XLSX.")) from error


def _without_blanks(cells: list[Cell]) -> list[Cell]:
    while cells and cells[-1] == "":
        cells.pop()
    return cells


def _value(cell: Any) -> Cell:
    match cell.value:
        case None:
            return ""
        case bool() as is_so:
            return "yes" if is_so else "no"
        case int() | float() as number:
            return _number(number, cell.number_format or "")
        case datetime() as at:
            return f"{at:%Y-%m-%d}" if at.time().isoformat() == "00:00:00" else f"{at:%Y-%m-%d %H:%M:%S}"
        case date() as day:
            return day.isoformat()
        case other:
            return _written(str(other))


def _number(number: float, shown_as: str) -> Cell:
    """As people see it, where its format says more than the number: zeros in front, or an exponent."""
    if _ZEROS.fullmatch(shown_as) and number == int(number) and len(shown_as) > 1:
        return f"{int(number):0{len(shown_as)}d}"
    if _SCIENTIFIC.search(shown_as):
        return f"{number:.4E}" if number != int(number) or abs(number) >= 1e7 else f"{number:.2E}"
    return Number(number)
