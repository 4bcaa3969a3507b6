"""What housekeeping did: a backup, a purge, a mail. Shown on the system page."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

KEPT_PER_KIND = 50


class Run(models.Model):
    class Kind(models.TextChoices):
        BACKUP = "backup", _("backup")
        PURGE = "purge", _("purge")
        MAIL = "mail", _("mail")

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
    """Keeps the latest of each kind."""
    run = Run.objects.create(kind=kind, at=at or timezone.now(), is_ok=is_ok, text=text[:500])
    old = Run.objects.filter(kind=kind).order_by("-at", "-pk").values_list("pk", flat=True)[KEPT_PER_KIND:]
    Run.objects.filter(pk__in=list(old)).delete()
    return run
