"""What stands in a cell of a file, and that no spreadsheet runs it."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

# What a spreadsheet might run. The second four are what some make of the first.
_FORMULA = re.compile(r"'*(?:\s*[=+\-@＝＋－＠|%]|[\t\r\n])")
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udfff]")

CLEAR = "-"  # in a cell of an import: empties what is there


def is_formula(text: str) -> bool:
    return _FORMULA.match(text) is not None


def harmless(text: str) -> str:
    """Text that already begins like this gets one more, so that `as_written` finds every text again."""
    return f"'{text}" if is_formula(text) else text


def as_written(text: str) -> str:
    """What `harmless` made of a text, back."""
    return text[1:] if text.startswith("'") and is_formula(text) else text


def in_csv(value: Any, decimals: str) -> str:
    match value:
        case None:
            return ""
        case str():
            return harmless(value)
        case float():
            return f"{value:.2f}".replace(".", decimals)
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case _:
            return str(value)


def in_xlsx(sheet: Any, value: Any, *, is_title: bool = False) -> Any:
    from openpyxl.cell import WriteOnlyCell  # 15 MB of memory, for whoever asks for it
    from openpyxl.styles import Font

    cell = WriteOnlyCell(sheet, _for_xlsx(value) if isinstance(value, str) else value)
    match value:
        case str():
            cell.data_type = "s"  # whatever it begins with
            cell.number_format = "@"  # also when somebody edits it: a card number is no number
            cell.quotePrefix = is_formula(value)
        case datetime():
            cell.number_format = "yyyy-mm-dd hh:mm:ss"
        case date():
            cell.number_format = "yyyy-mm-dd"
        case float():
            cell.number_format = "#,##0.00"
    if is_title:
        cell.font = Font(bold=True)
    return cell


def _for_xlsx(text: str) -> str:
    """A cell of text is harmless as it is; but one that looks defused, or empties, would be taken for that."""
    text = _UNWRITABLE.sub("", text)
    return harmless(text) if text.startswith("'") or text == CLEAR else text
