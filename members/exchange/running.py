"""Previews without writing, and writes in transactions so short that readers go on being answered meanwhile."""

from __future__ import annotations

import time
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext, override

from members.exchange import jobs
from members.exchange.importing import Importer, Plan, Verdict, find_doubles
from members.exchange.jobs import Job, Progress
from members.exchange.kinds import Number
from members.exchange.sheets import Sheet

BLOCK = 50
ROWS_PER_TRANSACTION = 50
SECONDS_PER_TRANSACTION = 0.05
# SQLite does not queue: whoever waits for its lock has to find it free when it looks again.
PAUSE = 0.05
SECONDS_PER_REQUEST = 8.0


def preview(importer: Importer, sheet: Sheet) -> list[dict[str, Any]]:
    seen: dict[tuple[Any, ...], int] = {}
    rows: list[dict[str, Any]] = []
    for start in range(0, len(sheet.rows), BLOCK):
        block = sheet.rows[start : start + BLOCK]
        plans = importer.plans(block)
        find_doubles(plans, seen)
        for plan, (_number, cells) in zip(plans, block, strict=True):
            kept = [{"number": cell} if isinstance(cell, Number) else cell for cell in cells]
            rows.append({"cells": kept, **_kept(plan)})
    return rows


def _kept(plan: Plan) -> dict[str, Any]:
    return {
        "number": plan.row.number,
        "verdict": plan.verdict.value,
        "about": plan.about,
        "details": plan.details,
        "errors": plan.row.errors,
    }


def run(job: Job, importer: Importer) -> Progress:
    """As far as it comes in a few seconds; asked again it goes on. What is in the database already is left alone."""
    with job.alone(), override(job.language):  # in which 03/04 was understood
        progress = job.progress()
        until = time.monotonic() + SECONDS_PER_REQUEST
        progress.is_begun = True
        job.keep(progress)
        while progress.done < len(job.rows) and time.monotonic() < until:
            _block(job, importer, progress)
        if progress.done >= len(job.rows) and not progress.is_over:
            progress.is_over = True
            job.keep(progress)
            job.rows = [{**row, "cells": [], "details": [], "about": ""} for row in job.rows]
            jobs.keep_rows(job)
        return progress


def _block(job: Job, importer: Importer, progress: Progress) -> None:
    rows = job.rows[progress.done : progress.done + BLOCK]
    good = [(row["number"], _cells(row)) for row in rows if row["verdict"] != Verdict.ERROR]
    same = {plan.row.number for plan in importer.plans(good) if plan.verdict is Verdict.UNCHANGED}
    while rows:
        row = rows[0]
        if row["verdict"] == Verdict.ERROR or row["number"] in same:
            progress.count("left_out" if row["verdict"] == Verdict.ERROR else "unchanged")
            rows = rows[1:]
            continue
        rows = _transaction(importer, rows, same, progress)
        job.keep(progress)
        _let_others_write()
    job.keep(progress)


def _transaction(importer: Importer, rows: list[Any], same: set[int], progress: Progress) -> list[Any]:
    """What is left of the rows. Each is planned again where nobody else can write: much may have happened since."""
    until = time.monotonic() + SECONDS_PER_TRANSACTION
    with transaction.atomic():
        for place, row in enumerate(rows):
            is_for_later = row["verdict"] == Verdict.ERROR or row["number"] in same
            if is_for_later or place == ROWS_PER_TRANSACTION or (place and time.monotonic() > until):
                return rows[place:]
            _write(importer, row, progress)
    return []


def _write(importer: Importer, row: dict[str, Any], progress: Progress) -> None:
    plan = importer.plans([(row["number"], _cells(row))])[0]
    if plan.verdict is Verdict.UNCHANGED:
        progress.count("unchanged")
    elif plan.verdict is Verdict.ERROR:
        progress.refuse(row["number"], plan.row.errors)
    elif plan.details != row["details"] or not _is_written(plan):
        progress.refuse(row["number"], [("", gettext("Somebody changed this after the preview."))])
    else:
        progress.count("written")


def _is_written(plan: Plan) -> bool:
    try:
        with transaction.atomic():
            plan.write()
    except (IntegrityError, ValidationError):
        return False
    return True


def _cells(row: dict[str, Any]) -> list[Any]:
    return [Number(cell["number"]) if isinstance(cell, dict) else cell for cell in row["cells"]]


def _let_others_write() -> None:
    if connection.vendor == "sqlite":
        time.sleep(PAUSE)
