"""Previews without writing, and writes in transactions so short that readers go on being answered meanwhile."""

from __future__ import annotations

import time
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext, override

from members.exchange import jobs
from members.exchange.importing import Importer, Plan, Verdict, find_doubles
from members.exchange.jobs import Job, Progress
from members.exchange.kinds import Number
from members.exchange.sheets import Sheet
from members.pieces import Pace, let_others_write

BLOCK = 50
ROWS_PER_TRANSACTION = 50
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
        "remarks": plan.remarks,
        "errors": plan.row.errors,
    }


def run(job: Job, importer: Importer) -> Progress:
    """As far as it comes in a few seconds; asked again it goes on. What is in the database already is left alone."""
    with job.alone(), override(job.language):  # in which 03/04 was understood
        progress, pace = job.progress(), Pace(ROWS_PER_TRANSACTION)
        until = time.monotonic() + SECONDS_PER_REQUEST
        progress.is_begun = True
        job.keep(progress)
        while progress.done < len(job.rows) and time.monotonic() < until:
            _block(job, importer, progress, pace)
        if progress.done >= len(job.rows) and not progress.is_over:
            progress.is_over = True
            job.keep(progress)
            job.rows = [{**row, "cells": [], "details": [], "about": ""} for row in job.rows]
            jobs.keep_rows(job)
        return progress


def _block(job: Job, importer: Importer, progress: Progress, pace: Pace) -> None:
    rows = job.rows[progress.done : progress.done + BLOCK]
    plans = _plans(importer, [row for row in rows if row["verdict"] != Verdict.ERROR])
    same = {plan.row.number for plan in plans if plan.verdict is Verdict.UNCHANGED}
    waiting: list[dict[str, Any]] = []
    for place, row in enumerate(rows, start=1):
        if row["verdict"] == Verdict.ERROR:
            progress.count("left_out")
        elif row["number"] in same:
            progress.count("unchanged")
        else:
            waiting.append(row)
        if len(waiting) >= pace.rows or place == len(rows):
            _transaction(importer, waiting, progress, pace)
            job.keep(progress)
            waiting = []


def _transaction(importer: Importer, waiting: list[dict[str, Any]], progress: Progress, pace: Pace) -> None:
    if not waiting:
        return
    started = time.monotonic()
    with transaction.atomic():
        plans = _plans(importer, waiting)
        importer.hold([plan for plan in plans if plan.verdict is not Verdict.ERROR])
        for row, plan in zip(waiting, plans, strict=True):
            _write(row, plan, progress)
    pace.follow(time.monotonic() - started)
    let_others_write()


def _plans(importer: Importer, rows: list[dict[str, Any]]) -> list[Plan]:
    """Again, where nobody else can write: much may have happened since the preview."""
    return importer.plans((row["number"], _cells(row)) for row in rows)


def _write(row: dict[str, Any], plan: Plan, progress: Progress) -> None:
    if plan.verdict is Verdict.UNCHANGED:
        progress.count("unchanged")
    elif plan.verdict is Verdict.ERROR:
        progress.refuse(row["number"], plan.row.errors)
    elif plan.details != row["details"]:
        progress.refuse(row["number"], [("", gettext("Somebody changed this after the preview."))])
    else:
        _write_whole(plan, progress)


def _write_whole(plan: Plan, progress: Progress) -> None:
    try:
        with transaction.atomic():
            plan.write()
    except ValidationError as error:
        progress.refuse(plan.row.number, [("", sentence) for sentence in error.messages])
    except IntegrityError:
        progress.refuse(plan.row.number, [("", gettext("Somebody changed this after the preview."))])
    else:
        progress.count("written")


def _cells(row: dict[str, Any]) -> list[Any]:
    return [Number(cell["number"]) if isinstance(cell, dict) else cell for cell in row["cells"]]
