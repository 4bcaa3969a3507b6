"""A list as a file, a batch at a time: a million rows do not fit into the memory of a Raspberry Pi."""

from __future__ import annotations

import csv
import tempfile
from array import array
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from io import StringIO
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.formats import get_format
from django.utils.translation import get_language, override

from members.exchange.cells import harmless, in_csv, in_xlsx
from members.exchange.kinds import Few
from members.exchange.tables import Column, Table

BATCH = 500
MOST_ROWS_IN_XLSX = 50_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_PART = 64 * 1024


def ids_of(listed: QuerySet[Any]) -> Sequence[int]:
    """In the list's order: 8 bytes each. No cursor stays open while somebody downloads, and holds no log of the
    database from being tidied."""
    return array("q", listed.values_list("pk", flat=True).iterator(chunk_size=5000))


def rows(table: Table, columns: Sequence[Column], ids: Sequence[int]) -> Iterator[list[list[Any]]]:
    """What was deleted since is left out. The language is that of the request, whichever thread goes on with it."""
    language, exports = get_language(), [_exported(column) for column in columns]
    for start in range(0, len(ids), BATCH):
        part = ids[start : start + BATCH]
        with override(language):
            found = table.fetch(part)
            batch = [[export(found[pk]) for export in exports] for pk in part if pk in found]
        yield batch


def _exported(column: Column) -> Callable[[Any], Any]:
    if not isinstance(column.widget, Few):
        return column.export
    words: dict[Any, Any] = {}

    def known(thing: Any) -> Any:
        value = column.get_value(thing)
        if value not in words:
            words[value] = column.widget.render(value)
        return words[value]

    return known


def csv_parts(table: Table, columns: Sequence[Column], ids: Sequence[int]) -> Iterator[bytes]:
    """Excel opens it in the columns it should where the list separator suits the reader's decimals."""
    decimals = get_format("DECIMAL_SEPARATOR")
    headings = [harmless(column.heading) for column in columns]
    batches = rows(table, columns, ids)

    def parts() -> Iterator[bytes]:
        output = StringIO()
        writer = csv.writer(output, delimiter=";" if decimals == "," else ",", lineterminator="\r\n")
        writer.writerow(headings)
        yield b"\xef\xbb\xbf" + _taken(output)
        for batch in batches:
            writer.writerows([in_csv(value, decimals) for value in row] for row in batch)
            yield _taken(output)

    return parts()


def _taken(output: StringIO) -> bytes:
    text = output.getvalue()
    output.seek(0)
    output.truncate()
    return text.encode("utf-8", "replace")


def xlsx_parts(table: Table, columns: Sequence[Column], ids: Sequence[int]) -> Iterator[bytes]:
    from openpyxl import Workbook  # 15 MB of memory, for whoever asks for it

    book = Workbook(write_only=True)
    sheet = book.create_sheet(str(table.model._meta.verbose_name_plural).capitalize()[:31])
    sheet.freeze_panes = "A2"
    for letter, column in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", columns, strict=False):
        sheet.column_dimensions[letter].width = max(14, len(column.heading) + 3)
    sheet.append([in_xlsx(sheet, column.heading, is_title=True) for column in columns])
    for batch in rows(table, columns, ids):
        for row in batch:
            sheet.append([in_xlsx(sheet, value) for value in row])
    file = tempfile.TemporaryFile()  # noqa: SIM115 closed when the last part is read
    book.save(file)
    file.seek(0)

    def parts() -> Iterator[bytes]:
        with file:
            while part := file.read(_PART):
                yield part

    return parts()


def download(request: HttpRequest, parts: Iterator[bytes], content_type: str, name: str) -> StreamingHttpResponse:
    content: Any = soon(parts) if isinstance(request, ASGIRequest) else parts
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(content, content_type=content_type, headers=headers)


async def soon(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Django would collect all parts first when it is served asynchronously."""
    following = sync_to_async(lambda: next(parts, None))
    while (part := await following()) is not None:
        yield part
