"""The rights of a person, from their page in the administration: what is stored about them, and erasing it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from fabomatic.privacy.erasing import CannotErase, erase, refusal
from fabomatic.privacy.person_export import file_name, note_export, temporary
from fabomatic.privacy.saying import what_was_done
from fabomatic.privacy.typed import is_named, name_to_type
from members.admin.deletion import fate_of
from members.models import Member
from members.power import may_touch

# Whoever may not see these may not carry them out of the lab, either.
EXPORTS = (
    "members.view_member",
    "members.view_card",
    "machines.view_authorization",
    "machines.view_use",
    "telemetry.view_tap",
    "machines.view_intervention",
    "members.view_change",
)


def may_export(user: Any, member: Member) -> bool:
    return bool(user.has_perms(EXPORTS) and may_touch(user, member))


def may_erase(user: Any, member: Member) -> bool:
    """As deleting asks: what goes with them takes a permission of its own."""
    needed = ["members.view_member", "members.delete_member"]
    if member.cards.exists():
        needed.append("members.delete_card")
    if member.authorizations.exists():
        needed.append("machines.delete_authorization")
    return bool(user.has_perms(needed) and may_touch(user, member))


def urls_at(site: admin.AdminSite) -> list[Any]:
    view = site.admin_view
    return [
        path("members/member/<int:number>/export/", view(export_member), name="member_export"),
        path("members/member/<int:number>/erase/", view(erase_member), name="member_erase"),
    ]


@require_POST
def export_member(request: HttpRequest, number: int) -> HttpResponseBase:
    member = _member(number)
    if not may_export(request.user, member):
        raise PermissionDenied
    now = timezone.now()
    try:
        file = temporary(member, now)
    except OSError as error:
        text = _("The file could not be written: %(error)s")
        messages.error(request, text % {"error": error.strerror or type(error).__name__})
        return redirect("admin:members_member_change", number)
    note_export(member, request.user.pk, now)
    name = file_name(member, now)
    response = FileResponse(file, as_attachment=True, filename=name, content_type="application/zip")
    response.headers["Cache-Control"] = "no-store"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def erase_member(request: HttpRequest, number: int) -> HttpResponse:
    """Three steps: what goes, the name, done."""
    member = _member(number)
    if not may_erase(request.user, member):
        raise PermissionDenied
    reason = refusal(member, request.user)
    step = request.POST.get("step") if not reason else ""
    if step == "erase" and is_named(member, request.POST.get("name", "")):
        return _erase(request, member, timezone.now())
    if step in ("name", "erase"):
        return _page(request, member, "name", is_wrong=step == "erase", name=name_to_type(member))
    return _page(request, member, "ask", reason=reason, fate=fate_of([member]))


def _member(number: int) -> Member:
    try:
        return get_object_or_404(Member.objects.select_related("role"), pk=number)
    except OverflowError:  # a number that no database holds
        return get_object_or_404(Member, pk=0)


def _erase(request: HttpRequest, member: Member, now: datetime) -> HttpResponse:
    try:
        erased = erase(member, request.user.pk, now)
    except CannotErase as failure:
        messages.error(request, str(failure))
        return redirect("admin:member_erase", member.pk)
    if request.user.pk == member.pk:
        return redirect("admin:login")
    done = "; ".join(what_was_done(erased))
    text = _("Member %(number)d was erased (%(done)s).") if done else _("Member %(number)d was erased.")
    messages.success(request, text % {"number": member.pk, "done": done})
    return redirect("admin:members_member_changelist")


def _page(request: HttpRequest, member: Member, step: str, **context: Any) -> HttpResponse:
    request.current_app = admin.site.name
    context = {
        **admin.site.each_context(request),
        "title": _("Erase a person"),
        "subtitle": None,
        "opts": Member._meta,
        "media": "",
        "member": member,
        "step": step,
        "may_export": may_export(request.user, member),
        **context,
    }
    return TemplateResponse(request, "admin/members/member/erase.html", context)
