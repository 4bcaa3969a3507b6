"""The figures as tables: CSV as the reader's Excel expects it, and XLSX with a sheet for each."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from io import BytesIO, StringIO
from typing import Any

from django.utils.formats import date_format, get_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from members.exchange.cells import harmless, in_csv, in_xlsx
from telemetry.statistics.calendar import monday_of, today
from telemetry.statistics.figures import Figures

DEFAULT = "machine-weeks"
_A_MONDAY = date(2024, 1, 1)
_NOT_IN_TITLES = re.compile(r"[\[\]:*?/\\]")


@dataclass(frozen=True, slots=True)
class Table:
    title: Promise
    columns: list[Promise]
    rows: list[tuple[Any, ...]]


def tables(figures: Figures) -> dict[str, Table]:
    """By the name that `?table=` asks for."""
    return {
        "machines": Table(
            _("Hours per machine"),
            [_("Number"), _("Machine"), _("Type"), _("Hours"), _("Uses")],
            [(m.id, m.name, m.type, _hours(m.seconds), m.uses) for m in figures.machines],
        ),
        "weeks": Table(
            _("Hours and members per week"),
            [_("From"), _("To"), _("Hours"), _("Uses"), _("Members")],
            [(*days, _hours(w.seconds), w.uses, len(w.members)) for days, w in _weeks(figures)],
        ),
        DEFAULT: Table(
            _("Hours per machine and week"),
            [_("From"), _("To"), _("Number"), _("Machine"), _("Hours"), _("Uses")],
            list(_machine_weeks(figures)),
        ),
        "times": Table(
            _("Uses by weekday and hour"),
            [_("Weekday"), _("Hour"), _("Uses")],
            [(_weekday(hour // 24), hour % 24, uses) for hour, uses in enumerate(figures.hours)],
        ),
        "refusals": Table(_("Refusals"), [_("Reason"), _("Taps")], [(str(r), n) for r, n in figures.refusals.reasons]),
        "availability": Table(
            _("Availability"),
            [_("Number"), _("Machine"), _("Noted since"), *_AVAILABILITY],
            list(_availabilities(figures)),
        ),
    }


_AVAILABILITY = [_("Hours noted"), _("Hours available"), _("Hours blocked"), _("Hours silent")]


def as_csv(table: Table) -> bytes:
    """Excel opens it in the columns it should where the list separator suits the reader's decimals."""
    decimals = get_format("DECIMAL_SEPARATOR")
    output = StringIO()
    writer = csv.writer(output, delimiter=";" if decimals == "," else ",", lineterminator="\r\n")
    writer.writerow([harmless(str(title)) for title in table.columns])
    for row in table.rows:
        writer.writerow([in_csv(value, decimals) for value in row])
    return b"\xef\xbb\xbf" + output.getvalue().encode("utf-8", "replace")


def as_xlsx(figures: Figures) -> bytes:
    from openpyxl import Workbook  # 15 MB of memory, for whoever asks for it

    book = Workbook(write_only=True)
    for table in tables(figures).values():
        sheet = book.create_sheet(_NOT_IN_TITLES.sub(" ", str(table.title))[:31])
        sheet.freeze_panes = "A2"
        for letter, width in zip("ABCDEFG", _widths(table), strict=False):
            sheet.column_dimensions[letter].width = width
        sheet.append([in_xlsx(sheet, str(title), is_title=True) for title in table.columns])
        for row in table.rows:
            sheet.append([in_xlsx(sheet, value) for value in row])
    output = BytesIO()
    book.save(output)
    return output.getvalue()


# ---- rows ------------------------------------------------------------------------------------------------------------


def _weeks(figures: Figures) -> Iterator[tuple[tuple[date, date], Any]]:
    """With the days of each that were counted."""
    for week in figures.weeks:
        sunday = week.monday + timedelta(days=6)
        yield (max(week.monday, figures.span.first), min(sunday, figures.span.last)), week


def _machine_weeks(figures: Figures) -> Iterator[tuple[Any, ...]]:
    """Only those with a use."""
    for place, (days, _week) in enumerate(_weeks(figures)):
        for machine in figures.machines:
            if place in machine.weeks:
                seconds, uses = machine.weeks[place]
                yield (*days, machine.id, machine.name, _hours(seconds), uses)


def _availabilities(figures: Figures) -> Iterator[tuple[Any, ...]]:
    for machine in figures.machines:
        noted = machine.availability
        since = today(noted.since) if noted.since else ""
        seconds = (noted.noted, noted.available, noted.blocked, noted.offline)
        yield (machine.id, machine.name, since, *(_hours(part) for part in seconds))


def _hours(seconds: int) -> float:
    return round(seconds / 3600, 2)


def _weekday(number: int) -> str:
    return date_format(monday_of(_A_MONDAY) + timedelta(days=number), "l")


def _widths(table: Table) -> list[int]:
    """Columns wide enough for what most of them hold."""
    shown = [table.columns, *table.rows[:200]]
    return [min(60, 3 + max(len(str(row[at])) for row in shown)) for at in range(len(table.columns))]
