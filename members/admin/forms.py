"""What the admin's forms about people refuse. `actor` is who fills them in; the admin sets it for each request."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from django import forms
from django.contrib.auth.forms import AdminPasswordChangeForm, ReadOnlyPasswordHashField
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from members import consents
from members.admin.fresh import FreshForm
from members.days import today_here
from members.models import Card, Member, Role
from members.power import is_last_door, is_last_superuser, may_touch
from members.uids import is_reader_uid

LAST_SUPERUSER = _("This is the last active superuser who can log in: nobody else could change this back.")


def taken_by(actor: Any, member: Member, whose: Any, whosever: Any) -> ValidationError:
    """`whose` has a place for the name, told to those who may see members; the others are told only that it is so."""
    if actor is None or not actor.has_perm("members.view_member"):
        return ValidationError(whosever, code="unique")
    address = reverse("admin:members_member_change", args=[member.pk])
    return ValidationError(format_html(whose, format_html('<a href="{}">{}</a>', address, member)), code="unique")


class MemberForm(FreshForm):
    actor: ClassVar[Any] = None
    reported = ("email", "role", "is_active", "valid_until", "consent_at", "consent_to", "is_superuser")
    password = ReadOnlyPasswordHashField(label=_("Password"))

    class Meta:
        model = Member
        exclude: ClassVar = ["deactivated_at", "created_at"]

    def clean_email(self) -> str | None:
        email = (self.cleaned_data["email"] or "").strip().lower() or None
        other = Member.objects.filter(email=email).exclude(pk=self.instance.pk).first() if email else None
        if other is not None:
            raise taken_by(self.actor, other, _("This is the address of {}."), _("This address is taken."))
        return email

    def clean_valid_until(self) -> date | None:
        day: date | None = self.cleaned_data["valid_until"]
        if day is not None and "valid_until" in self.changed_data and day < today_here():
            text = _("This day is over. To keep somebody out from now on, make them inactive.")
            raise ValidationError(text, code="past")
        return day

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
        self._check_consent(cleaned)
        return cleaned

    def _check_consent(self, cleaned: dict[str, Any]) -> None:
        if not {"consent_at", "consent_to"} <= set(cleaned):  # one is wrong already, or the form is only read
            return
        if trouble := consents.objection(cleaned["consent_at"], cleaned["consent_to"], timezone.now()):
            self.add_error(*trouble)

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
        if self.instance.pk and not enters_admin and is_last_door(self.instance):
            raise ValidationError(LAST_SUPERUSER, code="last_superuser")
        return enters_admin


class CardForm(FreshForm):
    actor: ClassVar[Any] = None
    # A card reported lost while the form is open stays lost.
    reported = ("is_lost",)

    class Meta:
        model = Card
        fields: ClassVar = ["uid", "label", "is_lost"]

    def clean_uid(self) -> str:
        uid: str = self.cleaned_data["uid"]
        other = Card.objects.filter(uid=uid).exclude(pk=self.instance.pk).select_related("member").first()
        if other is not None:
            whose = _("This is a card of {}, reported lost.") if other.is_lost else _("This is a card of {}.")
            raise taken_by(self.actor, other.member, whose, _("This card is taken."))
        return uid

    def _get_validation_exclusions(self) -> set[str]:
        """A card of an older database can be marked lost although no reader sends its number."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        stored = self.initial.get("uid", "")
        if self.instance.pk and self.cleaned_data.get("uid", "") == stored and not is_reader_uid(stored):
            excluded.add("uid")
        return excluded


class CardOfMemberForm(CardForm):
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
