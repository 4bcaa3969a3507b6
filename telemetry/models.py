"""What boards told us: who they are, which cards they asked about, when they were silent. And who watches: screens."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.signals import pre_delete
from django.dispatch import receiver
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from machines.access import Outcome
from machines.models import Machine
from members.fields import CardUidField
from members.models import Card, Member


class Board(models.Model):
    """A reader board. While `conflict_machine` is set it speaks for a machine where it may not belong."""

    serial = models.CharField(_("serial number"), max_length=40, null=True, blank=True, unique=True)
    machine = models.ForeignKey(
        Machine, models.SET_NULL, verbose_name=_("machine"), related_name="boards", null=True, blank=True
    )
    conflict_machine = models.ForeignKey(
        Machine,
        models.SET_NULL,
        verbose_name=_("in conflict at"),
        related_name="conflicting_boards",
        null=True,
        blank=True,
        editable=False,
    )
    conflict_since = models.DateTimeField(_("in conflict since"), null=True, blank=True, editable=False)
    ip_address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    build = models.CharField(_("build"), max_length=40, blank=True)
    firmware = models.CharField(_("firmware"), max_length=40, blank=True)
    free_heap = models.PositiveBigIntegerField(_("free memory, bytes"), null=True, blank=True)
    first_seen_at = models.DateTimeField(_("first seen"), default=timezone.now)
    last_seen_at = models.DateTimeField(_("last seen"), default=timezone.now)

    class Meta:
        verbose_name = _("board")
        verbose_name_plural = _("boards")
        ordering: ClassVar = ["machine", "-last_seen_at"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(serial=""), name="board_serial_null_if_unknown"),
            models.UniqueConstraint(
                fields=["machine"], condition=Q(serial__isnull=True), name="board_one_without_serial_per_machine"
            ),
        ]

    def __str__(self) -> str:
        return self.serial or str(_("board without serial number"))


class Tap(models.Model):
    """One card at one reader and what became of it: the access log, and where unknown cards wait to be enrolled."""

    at = models.DateTimeField(_("time"))
    machine = models.ForeignKey(Machine, models.CASCADE, verbose_name=_("machine"), related_name="taps", db_index=False)
    uid = CardUidField(_("card number"), blank=True)
    card = models.ForeignKey(Card, models.SET_NULL, verbose_name=_("card"), related_name="taps", null=True, blank=True)
    member = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        verbose_name=_("member"),
        related_name="taps",
        null=True,
        blank=True,
        db_index=False,
    )
    outcome = models.CharField(_("outcome"), max_length=24, choices=Outcome.choices())
    level = models.PositiveSmallIntegerField(_("level"), default=0)
    is_machine_blocked = models.BooleanField(
        _("machine blocked"), default=False, help_text=_("The board then stops everybody.")
    )
    is_maintenance_due = models.BooleanField(
        _("maintenance due"), default=False, help_text=_("The board then stops ordinary members.")
    )
    is_enrolled = models.BooleanField(_("enrolled"), default=False)

    class Meta:
        verbose_name = _("tap")
        verbose_name_plural = _("taps")
        ordering: ClassVar = ["-at", "-pk"]
        indexes: ClassVar = [
            models.Index(fields=["-at", "-id"], name="tap_latest"),
            models.Index(fields=["outcome", "-at"], name="tap_latest_by_outcome"),
            models.Index(fields=["machine", "-at", "-id"], name="tap_latest_of_machine"),
            models.Index(fields=["member", "-at", "-id"], name="tap_latest_of_member"),
            models.Index(fields=["uid", "outcome"], name="tap_by_uid"),
            # The few of which the board may have thought otherwise; holds all that is asked of them.
            models.Index(
                fields=["at", "outcome", "level", "is_machine_blocked", "is_maintenance_due"],
                condition=Q(is_machine_blocked=True) | Q(is_maintenance_due=True),
                name="tap_stopped_by_board",
            ),
        ]

    def __str__(self) -> str:
        return f"{date_format(timezone.localtime(self.at), 'DATETIME_FORMAT')}: {self.get_outcome_display()}"


@receiver(pre_delete, sender=Member)
def forget_cards_of(instance: Member, **kwargs: Any) -> None:
    """Those from before they were enrolled, too."""
    cards = list(Card.objects.filter(member=instance).values_list("uid", flat=True))
    Tap.objects.filter(member=instance).update(uid="")
    Tap.objects.filter(uid__in=cards).exclude(member__isnull=False).update(uid="")


class Downtime(models.Model):
    """When nobody could use a machine: its board was silent, or staff had blocked it. The worker notes it."""

    class Kind(models.TextChoices):
        OFFLINE = "offline", _("silent")
        BLOCKED = "blocked", _("blocked")

    machine = models.ForeignKey(
        Machine, models.CASCADE, verbose_name=_("machine"), related_name="downtimes", db_index=False
    )
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("downtime")
        verbose_name_plural = _("downtimes")
        ordering: ClassVar = ["-started_at", "-pk"]
        indexes: ClassVar = [
            models.Index(fields=["machine", "kind", "ended_at", "started_at"], name="downtime_of_machine")
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["machine", "kind"],
                condition=Q(ended_at__isnull=True),
                name="downtime_one_open_per_machine_and_kind",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=models.F("started_at")),
                name="downtime_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.machine} – {self.get_kind_display()}"


class Screen(models.Model):
    """A display in the lab that shows the machines without anybody logged in. Its secrets are stored hashed only."""

    name = models.CharField(_("name"), max_length=60, unique=True, help_text=_("Where it hangs, for example."))
    link_hash = models.CharField(max_length=64, blank=True, editable=False)
    link_until = models.DateTimeField(_("link valid until"), null=True, blank=True, editable=False)
    cookie_hash = models.CharField(max_length=64, blank=True, editable=False, db_index=True)
    paired_at = models.DateTimeField(_("opened"), null=True, blank=True, editable=False)
    last_seen_at = models.DateTimeField(_("last seen"), null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        verbose_name=_("created by"),
        related_name="+",
        null=True,
        blank=True,
        editable=False,
    )

    class Meta:
        verbose_name = _("screen")
        verbose_name_plural = _("screens")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name
