"""`/admin/system/`: for superusers, and for staff whose role may see runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from fabomatic import system
from fabomatic.backups import BackupFailed, compressed_copy
from fabomatic.logs import last_lines
from fabomatic.models import Run, note_run
from fabomatic.restore_page import backups_shown
from fabomatic.runs_shown import all_shown
from telemetry.live.feed import feed

LINES = 100


def may_see_system(user: Any) -> bool:
    return bool(user.has_perm("fabomatic.view_run"))


@require_safe
def system_page(request: HttpRequest) -> HttpResponse:
    if not may_see_system(request.user):
        raise PermissionDenied
    feed.start()
    context = {
        **admin.site.each_context(request),
        "title": _("System"),
        "groups": [
            (_("Broker and worker"), list(system.traffic(feed))),
            (_("Computer"), list(system.computer())),
            (_("Versions"), list(system.versions())),
        ],
        "runs": all_shown(timezone.now()),
        "backups": backups_shown(request.user),
        "folder": settings.BACKUP_FOLDER,
        "settings_shown": system.settings_shown(),
        "lines": last_lines(_log_path(), LINES) if settings.WORKER_LOG else None,
        "log_file": settings.WORKER_LOG,
    }
    return TemplateResponse(request, "admin/system.html", context)


def _log_path() -> Path:
    return Path(settings.BASE_DIR) / settings.WORKER_LOG


@require_POST
def download_copy(request: HttpRequest) -> HttpResponseBase:
    """Everything is in it, password hashes, too."""
    if not request.user.is_superuser:
        raise PermissionDenied
    try:
        with compressed_copy() as path:
            file = path.open("rb")  # stays readable when its name is gone
    except BackupFailed as failure:
        note_run(Run.Kind.BACKUP, str(failure), is_ok=False)
        messages.error(request, str(failure))
        return redirect("admin:system")
    stamp = timezone.localtime()
    note_run(Run.Kind.BACKUP, _("Downloaded by an administrator."))
    name = f"fabomatic-{date_format(stamp, 'Y-m-d-Hi')}{''.join(path.suffixes)}"
    return FileResponse(file, as_attachment=True, filename=name, content_type="application/octet-stream")
