"""What members agree to when they hand their data to the lab: a text that is replaced, never changed."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _


class Agreement(models.Model):
    """One version. Who has agreed to it did so to these words, so they stay as they are."""

    version = models.PositiveIntegerField(_("version"), unique=True, editable=False)
    text = models.TextField(_("text"), max_length=50_000)
    published_at = models.DateTimeField(_("published"), default=timezone.now, editable=False)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        verbose_name=_("published by"),
        related_name="+",
        null=True,
        blank=True,
        editable=False,
    )

    class Meta:
        verbose_name = _("agreement")
        verbose_name_plural = _("agreements")
        ordering: ClassVar = ["-version"]
        default_permissions = ("add", "view")

    def __str__(self) -> str:
        at = timezone.localtime(self.published_at)
        # The log of changes keeps words of no language: Django would write the day as Americans do.
        day = date_format(at, "SHORT_DATE_FORMAT") if get_language() else f"{at:%Y-%m-%d}"
        return gettext("Version %(version)d of %(day)s") % {"version": self.version, "day": day}
