"""Getting in, and choosing another password while one is in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminPasswordChangeForm
from django.contrib.auth import authenticate
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from members.lockout import is_locked_out, turn

TOO_MANY_REQUESTS = 429


def locked_out() -> ValidationError:
    minutes = {"minutes": int(settings.AXES_COOLOFF_TIME.total_seconds() // 60)}
    return ValidationError(
        _("Too many wrong passwords. Wait %(minutes)s minutes, then try again."), code="locked_out", params=minutes
    )


class LoginForm(AuthenticationForm):
    """Ordinary members log in here too, to see the dashboard; the admin asks for `is_staff` by itself."""

    required_css_class = "required"
    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": _("Please enter a correct e-mail address and password."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].widget.input_type = "email"

    def clean(self) -> dict[str, Any]:
        with turn:
            try:
                return super().clean()
            except ValidationError:
                if is_locked_out(self.request):
                    raise locked_out() from None
                raise


class OwnPasswordForm(AdminPasswordChangeForm):
    """A session somebody else found open is no place to guess the password either."""

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_old_password(self) -> str:
        old: str = self.cleaned_data["old_password"]
        with turn:
            if authenticate(self.request, username=self.user.email, password=old) == self.user:
                return old
        if is_locked_out(self.request):
            raise locked_out()
        raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")


class OwnPasswordView(PasswordChangeView):
    form_class = OwnPasswordForm

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}


class Entrance(AdminSite):
    """What the administration does at its door."""

    login_form = LoginForm

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return _answered(request, super().login(request, extra_context))

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        request.current_app = self.name
        view = OwnPasswordView.as_view(
            success_url=reverse("admin:password_change_done", current_app=self.name),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return _answered(request, view(request))


def _answered(request: HttpRequest, response: Any) -> Any:
    if is_locked_out(request):
        response.status_code = TOO_MANY_REQUESTS
        response.headers["Retry-After"] = str(int(settings.AXES_COOLOFF_TIME.total_seconds()))
    return response
