"""Who used which machine for how long."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, models, transaction
from django.db.models import Q
from django.db.models.signals import pre_delete
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from machines.expressions import SecondsBetween
from machines.models.machines import Machine, add_to_odometer, locked, move_readings
from members.fields import CardUidField
from members.models import Member

LONGEST_USE = timedelta(days=30)  # boards report no longer one, either
TOO_LONG = _("A use lasts 30 days at most.")


class EndReason(models.TextChoices):
    STOP = "stop", _("stopped at the board")
    LOST = "lost", _("no sign of life")
    SUPERSEDED = "superseded", _("somebody else started")
    STAFF = "staff", _("closed by staff")


class Use(models.Model):
    """One person's time at one machine. `machines.usage` writes what boards report, `save` what staff does by hand."""

    machine = models.ForeignKey(Machine, models.CASCADE, verbose_name=_("machine"), related_name="uses", db_index=False)
    member = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        verbose_name=_("member"),
        related_name="uses",
        null=True,
        blank=True,
        db_index=False,
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
            # Holds what statistics add up: they read nothing else of a use.
            models.Index(fields=["-started_at", "-id", "machine", "member", "duration"], name="use_latest"),
            # What staff looks through: one machine's, one person's or one card's, and the few that were replayed.
            models.Index(fields=["machine", "-started_at", "-id"], name="use_latest_of_machine"),
            models.Index(fields=["member", "card_uid"], name="use_of_member_by_card"),
            models.Index(fields=["-started_at", "-id"], condition=Q(is_replay=True), name="use_latest_replayed"),
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
            before = locked_use(self.pk, self.machine_id)
            self._complete()
            if (fields := kwargs.get("update_fields")) is not None and {"started_at", "ended_at"} & set(fields):
                kwargs["update_fields"] = {*fields, *self.TIMES}
            super().save(*args, **kwargs)
            if before is not None:
                add_to_odometer(before.machine_id, -(before.duration or 0))
            # Asked again: with `update_fields`, what is stored may be newer than what is in hand.
            after = Use.objects.get(pk=self.pk)
            add_to_odometer(after.machine_id, after.duration or 0)
            _correct_readings(before, after)

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


@receiver(pre_delete, sender=Use)
def take_hours_back(instance: Use, origin: Any = None, **kwargs: Any) -> None:
    """Asks the database again: the worker may have closed the use since it was loaded."""
    if isinstance(origin, Machine) or getattr(origin, "model", None) is Machine:
        return
    current = locked_use(instance.pk, instance.machine_id)
    if current is not None:
        add_to_odometer(current.machine_id, -(current.duration or 0))
        _correct_readings(current, None)


def _correct_readings(before: Use | None, after: Use | None) -> None:
    """More first: no reading goes below zero on its way."""
    hours = [(use.machine_id, use.duration, use.ended_at) if use and use.ended_at else None for use in (before, after)]
    if hours[0] == hours[1]:
        return
    for entry, sign in zip(reversed(hours), (1, -1), strict=True):
        if entry is not None:
            machine_id, duration, ended_at = entry
            move_readings(machine_id, sign * (duration or 0), ended_at)


@receiver(pre_delete, sender=Member)
def forget_cards_of(instance: Member, **kwargs: Any) -> None:
    """A running use keeps its card: the board's stop has to find it, or its hours would count twice."""
    Use.objects.filter(member=instance, ended_at__isnull=False).update(card_uid="")


def locked_use(use_id: int | None, machine_id: int) -> Use | None:
    """Its machine first: the worker takes its locks in this order, and the other way round both would wait for ever."""
    hold_machines(Q(pk=machine_id) | Q(pk__in=Use.objects.filter(pk=use_id or 0).values("machine_id")))
    return locked(Use, use_id) if use_id is not None else None


def hold_machines(which: Q) -> None:
    """Until the transaction ends boards wait. SQLite has one writer: whoever writes there holds everything."""
    if connection.features.has_select_for_update:
        list(Machine.objects.select_for_update(no_key=True).filter(which).order_by("pk").values_list("pk"))
