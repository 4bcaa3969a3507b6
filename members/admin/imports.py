"""The pages of an import: the file, its preview, how far it is."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from members.changes import sentences
from members.exchange import jobs, running, sheets
from members.exchange.importing import Importer, Verdict
from members.models import Change

ROWS_PER_PAGE = 50
ORDER = (Verdict.ERROR, Verdict.NEW, Verdict.CHANGED, Verdict.UNCHANGED)
logger = logging.getLogger(__name__)


class ImportViews:
    """Part of `Exchange`."""

    table: Any
    opts: Any
    admin_site: Any
    _url: Any

    def may_import(self, request: HttpRequest) -> bool:
        importer = self.table.importer if self.table is not None else None
        return importer is not None and importer.is_allowed(request.user)

    def _importer(self, request: HttpRequest) -> type[Importer]:
        if not self.may_import(request):
            raise PermissionDenied
        importer: type[Importer] = self.table.importer
        return importer

    # ---- the file ----------------------------------------------------------------------------------------------------

    def import_view(self, request: HttpRequest) -> HttpResponse:
        kind = self._importer(request)
        error = ""
        if request.method == "POST":
            try:
                return redirect(self._url("import_job", self._uploaded(request, kind).token))
            except sheets.Unreadable as unreadable:
                error = str(unreadable)
        headings = [column.heading for column in kind.readable()]
        context = {"headings": headings, "hints": kind.hints, "error": error}
        return self._page(request, "admin/import_export/import.html", context)

    def _uploaded(self, request: HttpRequest, kind: type[Importer]) -> jobs.Job:
        file: Any = request.FILES.get("file")
        if file is None:
            raise sheets.Unreadable(_("Choose a file."))
        if file.size > sheets.MOST_BYTES:
            raise sheets.Unreadable(_("The file is too large: 2 MB at most. Import it in parts."))
        sheet = sheets.read(file.read())
        importer = kind(request.user, sheet.heading)
        if missing := importer.missing():
            raise sheets.Unreadable(_("The file has no column %(missing)s.") % {"missing": ", ".join(missing)})
        return jobs.make(
            _key_of(request),
            self.opts.label_lower,
            file_name=str(file.name)[:80],
            heading=sheet.heading,
            rows=running.preview(importer, sheet),
            unknown=importer.unknown,
            language=get_language() or settings.LANGUAGE_CODE,
        )

    # ---- its preview, and what became of it --------------------------------------------------------------------------

    def import_job_view(self, request: HttpRequest, token: str) -> HttpResponse:
        kind = self._importer(request)
        job = jobs.find(token, _key_of(request), self.opts.label_lower)
        if job is None:
            text = _("This file is not kept any more. Choose it again: what it already wrote is left as it is.")
            messages.warning(request, text)
            return redirect(self._url("import"))
        if request.method == "POST":
            return self._answer(request, kind, job)
        progress = job.progress()
        if progress.is_begun:
            return self._page(request, "admin/import_export/progress.html", _how_far(job, progress))
        return self._page(request, "admin/import_export/preview.html", _preview(request, job))

    def _answer(self, request: HttpRequest, kind: type[Importer], job: jobs.Job) -> HttpResponse:
        if "discard" in request.POST:
            jobs.remove(job.token)
            messages.info(request, _("The file was deleted."))
            return redirect(self._url("import"))
        here = redirect(self._url("import_job", job.token))
        if job.counts["error"] and not job.progress().is_begun and "without_errors" not in request.POST:
            messages.error(
                request, _("Nothing was written: tick that rows with errors are left out, or correct the file.")
            )
            return here
        try:
            running.run(job, kind(request.user, job.heading))
        except DatabaseError:
            logger.exception("An import stopped.")
            messages.error(
                request, _("It stopped: the database did not answer. What is written stays; go on when you like.")
            )
        except FileNotFoundError:
            return redirect(self._url("import"))
        return here

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        title = _("Import: %(things)s") % {"things": self.opts.verbose_name_plural}
        common = {**self.admin_site.each_context(request), "title": title, "opts": self.opts}
        return TemplateResponse(request, template, {**common, **context})


def _key_of(request: HttpRequest) -> int:
    key: Any = request.user.pk
    return int(key)


def _preview(request: HttpRequest, job: jobs.Job) -> dict[str, Any]:
    counts = job.counts
    names = {
        Verdict.ERROR: _("with errors"),
        Verdict.NEW: _("to add"),
        Verdict.CHANGED: _("to change"),
        Verdict.UNCHANGED: _("as they are"),
    }
    first = next((verdict for verdict in ORDER if counts[verdict]), Verdict.NEW)
    shown = request.GET.get("show", first)
    rows = [row for row in job.rows if row["verdict"] == shown]
    page = Paginator(rows, ROWS_PER_PAGE).get_page(request.GET.get("p"))
    return {
        "job": job,
        "tabs": [(verdict.value, names[verdict], counts[verdict], verdict == shown) for verdict in ORDER],
        "shown": shown,
        "page": page,
        "rows": [{**row, "sentences": _said(row)} for row in page],
        "errors": counts["error"],
        "to_write": counts["new"] + counts["changed"],
    }


def _said(row: dict[str, Any]) -> list[str]:
    if not row["details"] or row["verdict"] == Verdict.ERROR:
        return []
    said = sentences(Change(details=row["details"], kind=Change.Kind.CHANGED), sees_people=True)
    return [*said, *row.get("remarks", ())]


def _how_far(job: jobs.Job, progress: jobs.Progress) -> dict[str, Any]:
    return {
        "job": job,
        "progress": progress,
        "total": len(job.rows),
        "left_out": [row for row in job.rows if row["verdict"] == Verdict.ERROR][:200],
    }
