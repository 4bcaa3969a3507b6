"""The readable page of an export: whole in itself, without scripts, for a phone, a screen and paper."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from django.apps import apps
from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from fabomatic.privacy import person_data
from fabomatic.privacy.person_data import PARTS, Column, Kind, Part
from machines.admin.hours import hours_and_minutes
from members.models import Member

_GAP = "<!-- parts -->"
_NOTHING = "–"


def page(member: Member, now: datetime) -> Iterator[str]:
    """Its head, each part row by row, its foot."""
    row = person_data.person(member)
    facts = [column for column in person_data.PERSON if column.name != "consent_text"]
    context = {
        "language": get_language(),
        "member": member,
        "now": now,
        "site": settings.SITE_URL,
        "gap": mark_safe(_GAP),  # noqa: S308  ours
        "parts": PARTS,
        "facts": [(capfirst(str(column.label)), _shown(row[column.name], column)) for column in facts],
        "consent_text": row["consent_text"],
    }
    head, foot = render_to_string("privacy/person.html", context).split(_GAP)
    yield head
    for part in PARTS:
        yield from _part(part, member, now)
    yield foot


def _part(part: Part, member: Member, now: datetime) -> Iterator[str]:
    columns = [(column, capfirst(str(column.label))) for column in part.columns if column.kind is not Kind.DATA]
    yield format_html('<section id="{}"><h2>{}</h2>\n', part.key, part.title)
    count = 0
    for row in part.rows(member, now):
        if not count:
            yield _head(part, columns)
        yield _row(columns, row)
        count += 1
    if count:
        rows = number_format(count, force_grouping=True)
        yield format_html("</tbody></table>\n<p>{}</p>", _("In all: %(count)s") % {"count": rows})
    else:
        yield format_html("<p>{}</p>", _("Nothing."))
    yield "</section>\n"


def _head(part: Part, columns: list[tuple[Column, str]]) -> SafeString:
    cells = format_html_join("", '<th scope="col">{}</th>', ((label,) for _column, label in columns))
    return format_html('<table aria-label="{}"><thead><tr>{}</tr></thead><tbody>\n', part.title, cells)


def _row(columns: list[tuple[Column, str]], row: dict[str, Any]) -> SafeString:
    cells = ((label, _shown(row[column.name], column)) for column, label in columns)
    return format_html("<tr>{}</tr>\n", format_html_join("", '<td data-label="{}"><span>{}</span></td>', cells))


def _shown(value: Any, column: Column) -> Any:
    if value is None or value == "":
        return _NOTHING
    match column.kind:
        case Kind.SECONDS:
            return hours_and_minutes(value)
        case Kind.THING:
            return capfirst(str(apps.get_model(value)._meta.verbose_name))
        case Kind.SENTENCES:
            return format_html_join(mark_safe("<br>"), "{}", ((sentence,) for sentence in value))
    if column.choices:
        return capfirst(str(dict(column.choices).get(value, value)))
    match value:
        case bool():
            return _("yes") if value else _("no")
        case datetime():
            return date_format(timezone.localtime(value, timezone.get_default_timezone()), "DATETIME_FORMAT")
        case date():
            return date_format(value, "DATE_FORMAT")
        case int():
            return str(value)
        case _:
            return value
