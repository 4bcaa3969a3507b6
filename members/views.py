"""Pages for those who have no password, or no longer know it. They look like the administration's login."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.views import PasswordResetConfirmView, PasswordResetDoneView, PasswordResetView
from django.http import HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from members import forgotten, invitations
from members.models import Member


class AtTheDoor:
    """In the look of the administration, which nobody has entered yet."""

    request: Any

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        return {**admin.site.each_context(self.request), **context}


class Forgotten(AtTheDoor, PasswordResetView):
    form_class = forgotten.ForgottenForm
    title = _("Forgotten password")

    def form_valid(self, form: Any) -> HttpResponse:
        forgotten.ask_for_link(form.cleaned_data["email"])
        return HttpResponseRedirect(self.get_success_url())


class LinkSent(AtTheDoor, PasswordResetDoneView):
    title = _("Look into your mail")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            "minutes": settings.PASSWORD_RESET_TIMEOUT // 60,
            "most_mails": forgotten.MOST_MAILS,
            **super().get_context_data(**kwargs),
        }


class NewPassword(AtTheDoor, PasswordResetConfirmView):
    """By a link that came by mail. Whoever chose a password this way is in."""

    form_class = SetPasswordForm
    token_generator = forgotten.tokens
    title = _("New password")
    post_reset_login = True
    post_reset_login_backend = "members.backends.RoleBackend"
    is_invitation = False

    def dispatch(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(*args, **kwargs)
        # Where the token is in the address, not even our own pages' log of requests gets to know it.
        response.headers["Referrer-Policy"] = "strict-origin"
        return response

    def get_user(self, uidb64: str) -> Any:
        member = super().get_user(uidb64)
        return member if member is not None and member.is_active else None

    def get_success_url(self) -> str:
        messages.success(self.request, _("Your password is set, and you are logged in."))
        return reverse(entry_of(self.user))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(is_invitation=self.is_invitation, **kwargs)
        return context if self.validlink else {**context, "title": _("This link is not valid any more")}


class Invitation(NewPassword):
    token_generator = invitations.tokens  # type: ignore[assignment]
    title = _("Your first password")
    is_invitation = True


def entry_of(member: Member) -> str:
    return "admin:index" if member.is_staff else "dashboard"
