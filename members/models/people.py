"""People, what their role lets them do, and the cards they carry."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import Permission
from django.db import models
from django.db.models import ProtectedError, Q
from django.db.models.functions import Lower
from django.db.models.signals import pre_delete
from django.dispatch import receiver
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from members.fields import CardUidField
from members.models.agreements import Agreement


class Role(models.Model):
    name = models.CharField(_("name"), max_length=60, unique=True)
    authorize_all = models.BooleanField(
        _("authorizes all machines"),
        default=False,
        help_text=_("May use every machine without an authorization, blocked ones as far as the board lets them."),
    )
    can_maintain = models.BooleanField(
        _("does maintenance"), default=False, help_text=_("May confirm at the board that maintenance was done.")
    )
    is_backend_admin = models.BooleanField(
        _("enters this administration"), default=False, help_text=_("What they can do here is set below.")
    )
    is_reserved = models.BooleanField(_("reserved"), default=False, editable=False)
    permissions = models.ManyToManyField(Permission, verbose_name=_("permissions"), blank=True, related_name="roles")

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def has_power(self) -> bool:
        """Whether holding this role is more than being an ordinary member."""
        return self.authorize_all or self.can_maintain or self.is_backend_admin


class MemberManager(BaseUserManager["Member"]):
    def create_user(self, email: str | None = None, password: str | None = None, **fields: Any) -> Member:
        member = self.model(email=email, **fields)
        member.set_password(password)
        member.save(using=self._db)
        return member

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> Member:
        role = Role.objects.filter(is_reserved=True, is_backend_admin=True).first()
        if role is None:  # also where somebody took the flag from it: this is the way back in
            powers = {"authorize_all": True, "can_maintain": True, "is_backend_admin": True, "is_reserved": True}
            role, _is_new = Role.objects.update_or_create(name="Administrators", defaults=powers)
        return self.create_user(email, password, role=role, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> Member:
        return self.select_related("role").get(email=(username or "").strip().lower())


class Member(AbstractBaseUser):
    """A person of the lab. Most never log in: they have a card and no usable password."""

    first_name = models.CharField(_("first name"), max_length=80)
    last_name = models.CharField(_("last name"), max_length=80, blank=True)
    email = models.EmailField(_("e-mail"), null=True, blank=True, unique=True)
    role = models.ForeignKey(Role, models.PROTECT, verbose_name=_("role"), related_name="members")
    is_superuser = models.BooleanField(
        _("superuser"), default=False, help_text=_("Has every permission; an active backend administrator only.")
    )
    is_active = models.BooleanField(_("active"), default=True)
    deactivated_at = models.DateTimeField(_("deactivated at"), null=True, blank=True, editable=False)
    valid_until = models.DateField(
        _("membership ends"), null=True, blank=True, help_text=_("Last valid day; empty: unlimited.")
    )
    language = models.CharField(_("language"), max_length=8, blank=True, choices=settings.LANGUAGES)
    wants_weekly_summary = models.BooleanField(_("weekly summary by mail"), default=False)
    wants_maintenance_mail = models.BooleanField(
        _("mail when maintenance falls due"),
        default=False,
        help_text=_("For people whose role does maintenance."),
    )
    wants_silence_mail = models.BooleanField(
        _("mail when a board falls silent"), default=False, help_text=_("For people who enter this administration.")
    )
    consent_at = models.DateTimeField(_("consent given at"), null=True, blank=True)
    consent_to = models.ForeignKey(
        Agreement,
        models.PROTECT,
        verbose_name=_("consent to"),
        related_name="members",
        null=True,
        blank=True,
        help_text=_("The version of the agreement."),
    )
    notes = models.TextField(_("notes"), blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    objects: ClassVar[MemberManager] = MemberManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["first_name", "last_name"]

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        ordering: ClassVar = ["last_name", "first_name", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(email__isnull=True) | ~Q(email=""), name="member_email_null_if_empty"),
            models.CheckConstraint(
                condition=Q(email__isnull=True) | Q(email=Lower("email")), name="member_email_lower_case"
            ),
            models.CheckConstraint(
                condition=Q(is_active=True, deactivated_at__isnull=True)
                | Q(is_active=False, deactivated_at__isnull=False),
                name="member_deactivated_at_if_inactive",
            ),
        ]

    def __str__(self) -> str:
        return self.get_full_name()

    def get_full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    def get_short_name(self) -> str:
        return self.first_name

    def clean(self) -> None:
        self.email = _normalised_email(self.email)

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email = _normalised_email(self.email)
        if self.is_active:
            self.deactivated_at = None
        elif self.deactivated_at is None:
            self.deactivated_at = timezone.now()
        if (fields := kwargs.get("update_fields")) is not None and "is_active" in fields:
            kwargs["update_fields"] = {*fields, "deactivated_at"}
        super().save(*args, **kwargs)

    @property
    def is_staff(self) -> bool:
        """What Django's admin asks before it lets somebody in."""
        return self.is_active and self.role.is_backend_admin

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Who enters the administration, or no longer does, has to log in again: sessions hold what was so before."""
        with_password: str = super()._get_session_auth_hash(secret=secret)  # type: ignore[misc]
        return salted_hmac("members.models.Member.session", f"{with_password}{self.is_staff:d}").hexdigest()

    def has_perm(self, permission: str, obj: Any = None) -> bool:
        if self.is_staff and self.is_superuser:
            return True
        return any(backend.has_perm(self, permission, obj) for backend in _permission_backends())

    def has_perms(self, permissions: list[str], obj: Any = None) -> bool:
        return all(self.has_perm(permission, obj) for permission in permissions)

    def has_module_perms(self, app_label: str) -> bool:
        if self.is_staff and self.is_superuser:
            return True
        return any(backend.has_module_perms(self, app_label) for backend in _permission_backends())


class Card(models.Model):
    uid = CardUidField(_("card number"), unique=True, help_text=_("8 hexadecimal digits, as the readers show them."))
    member = models.ForeignKey(Member, models.CASCADE, verbose_name=_("member"), related_name="cards")
    label = models.CharField(_("label"), max_length=60, blank=True)
    is_lost = models.BooleanField(_("lost"), default=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("card")
        verbose_name_plural = _("cards")
        ordering: ClassVar = ["uid"]

    def __str__(self) -> str:
        return f"{self.uid} ({self.label})" if self.label else self.uid


@receiver(pre_delete, sender=Role)
def keep_reserved_roles(instance: Role, **kwargs: Any) -> None:
    if instance.is_reserved:
        raise ProtectedError(str(_("Reserved roles cannot be deleted.")), {instance})


def _normalised_email(email: str | None) -> str | None:
    return (email or "").strip().lower() or None


def _permission_backends() -> list[Any]:
    return [backend for backend in auth.get_backends() if hasattr(backend, "has_perm")]
