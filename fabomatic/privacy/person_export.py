"""What is stored about a person as a ZIP: for machines as JSON, and as a page in their language.

Written row by row: thirty thousand uses take no more memory than three.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext_noop

from fabomatic.privacy import person_data, person_page
from fabomatic.privacy.person_data import PARTS, Kind
from members.changes import note, said
from members.models import Change, Member

EXPORTED = gettext_noop("Exported what is stored about this person.")
VERSION = 1
JSON_FILE, PAGE_FILE = "person.json", "person.html"


def write(member: Member, file: IO[bytes], now: datetime) -> None:
    with (
        translation.override(member.language or settings.LANGUAGE_CODE),
        timezone.override(None),
        ZipFile(file, "w", ZIP_DEFLATED) as archive,
    ):
        for name, content in ((JSON_FILE, _json(member, now)), (PAGE_FILE, person_page.page(member, now))):
            with archive.open(_entry(name, now), "w", force_zip64=True) as entry:
                for text in content:
                    entry.write(text.encode())


def temporary(member: Member, now: datetime) -> IO[bytes]:
    """A file without a name, beside the database, not in /tmp, which is memory on many small computers."""
    folder = Path(settings.BASE_DIR) / "var"
    folder.mkdir(exist_ok=True)
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  whoever gets it closes it
    try:
        write(member, file, now)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def file_name(member: Member, now: datetime) -> str:
    return f"member-{member.pk}-{timezone.localtime(now, timezone.get_default_timezone()):%Y-%m-%d}.zip"


def note_export(member: Member, by_id: int | None, now: datetime) -> None:
    note(by_id, member, Change.Kind.CHANGED, said(EXPORTED), at=now)


def _entry(name: str, now: datetime) -> ZipInfo:
    local = timezone.localtime(now, timezone.get_default_timezone())
    entry = ZipInfo(name, local.timetuple()[:6])
    entry.compress_type = ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry


# ---- JSON ------------------------------------------------------------------------------------------------------------


def _json(member: Member, now: datetime) -> Iterable[str]:
    head = {"format": "fabomatic-person", "version": VERSION, "exported_at": now, "site": settings.SITE_URL}
    yield "{\n"
    for name, value in head.items():
        yield f"{_text(name)}: {_text(value)},\n"
    yield f"{_text('person')}: {_text(person_data.person(member))}"
    for part in PARTS:
        names = [column.name for column in part.columns if column.kind is not Kind.SENTENCES]
        yield f",\n{_text(part.key)}: ["
        between = "\n"
        for row in part.rows(member, now):
            yield between + _text({name: row[name] for name in names})
            between = ",\n"
        yield "\n]"
    yield "\n}\n"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return timezone.localtime(value, timezone.get_default_timezone()).isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)
