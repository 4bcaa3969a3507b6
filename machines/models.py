"""Machines, who may use them, what they need, and what was done with them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import connection, models, transaction
from django.db.models import F, Q
from django.db.models.signals import post_delete, pre_delete
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from machines.expressions import SecondsBetween
from members.fields import CardUidField

MAX_MACHINE_ID = 65535
MAX_MINUTES = 65535
LCD_COLUMNS = 15


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
            before = _locked(Machine, self.pk)
            given = kwargs.pop("update_fields", None)
            fields = set(given) if given is not None else {field.name for field in self._meta.concrete_fields}
            if "is_blocked" in fields:
                fields.add("blocked_at")
            super().save(*args, **kwargs, update_fields=fields - {"id", "seconds_used", "last_seen_at"})
            if before is not None and "initial_seconds" in fields:
                add_to_odometer(self.pk, self.initial_seconds - before.initial_seconds)


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


class MaintenancePlan(models.Model):
    machine = models.ForeignKey(Machine, models.CASCADE, verbose_name=_("machine"), related_name="maintenance_plans")
    description = models.CharField(_("description"), max_length=200)
    lcd_message = models.CharField(
        _("text on the board"),
        max_length=LCD_COLUMNS,
        blank=True,
        validators=[RegexValidator(r"^[ -~]*\Z", _("Only plain ASCII letters, digits and signs fit the board."))],
        help_text=_("15 columns; empty: the start of the description."),
    )
    hours_between = models.PositiveIntegerField(
        _("every … hours of use"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    days_between = models.PositiveIntegerField(
        _("every … days"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(36500)]
    )
    instructions_url = models.URLField(_("instructions"), blank=True)
    reading_at_last_work = models.PositiveBigIntegerField(_("odometer at the last work, seconds"), blank=True)
    last_work_at = models.DateTimeField(_("last work"), default=timezone.now)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("maintenance plan")
        verbose_name_plural = _("maintenance plans")
        ordering: ClassVar = ["machine", "pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(hours_between__isnull=False) | Q(days_between__isnull=False),
                name="plan_has_hours_or_days",
                violation_error_message=_("Give hours of use, days, or both."),
            ),
            models.CheckConstraint(
                condition=(Q(hours_between__isnull=True) | Q(hours_between__gt=0))
                & (Q(days_between__isnull=True) | Q(days_between__gt=0)),
                name="plan_intervals_positive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.description} ({self.machine})"

    def clean_fields(self, exclude: Any = None) -> None:
        super().clean_fields({*(exclude or ()), "reading_at_last_work"} if self._starts_now() else exclude)

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self._starts_now():
            self.reading_at_last_work = Machine.objects.values_list("seconds_used", flat=True).get(pk=self.machine_id)
        super().save(*args, **kwargs)

    def _starts_now(self) -> bool:
        return self.reading_at_last_work is None


class Intervention(models.Model):
    """Maintenance that was done. The plan follows its latest one."""

    plan = models.ForeignKey(
        MaintenancePlan,
        models.RESTRICT,
        verbose_name=_("maintenance plan"),
        related_name="interventions",
        db_index=False,
    )
    machine = models.ForeignKey(Machine, models.CASCADE, verbose_name=_("machine"), related_name="interventions")
    member = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        verbose_name=_("member"),
        related_name="interventions",
        null=True,
        blank=True,
    )
    at = models.DateTimeField(_("time"), default=timezone.now)
    reading = models.PositiveBigIntegerField(
        _("odometer, seconds"), blank=True, help_text=_("Empty: what the machine shows now.")
    )
    is_replay = models.BooleanField(_("time estimated"), default=False, editable=False)
    note = models.CharField(_("note"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("intervention")
        verbose_name_plural = _("interventions")
        ordering: ClassVar = ["-at", "-pk"]
        indexes: ClassVar = [
            models.Index(fields=["plan", "-at"], name="intervention_latest_of_plan"),
            models.Index(fields=["-at"], name="intervention_latest"),
        ]

    def __str__(self) -> str:
        return f"{self.plan} – {timezone.localtime(self.at):%Y-%m-%d %H:%M}"

    def clean(self) -> None:
        if self.at and self.at > timezone.now():
            raise ValidationError({"at": _("This is in the future.")})

    def clean_fields(self, exclude: Any = None) -> None:
        super().clean_fields({*(exclude or ()), "reading"} if self.reading is None else exclude)

    def save(self, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic():
            before = None if self._state.adding else Intervention.objects.filter(pk=self.pk).first()
            self.machine_id = self.plan.machine_id
            if self.reading is None:
                self.reading = Machine.objects.values_list("seconds_used", flat=True).get(pk=self.machine_id)
            super().save(*args, **kwargs)
            for plan_id in {self.plan_id, before.plan_id if before else self.plan_id}:
                follow_interventions(plan_id)


class EndReason(models.TextChoices):
    STOP = "stop", _("stopped at the board")
    LOST = "lost", _("no sign of life")
    SUPERSEDED = "superseded", _("somebody else started")
    STAFF = "staff", _("closed by staff")


class Use(models.Model):
    """One person's time at one machine. `machines.usage` writes what boards report, `save` what staff does by hand."""

    machine = models.ForeignKey(Machine, models.CASCADE, verbose_name=_("machine"), related_name="uses", db_index=False)
    member = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, verbose_name=_("member"), related_name="uses", null=True, blank=True
    )
    card_uid = CardUidField(_("card number"), blank=True)
    started_at = models.DateTimeField(_("started"))
    last_seen_at = models.DateTimeField(_("last sign of life"), blank=True, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    duration = models.PositiveBigIntegerField(_("duration, seconds"), null=True, blank=True, editable=False)
    end_reason = models.CharField(_("ended by"), max_length=12, blank=True, choices=EndReason, editable=False)
    is_replay = models.BooleanField(_("times estimated"), default=False, editable=False)
    recorded_at = models.DateTimeField(_("recorded"), default=timezone.now, editable=False)
    note = models.CharField(_("note"), max_length=200, blank=True)

    TIMES: ClassVar = ("started_at", "last_seen_at", "ended_at", "duration", "end_reason")

    class Meta:
        verbose_name = _("use")
        verbose_name_plural = _("uses")
        ordering: ClassVar = ["-started_at", "-pk"]
        indexes: ClassVar = [
            models.Index(fields=["machine", "-ended_at", "-id"], name="use_last_of_machine"),
            models.Index(fields=["last_seen_at"], condition=Q(ended_at__isnull=True), name="use_running_by_last_seen"),
            models.Index(fields=["-started_at", "-id"], name="use_latest"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["machine"],
                condition=Q(ended_at__isnull=True),
                name="use_one_running_per_machine",
                violation_error_message=_("This machine is already in use."),
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, duration__isnull=True, end_reason="")
                | Q(
                    ended_at__isnull=False,
                    duration__isnull=False,
                    end_reason__in=["stop", "lost", "superseded", "staff"],
                ),
                name="use_running_or_ended",
            ),
            models.CheckConstraint(
                condition=Q(duration__isnull=True) | Q(duration=SecondsBetween("started_at", "ended_at")),
                name="use_duration_is_end_minus_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.machine} – {timezone.localtime(self.started_at):%Y-%m-%d %H:%M}"

    def clean(self) -> None:
        now = timezone.now()
        if self.started_at and self.started_at > now:
            raise ValidationError({"started_at": _("This is in the future.")})
        if self.ended_at and self.ended_at > now:
            raise ValidationError({"ended_at": _("This is in the future.")})
        if self.started_at and self.ended_at and self.ended_at < self.started_at:
            raise ValidationError({"ended_at": _("The end is before the start.")})
        self._complete()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Moves the odometers by what this change does to the machine's hours."""
        with transaction.atomic():
            before = _locked_use(self.pk, self.machine_id)
            self._complete()
            if (fields := kwargs.get("update_fields")) is not None and {"started_at", "ended_at"} & set(fields):
                kwargs["update_fields"] = {*fields, *self.TIMES}
            super().save(*args, **kwargs)
            if before is not None:
                add_to_odometer(before.machine_id, -(before.duration or 0))
            # Asked again: with `update_fields`, what is stored may be newer than what is in hand.
            after = Use.objects.get(pk=self.pk)
            add_to_odometer(after.machine_id, after.duration or 0)

    def _complete(self) -> None:
        """Whole seconds, so that duration is exactly end minus start."""
        if self.started_at is None:
            return
        self.started_at = whole_second(self.started_at)
        self.last_seen_at = whole_second(max(self.last_seen_at or self.started_at, self.started_at))
        if self.ended_at is None:
            self.duration, self.end_reason = None, ""
            return
        self.ended_at = whole_second(self.ended_at)
        self.duration = max(0, (self.ended_at - self.started_at) // timedelta(seconds=1))
        self.end_reason = self.end_reason or EndReason.STAFF


def whole_second(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def add_to_odometer(machine_id: int, seconds: int) -> None:
    if seconds:
        Machine.objects.filter(pk=machine_id).update(seconds_used=F("seconds_used") + seconds)


def follow_interventions(plan_id: int) -> None:
    latest = Intervention.objects.filter(plan_id=plan_id).order_by("-at", "-pk").first()
    if latest is not None:
        MaintenancePlan.objects.filter(pk=plan_id).update(last_work_at=latest.at, reading_at_last_work=latest.reading)


@receiver(pre_delete, sender=Use)
def take_hours_back(instance: Use, origin: Any = None, **kwargs: Any) -> None:
    """Asks the database again: the worker may have closed the use since it was loaded."""
    if isinstance(origin, Machine) or getattr(origin, "model", None) is Machine:
        return
    current = _locked_use(instance.pk, instance.machine_id)
    if current is not None:
        add_to_odometer(current.machine_id, -(current.duration or 0))


@receiver(post_delete, sender=Intervention)
def let_plan_follow(instance: Intervention, **kwargs: Any) -> None:
    follow_interventions(instance.plan_id)


def _locked_use(use_id: int | None, machine_id: int) -> Use | None:
    """Its machine first: the worker takes its locks in this order, and the other way round both would wait for ever."""
    if connection.features.has_select_for_update:
        machines = Q(pk=machine_id) | Q(pk__in=Use.objects.filter(pk=use_id or 0).values("machine_id"))
        list(Machine.objects.select_for_update().filter(machines).order_by("pk").values_list("pk"))
    return _locked(Use, use_id) if use_id is not None else None


def _locked(model: type[Any], pk: Any) -> Any:
    return model._default_manager.select_for_update().filter(pk=pk).first()
