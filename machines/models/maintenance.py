"""What a machine needs from time to time, and what was done."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models, transaction
from django.db.models import Q, QuerySet, Sum
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from machines.models.machines import Machine
from machines.models.uses import Use

LCD_COLUMNS = 15
# More uses than these are not added up while somebody waits.
MOST_COUNTED_BACK = 5000


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
    # What counts while there is no later intervention: where the plan began, or what staff last set by hand.
    base_reading = models.PositiveBigIntegerField(default=0, editable=False)
    base_at = models.DateTimeField(default=timezone.now, editable=False)
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
        if self._was_set_by_hand():
            self.base_reading, self.base_at = self.reading_at_last_work, self.last_work_at
            if (fields := kwargs.get("update_fields")) is not None:
                kwargs["update_fields"] = {*fields, "base_reading", "base_at"}
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Work that is yet to come would keep the plan from following any that is done."""
        if self.last_work_at and self.last_work_at > timezone.now():
            raise ValidationError({"last_work_at": _("This is in the future.")})

    def _was_set_by_hand(self) -> bool:
        """Interventions move the plan without saving it."""
        stored = MaintenancePlan.objects.filter(pk=self.pk).values_list("reading_at_last_work", "last_work_at").first()
        return stored != (self.reading_at_last_work, self.last_work_at)

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
    machine = models.ForeignKey(
        Machine, models.CASCADE, verbose_name=_("machine"), related_name="interventions", db_index=False
    )
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
            models.Index(fields=["machine", "-at", "-id"], name="intervention_latest_of_machine"),
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
                self.reading = odometer_at(self.machine_id, self.at)
            super().save(*args, **kwargs)
            for plan_id in {self.plan_id, before.plan_id if before else self.plan_id}:
                follow_interventions(plan_id)


def odometer_at(machine_id: int, at: datetime) -> int:
    """What the machine showed then: what it shows now, without the uses that have ended since."""
    since = _ended_since(machine_id, at).order_by().aggregate(total=Sum("duration"))["total"] or 0
    return max(0, Machine.objects.values_list("seconds_used", flat=True).get(pk=machine_id) - since)


def is_long_ago(machine_id: int, at: datetime) -> bool:
    """Whether `odometer_at` would have to add up a whole history."""
    return bool(_ended_since(machine_id, at).values("pk")[MOST_COUNTED_BACK : MOST_COUNTED_BACK + 1])


def _ended_since(machine_id: int, at: datetime) -> QuerySet[Use]:
    """Along the index of a machine's last uses."""
    return Use.objects.filter(machine_id=machine_id, ended_at__gt=at).order_by("-ended_at", "-id")


def follow_interventions(plan_id: int) -> None:
    """To its latest intervention, or to what it began with or staff set by hand, if that is later."""
    plan = MaintenancePlan.objects.filter(pk=plan_id).values_list("base_at", "base_reading").first()
    if plan is None:
        return
    latest = Intervention.objects.filter(plan_id=plan_id).order_by("-at", "-pk").values_list("at", "reading").first()
    at, reading = plan if latest is None or plan[0] > latest[0] else latest
    MaintenancePlan.objects.filter(pk=plan_id).update(last_work_at=at, reading_at_last_work=reading)


@receiver(post_delete, sender=Intervention)
def let_plan_follow(instance: Intervention, **kwargs: Any) -> None:
    follow_interventions(instance.plan_id)
