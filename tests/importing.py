"""An import as somebody at a desk does it: choose a file, look, confirm."""

from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from openpyxl import Workbook

from tests.staff import page


def csv_of(*lines: str, encoding: str = "utf-8-sig", end: str = "\r\n") -> bytes:
    return end.join(lines).encode(encoding)


def xlsx_of(*rows: Any, formats: dict[str, str] | None = None) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    for cell, number_format in (formats or {}).items():
        book.active[cell].number_format = number_format
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def upload(client: Any, model: Any, content: bytes, name: str = "people.csv", **headers: str) -> Any:
    file = SimpleUploadedFile(name, content)
    return client.post(page(model, "import"), {"file": file}, headers=headers)


def preview(client: Any, model: Any, content: bytes, **headers: str) -> Any:
    response = upload(client, model, content, **headers)
    assert response.status_code == 302, response.context["error"]
    return client.get(response.url, headers=headers)


def rows_of(response: Any) -> list[dict[str, Any]]:
    return list(response.context["job"].rows)


def verdicts(response: Any) -> list[str]:
    return [row["verdict"] for row in rows_of(response)]


def errors_in(response: Any) -> list[str]:
    """`column: sentence` for each, with the number of its row."""
    return [f"{row['number']} {column}: {text}" for row in rows_of(response) for column, text in row["errors"]]


def confirm(client: Any, response: Any, **ticked: str) -> Any:
    return client.post(response.request["PATH_INFO"], {"confirm": "", **ticked}, follow=True)


def do_import(client: Any, model: Any, content: bytes, **headers: str) -> Any:
    return confirm(client, preview(client, model, content, **headers))


def refusal(response: Any) -> str:
    assert response.status_code == 200, "it was taken"
    return str(response.context["error"])
