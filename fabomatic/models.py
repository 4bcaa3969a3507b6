"""What housekeeping did, shown on the system page, and which mails it owes to whom."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

KEPT_PER_KIND = 50


class Run(models.Model):
    class Kind(models.TextChoices):
        BACKUP = "backup", _("backup")
        PURGE = "purge", _("purge")
        MAIL = "mail", _("mail")
        SUMMARY = "summary", _("weekly summary")
        NOTICES = "notices", _("notices by mail")
        HOURS = "hours", _("check of the odometers")
        LOST_USES = "lost_uses", _("closing of lost uses")

    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    at = models.DateTimeField(_("time"), default=timezone.now)
    is_ok = models.BooleanField(_("went well"), default=True)
    text = models.CharField(_("what it said"), max_length=500, blank=True, help_text=_("Names nobody."))

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        ordering: ClassVar = ["-at", "-pk"]
        default_permissions = ("view",)
        indexes: ClassVar = [models.Index(fields=["kind", "-at"], name="run_latest_of_kind")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {timezone.localtime(self.at):%Y-%m-%d %H:%M}"


def note_run(kind: Run.Kind, text: str, *, is_ok: bool = True, at: datetime | None = None) -> Run:
    """Keeps those of each kind that were noted last, also where a clock went wrong."""
    run = Run.objects.create(kind=kind, at=at or timezone.now(), is_ok=is_ok, text=text[:500])
    old = Run.objects.filter(kind=kind).order_by("-pk").values_list("pk", flat=True)[KEPT_PER_KIND:]
    Run.objects.filter(pk__in=list(old)).delete()
    return run


class Notice(models.Model):
    """One thing that one person is told by mail, once. Not sent yet, it is tried again at the next run."""

    class Kind(models.TextChoices):
        SUMMARY = "summary", _("weekly summary")
        MAINTENANCE = "maintenance", _("maintenance fell due")
        SILENCE = "silence", _("board silent")
        MEMBERSHIP = "membership", _("membership ends")

    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    member = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, verbose_name=_("member"), related_name="notices"
    )
    about = models.CharField(_("about"), max_length=80, help_text=_("What happened, in a word that comes only once."))
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    trouble = models.CharField(_("trouble"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("notice by mail")
        verbose_name_plural = _("notices by mail")
        ordering: ClassVar = ["-created_at", "-pk"]
        default_permissions = ("view",)
        indexes: ClassVar = [models.Index(fields=["created_at"], name="notice_by_age")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "member", "about"], name="notice_once_per_person"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} – {self.about}"
