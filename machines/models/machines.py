"""Machines, their types, and who may use them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

MAX_MACHINE_ID = 65535
MAX_MINUTES = 65535


class MachineType(models.Model):
    name = models.CharField(_("name"), max_length=60, unique=True)
    auto_logoff_minutes = models.PositiveIntegerField(
        _("log off after minutes"),
        default=0,
        validators=[MaxValueValidator(MAX_MINUTES)],
        help_text=_("The board ends a use after this time; 0: never."),
    )
    grace_minutes = models.PositiveIntegerField(
        _("grace minutes"),
        default=0,
        validators=[MaxValueValidator(MAX_MINUTES)],
        help_text=_("How long the board keeps the machine powered after a use."),
    )
    needs_authorization = models.BooleanField(
        _("needs an authorization"), default=True, help_text=_("Otherwise every active member may use it.")
    )
    allow_remote_start = models.BooleanField(
        _("remote start allowed"), default=False, help_text=_("Nobody stands at the machine when it starts.")
    )

    class Meta:
        verbose_name = _("machine type")
        verbose_name_plural = _("machine types")
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(auto_logoff_minutes__lte=MAX_MINUTES, grace_minutes__lte=MAX_MINUTES),
                name="machinetype_minutes_fit_16_bits",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Machine(models.Model):
    id = models.PositiveIntegerField(
        _("number"),
        primary_key=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_MACHINE_ID)],
        help_text=_("The machine number configured in the board, 1 to 65535."),
    )
    name = models.CharField(_("name"), max_length=80)
    type = models.ForeignKey(MachineType, models.PROTECT, verbose_name=_("type"), related_name="machines")
    is_blocked = models.BooleanField(
        _("blocked"),
        default=False,
        help_text=_("No lock-out: a running machine runs on, and a board without network lets people in."),
    )
    blocked_reason = models.CharField(_("reason"), max_length=200, blank=True)
    blocked_at = models.DateTimeField(_("blocked at"), null=True, blank=True, editable=False)
    seconds_used = models.PositiveBigIntegerField(_("odometer, seconds"), default=0, editable=False)
    initial_seconds = models.PositiveBigIntegerField(
        _("seconds before the first use here"), default=0, help_text=_("What the machine had run before it came here.")
    )
    last_seen_at = models.DateTimeField(_("last seen"), null=True, blank=True, editable=False)
    location = models.CharField(_("place"), max_length=80, blank=True)
    documentation_url = models.URLField(_("documentation"), blank=True)

    _stored_id: int | None = None

    class Meta:
        verbose_name = _("machine")
        verbose_name_plural = _("machines")
        ordering: ClassVar = ["name", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(id__gte=1, id__lte=MAX_MACHINE_ID), name="machine_id_1_to_65535")
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Machine:
        machine = super().from_db(*args, **kwargs)
        machine._stored_id = machine.pk
        return machine

    def save(self, *args: Any, **kwargs: Any) -> None:
        """The odometer is never written from here: the worker counts on while a form is open."""
        if not self._state.adding and self.pk != self._stored_id:
            raise ValidationError({"id": _("The number of a machine that exists cannot be changed here.")})
        if self.is_blocked and self.blocked_at is None:
            self.blocked_at = timezone.now()
        elif not self.is_blocked:
            self.blocked_at = None
        with transaction.atomic():
            if self._state.adding:
                self.seconds_used = self.initial_seconds
                super().save(*args, **{**kwargs, "force_insert": True})
                self._stored_id = self.pk
                return
            before = locked(Machine, self.pk)
            given = kwargs.pop("update_fields", None)
            fields = set(given) if given is not None else {field.name for field in self._meta.concrete_fields}
            if "is_blocked" in fields:
                fields.add("blocked_at")
            super().save(*args, **kwargs, update_fields=fields - {"id", "seconds_used", "last_seen_at"})
            if before is not None and "initial_seconds" in fields:
                earlier = self.initial_seconds - before.initial_seconds
                add_to_odometer(self.pk, earlier)
                move_readings(self.pk, earlier)


class Authorization(models.Model):
    member = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, verbose_name=_("member"), related_name="authorizations"
    )
    machine = models.ForeignKey(Machine, models.CASCADE, verbose_name=_("machine"), related_name="authorizations")
    valid_until = models.DateField(
        _("valid until"), null=True, blank=True, help_text=_("Last valid day; empty: unlimited.")
    )
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        verbose_name=_("granted by"),
        related_name="granted_authorizations",
        null=True,
        blank=True,
    )
    granted_at = models.DateTimeField(_("granted at"), default=timezone.now)
    note = models.CharField(_("note"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("authorization")
        verbose_name_plural = _("authorizations")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["member", "machine"], name="authorization_once_per_member_and_machine")
        ]

    def __str__(self) -> str:
        return f"{self.member} – {self.machine}"


def add_to_odometer(machine_id: int, seconds: int) -> None:
    if seconds:
        Machine.objects.filter(pk=machine_id).update(seconds_used=F("seconds_used") + seconds)


def move_readings(machine_id: int, seconds: int, since: datetime | None = None) -> None:
    """What was read off the odometer follows when the hours before it are corrected: plans count what came after."""
    if not seconds:
        return
    machine: Any = Machine(pk=machine_id)
    _move(machine.interventions, "at", "reading", seconds, since)
    _move(machine.maintenance_plans, "last_work_at", "reading_at_last_work", seconds, since)
    _move(machine.maintenance_plans, "base_at", "base_reading", seconds, since)


def _move(rows: QuerySet[Any], moment: str, reading: str, seconds: int, since: datetime | None) -> None:
    later = rows.filter(**{f"{moment}__gte": since}) if since is not None else rows.all()
    later.order_by().update(**{reading: Greatest(F(reading) + seconds, Value(0))})


def locked(model: type[Any], pk: Any) -> Any:
    return model._default_manager.select_for_update(no_key=True).filter(pk=pk).first()
