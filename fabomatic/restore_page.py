"""Backups on the system page, for superusers: download one, upload one, put one in the place of the database.

Everything about everybody is in them, password hashes, too.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST

from fabomatic import uploads
from fabomatic.backups import NoBackup, RestoreFailed
from fabomatic.backups.examining import Examined, examine, present
from fabomatic.backups.keeping import Backup, kept
from fabomatic.backups.restoring import restore

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """`token` is an upload's."""

    path: Path
    token: str = ""

    def give_back(self) -> None:
        if self.token:
            uploads.remove(self.token)


def backups_shown(user: Any) -> list[Backup] | None:
    """None: the folder cannot be read."""
    try:
        return kept() if user.is_superuser else []
    except OSError:
        return None


# ---- coming and going ------------------------------------------------------------------------------------------------


@require_POST
def download_kept(request: HttpRequest, name: str) -> HttpResponseBase:
    backup = _kept(request, name)
    log.info("A backup was downloaded: %s", name)
    return FileResponse(
        backup.path.open("rb"), as_attachment=True, filename=name, content_type="application/octet-stream"
    )


@csrf_exempt  # only until it is known where the file goes; `_take_in` looks
@require_POST
def upload(request: HttpRequest) -> HttpResponseBase:
    _require_superuser(request)
    uploads.sweep()
    handler = uploads.ToDisk(request, _key_of(request))
    request.upload_handlers = [handler]
    try:
        return _take_in(request, handler)
    finally:
        if not handler.is_taken:
            handler.discard()


@csrf_protect
def _take_in(request: HttpRequest, handler: uploads.ToDisk) -> HttpResponse:
    request.FILES  # noqa: B018  (reads what was sent)
    if handler.trouble or handler.path is None:
        messages.error(request, handler.trouble or _("Choose a file."))
        return redirect("admin:system")
    handler.is_taken = True
    uploads.sweep_in_time()
    return redirect("admin:system_restore_upload", handler.token)


# ---- putting back ----------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def restore_kept(request: HttpRequest, name: str) -> HttpResponse:
    return _restore(request, Source(_kept(request, name).path))


@require_http_methods(["GET", "HEAD", "POST"])
def restore_upload(request: HttpRequest, token: str) -> HttpResponse:
    _require_superuser(request)
    path = uploads.find(token, _key_of(request))
    if path is None:
        messages.warning(request, _("This file is not kept any more: upload it again."))
        return redirect("admin:system")
    source = Source(path, token)
    if "discard" in request.POST:
        source.give_back()
        messages.info(request, _("The file was deleted."))
        return redirect("admin:system")
    return _restore(request, source)


def _restore(request: HttpRequest, source: Source) -> HttpResponse:
    typed = request.POST.get("word")
    try:
        if typed is not None and _plain(typed) == _plain(word()):
            return _do_restore(request, source)
        found = examine(source.path)
    except (NoBackup, RestoreFailed) as refusal:
        if isinstance(refusal, NoBackup):
            source.give_back()
        messages.error(request, str(refusal))
        return redirect("admin:system")
    template = "restore_sure" if request.method == "POST" else "restore"
    context = {
        **admin.site.each_context(request),
        "title": _("Restore a backup"),
        "source": source,
        "found": found,
        "rows": _compared(found),
        "word": word(),
        "is_wrong": typed is not None,
    }
    return TemplateResponse(request, f"admin/system/{template}.html", context)


def word() -> str:
    return _("RESTORE")


def _do_restore(request: HttpRequest, source: Source) -> HttpResponse:
    log.warning("A superuser restores %s.", source.path.name)
    done = restore(source.path, timezone.now())
    source.give_back()
    # Whoever asked is not known here any more; the session they came with is not to be written again.
    request.session = SessionStore()
    request.user = AnonymousUser()
    context = {"title": _("The backup was restored"), "sentences": done.sentences}
    return TemplateResponse(request, "admin/system/restored.html", context).render()


def _compared(found: Examined) -> list[tuple[str, Any, Any]]:
    now = present()
    rows = [
        (_("members"), found.members, now.members if now else None),
        (_("machines"), found.machines, now.machines if now else None),
        (_("uses"), found.uses, now.uses if now else None),
    ]
    versions = (_("version of the tables"), found.version, now.version if now else None)
    return rows if versions[1] == versions[2] else [*rows, versions]


def _kept(request: HttpRequest, name: str) -> Backup:
    """Only what the list has: nothing of an address becomes a path."""
    _require_superuser(request)
    backup = next((backup for backup in backups_shown(request.user) or () if backup.path.name == name), None)
    if backup is None:
        raise Http404
    return backup


def _require_superuser(request: HttpRequest) -> None:
    if not request.user.is_superuser:
        raise PermissionDenied


def _key_of(request: HttpRequest) -> int:
    key: Any = request.user.pk
    return int(key)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
