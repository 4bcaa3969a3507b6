"""Giving rights to many at once: asked, shown, and done only as it was shown."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import AdminForm
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from machines.admin.granting_forms import CopyForm, GrantForm, RightsForm, lab_today
from machines.admin.machines import MachineAdmin
from machines.granting import Effect, Step, foresee, grant, remarks
from machines.models import Authorization, Machine
from members.admin import LabAdmin, MemberAdmin, sees_people
from members.admin.pickers import is_key
from members.models import Member

# A form sends no more fields than DATA_UPLOAD_MAX_NUMBER_FIELDS.
MOST_CHOSEN = 900


class GrantingPages(LabAdmin):
    """The pages, for the admin of authorizations."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("grant/", view(self.grant_view), name="machines_authorization_grant"),
            path("copy/", view(self.copy_view), name="machines_authorization_copy"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return super().changelist_view(request, {"may_grant": may_grant(request), **(extra_context or {})})

    def grant_view(self, request: HttpRequest) -> HttpResponse:
        initial = {name: request.GET.getlist(name)[:MOST_CHOSEN] for name in ("members", "machines")}
        form = GrantForm(request.POST) if request.method == "POST" else GrantForm(initial=_numbers(initial))
        return self.rights_page(request, form, "grant", str(_("Grant authorizations")))

    def copy_view(self, request: HttpRequest) -> HttpResponse:
        form = CopyForm(request.POST) if request.method == "POST" else CopyForm(initial=_numbers(request.GET.dict()))
        return self.rights_page(request, form, "copy", str(_("Copy authorizations")))

    def rights_page(self, request: HttpRequest, form: RightsForm, name: str, title: str) -> HttpResponse:
        if not may_grant(request):
            raise PermissionDenied
        steps: list[Step] = []
        if form.is_bound and form.is_valid():
            wishes, terms = form.wishes(), form.terms(may_change=self.has_change_permission(request))
            steps = foresee(wishes, terms)
            wants_it_done = "do" in request.POST
            if wants_it_done and (request.POST.get("seen") == _mark(steps, terms) or not _changes(steps)):
                return self._granted(request, grant(wishes, terms, request.user))  # type: ignore[arg-type]
            if wants_it_done:
                self.message_user(
                    request, _("This is not what was shown before. Look again, please."), messages.WARNING
                )
        return self._rights_form(request, form, name, title, steps)

    def _rights_form(
        self, request: HttpRequest, form: RightsForm, name: str, title: str, steps: list[Step]
    ) -> HttpResponse:
        fields = [(None, {"fields": tuple(form.fields)})]
        adminform = AdminForm(form, fields, {}, model_admin=self)  # type: ignore[arg-type]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "adminform": adminform,
            "errors": form.errors if form.is_bound else None,
            "media": self.media + form.media,
            "address": f"admin:machines_authorization_{name}",
            "button": _("Copy") if name == "copy" else _("Grant"),
            "has_view_permission": self.has_view_permission(request),
            **(_preview(steps, form, may_change=self.has_change_permission(request)) if steps else {}),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/machines/authorization/rights.html", context)

    def _granted(self, request: HttpRequest, steps: Sequence[Step]) -> HttpResponse:
        is_changed = _changes(steps) > 0
        text = ", ".join(_counted(steps)) if is_changed else str(_("Nothing to change: all of that is so already."))
        self.message_user(request, text, messages.SUCCESS if is_changed else messages.INFO)
        return redirect(
            "admin:machines_authorization_changelist" if self.has_view_permission(request) else "admin:index"
        )


def may_grant(request: HttpRequest) -> bool:
    """Who grants picks from people and machines."""
    user: Any = request.user
    return sees_people(user) and user.has_perms(["machines.add_authorization", "machines.view_machine"])


def _numbers(given: dict[str, Any]) -> dict[str, Any]:
    lists = {name: [raw for raw in values if is_key(raw)] for name, values in given.items() if isinstance(values, list)}
    single = {name: raw for name, raw in given.items() if not isinstance(raw, list) and is_key(raw)}
    return lists | single


# ---- what would happen -----------------------------------------------------------------------------------------------


def _preview(steps: Sequence[Step], form: RightsForm, *, may_change: bool) -> dict[str, Any]:
    today = lab_today()
    lines = [{"step": step, "remarks": list(remarks(step.wish, today))} for step in steps]
    return {
        "counted": _counted(steps),
        "changing": [line for line in lines if line["step"].effect.is_change],  # type: ignore[attr-defined]
        "staying": [line for line in lines if not line["step"].effect.is_change],  # type: ignore[attr-defined]
        "may_change": may_change,
        "seen": _mark(steps, form.terms(may_change=may_change)),
    }


def _mark(steps: Sequence[Step], terms: Any) -> str:
    """Of what was shown: when it is no longer so, it is shown again."""
    told = [(step.wish.member.pk, step.wish.machine.pk, str(step.effect), str(step.valid_until)) for step in steps]
    return hashlib.sha256(repr((told, terms)).encode()).hexdigest()


def _changes(steps: Sequence[Step]) -> int:
    return sum(step.effect.is_change for step in steps)


def _counted(steps: Sequence[Step]) -> list[str]:
    found = Counter(step.effect for step in steps)
    sentences = {
        Effect.NEW: ngettext("%(count)d new right", "%(count)d new rights", found[Effect.NEW]),
        Effect.EXTENDED: ngettext("%(count)d extended", "%(count)d extended", found[Effect.EXTENDED]),
        Effect.SHORTENED: ngettext("%(count)d shortened", "%(count)d shortened", found[Effect.SHORTENED]),
        Effect.KEPT: ngettext("%(count)d stays as it is", "%(count)d stay as they are", found[Effect.KEPT]),
        Effect.SAME: ngettext("%(count)d already so", "%(count)d already so", found[Effect.SAME]),
    }
    return [text % {"count": found[effect]} for effect, text in sentences.items() if found[effect]]


# ---- from the lists of members and machines --------------------------------------------------------------------------


def _opened(request: HttpRequest, name: str, form: RightsForm, title: Any) -> HttpResponse:
    pages: Any = admin.site.get_model_admin(Authorization)
    return pages.rights_page(request, form, name, str(title))


def chosen(model_admin: LabAdmin, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
    """Nothing, with a sentence, when they are more than a page can send."""
    found = list(queryset[: MOST_CHOSEN + 1])
    if len(found) <= MOST_CHOSEN:
        return found
    text = _("Choose at most %(most)d, please.") % {"most": MOST_CHOSEN}
    model_admin.message_user(request, text, messages.ERROR)
    return []


def _keys(model_admin: LabAdmin, request: HttpRequest, queryset: QuerySet[Any]) -> list[int]:
    return chosen(model_admin, request, queryset.order_by("pk").values_list("pk", flat=True))


@admin.action(description=_("Grant authorizations…"), permissions=["grant"])
def grant_to_them(model_admin: LabAdmin, request: HttpRequest, queryset: QuerySet[Member]) -> HttpResponse | None:
    if not (keys := _keys(model_admin, request, queryset)):
        return None
    return _opened(request, "grant", GrantForm(initial={"members": keys}), _("Grant authorizations"))


@admin.action(description=_("Copy authorizations from or to them…"), permissions=["grant"])
def copy_to_them(model_admin: LabAdmin, request: HttpRequest, queryset: QuerySet[Member]) -> HttpResponse | None:
    if not (keys := _keys(model_admin, request, queryset)):
        return None
    initial = {"model": keys[0]} if len(keys) == 1 else {"members": keys}
    return _opened(request, "copy", CopyForm(initial=initial), _("Copy authorizations"))


@admin.action(description=_("Grant to members…"), permissions=["grant"])
def grant_them(model_admin: LabAdmin, request: HttpRequest, queryset: QuerySet[Machine]) -> HttpResponse | None:
    if not (keys := _keys(model_admin, request, queryset)):
        return None
    return _opened(request, "grant", GrantForm(initial={"machines": keys}), _("Grant authorizations"))


def _has_grant_permission(self: LabAdmin, request: HttpRequest) -> bool:
    return may_grant(request)


def _add_actions(model_admin: Any, *actions: Any) -> None:
    """Members know nothing of machines, nor machines of who gives rights to them."""
    model_admin.has_grant_permission = _has_grant_permission
    model_admin.actions = [*(model_admin.actions or ()), *actions]


_add_actions(MemberAdmin, grant_to_them, copy_to_them)
_add_actions(MachineAdmin, grant_them)
