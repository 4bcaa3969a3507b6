"""Screens in the admin: staff makes a link, which is shown once, and ends what a screen sees."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from members.admin import LabAdmin
from telemetry.models import Screen
from telemetry.screens import Pairing, in_groups, make_link, pairing, revoke

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@admin.register(Screen)
class ScreenAdmin(LabAdmin):
    list_display = ("name", "state", "last_seen_at", "created_by")
    list_select_related = ("created_by",)
    search_fields = ("name",)
    readonly_fields: ClassVar[tuple[str, ...]] = ("state", "last_seen_at", "created_at", "created_by")
    personal = frozenset({"created_by"})
    actions = ("revoke_selected",)

    class Media:
        css = {"all": ("telemetry/admin.css",)}

    @admin.display(description=_("state"))
    def state(self, screen: Screen) -> str:
        match pairing(screen, timezone.now()):
            case Pairing.REVOKED:
                return str(_("revoked %(when)s")) % {"when": _moment(screen.revoked_at)}
            case Pairing.OPENED:
                return str(_("shows the machines since %(when)s")) % {"when": _moment(screen.paired_at)}
            case Pairing.WAITS:
                return str(_("waits for its first opening until %(when)s")) % {"when": _moment(screen.link_until)}
            case Pairing.EXPIRED:
                return str(_("link expired"))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        once = _("Its link is shown when it is saved, and only then.")
        ending = _("A new link, revoking or deleting: each ends the page that this screen shows, within seconds.")
        fields = () if obj is None else self.readonly_fields
        return [(None, {"fields": ("name", *fields), "description": once if obj is None else ending})]

    def get_urls(self) -> list[Any]:
        new_link = self.admin_site.admin_view(self.new_link_view)
        return [path("<path:object_id>/link/", new_link, name="telemetry_screen_link"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return super().changelist_view(request, {"access": settings.DASHBOARD_ACCESS, **(extra_context or {})})

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("add"):  # the page that follows shows the link, and nothing else
            context |= {"show_save_and_continue": False, "show_save_and_add_another": False}
        context["checkbox"] = ACTION_CHECKBOX_NAME
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Screen, form: Any, change: bool) -> None:
        if change:  # a browser may exchange the link at this moment
            obj.save(update_fields=form.changed_data)
            return
        obj.created_by_id = request.user.pk
        obj.save()

    def response_add(self, request: HttpRequest, obj: Screen, post_url_continue: Any = None) -> HttpResponse:
        return self._link_shown_once(request, obj)

    def new_link_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if request.method != "POST":  # somebody came back to the address of a link that was shown
            return redirect("admin:telemetry_screen_change", object_id)
        screen = self.get_object(request, object_id)
        if screen is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        if not self.has_change_permission(request, screen):
            raise PermissionDenied
        with transaction.atomic():
            self.log_change(request, screen, str(_("Made a new link.")))
            return self._link_shown_once(request, screen)

    def _link_shown_once(self, request: HttpRequest, screen: Screen) -> HttpResponse:
        """In the answer to the POST itself: messages, sessions, logs and addresses are kept somewhere."""
        secret = make_link(screen, timezone.now())
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Link for a screen"),
            "screen": screen,
            "link": f"{_site(request)}{reverse('open_screen')}#{secret}",
            "address": f"{_site(request)}{reverse('open_screen')}",
            "code": in_groups(secret),
            "access": settings.DASHBOARD_ACCESS,
            "media": self.media,
            "has_view_permission": self.has_view_permission(request, screen),
        }
        return TemplateResponse(request, "admin/telemetry/screen/link.html", context)

    @admin.action(description=_("Revoke selected screens"), permissions=["change"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[Screen]) -> HttpResponse | None:
        """Asks first, like deleting does."""
        screens = list(queryset.filter(revoked_at__isnull=True))
        if screens and "sure" not in request.POST:
            context = {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": _("Revoke screens"),
                "screens": screens,
                "checkbox": ACTION_CHECKBOX_NAME,
                "media": self.media,
            }
            return TemplateResponse(request, "admin/telemetry/screen/revoke.html", context)
        for screen in screens:
            revoke(screen, timezone.now())
            self.log_change(request, screen, str(_("Revoked.")))
        text = ngettext(
            "%(count)d screen was revoked: its open page ends within seconds.",
            "%(count)d screens were revoked: their open pages end within seconds.",
            len(screens),
        )
        self.message_user(request, text % {"count": len(screens)}, messages.SUCCESS)
        return None


def _site(request: HttpRequest) -> str:
    """A SITE_URL that nobody set leads other devices nowhere; staff's own address may."""
    if urlsplit(settings.SITE_URL).hostname in LOOPBACK:
        return request.build_absolute_uri("/").rstrip("/")
    return settings.SITE_URL


def _moment(at: Any) -> str:
    return date_format(timezone.localtime(at), "DATETIME_FORMAT")
