"""What the admin's forms about people refuse. `actor` is who fills them in; the admin sets it for each request."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib.auth.forms import AdminPasswordChangeForm, AuthenticationForm, ReadOnlyPasswordHashField
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from members.models import Card, Member, Role
from members.power import active_superusers, is_last_superuser, may_touch
from members.uids import is_reader_uid, normalise_uid

LAST_SUPERUSER = _("This is the last active superuser: nobody else could change this back.")


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


class MemberForm(forms.ModelForm):
    password = ReadOnlyPasswordHashField(label=_("Password"))

    class Meta:
        model = Member
        exclude: ClassVar = ["deactivated_at", "created_at"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        role, is_superuser = self._becomes("role"), self._becomes("is_superuser")
        enters_admin = role is not None and role.is_backend_admin
        if is_superuser and not enters_admin:
            self.add_error("is_superuser", _("A superuser needs a role that enters this administration."))
        if is_superuser and not self._becomes("email"):
            self.add_error("email", _("A superuser logs in by e-mail."))
        stays = is_superuser and enters_admin and self._becomes("is_active")
        if self.instance.pk and not stays and is_last_superuser(self.instance):
            raise ValidationError(LAST_SUPERUSER, code="last_superuser")
        return cleaned

    def _becomes(self, name: str) -> Any:
        if name in self.fields:
            return self.cleaned_data.get(name)
        return getattr(self.instance, name) if self.instance.pk else None


class RoleForm(forms.ModelForm):
    class Meta:
        model = Role
        exclude: ClassVar = ["is_reserved"]

    def clean_is_backend_admin(self) -> bool:
        enters_admin: bool = self.cleaned_data["is_backend_admin"]
        if self.instance.pk and not enters_admin:
            superusers = active_superusers()
            if superusers.exists() and not superusers.exclude(role=self.instance).exists():
                raise ValidationError(LAST_SUPERUSER, code="last_superuser")
        return enters_admin


class CardForm(forms.ModelForm):
    class Meta:
        model = Card
        fields: ClassVar = ["uid", "label", "is_lost"]

    def _get_validation_exclusions(self) -> set[str]:
        """A card of an older database can be marked lost although no reader sends its number."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        stored = self.initial.get("uid", "")
        given = normalise_uid(self.cleaned_data.get("uid", ""))
        if self.instance.pk and given == stored and not is_reader_uid(stored):
            excluded.add("uid")
        return excluded


class CardOfMemberForm(CardForm):
    actor: ClassVar[Any] = None

    class Meta(CardForm.Meta):
        fields: ClassVar = ["uid", "member", "label", "is_lost"]

    def clean_member(self) -> Member:
        member: Member = self.cleaned_data["member"]
        if not may_touch(self.actor, member):
            raise ValidationError(_("Only superusers may give cards to people with this role."), code="powerful")
        return member


class PasswordForm(AdminPasswordChangeForm):
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not cleaned.get("set_usable_password", True) and is_last_superuser(self.user):
            raise ValidationError(LAST_SUPERUSER, code="last_superuser")
        return cleaned
