"""What people changed by hand. It outlives both them and the thing: Django's own log goes with its author."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Change(models.Model):
    """`details` is a list of what `members.changes` writes and reads."""

    class Kind(models.TextChoices):
        ADDED = "added", _("added")
        CHANGED = "changed", _("changed")
        DELETED = "deleted", _("deleted")

    at = models.DateTimeField(_("time"), default=timezone.now)
    member = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, verbose_name=_("who"), related_name="changes", null=True
    )
    content_type = models.ForeignKey(ContentType, models.SET_NULL, verbose_name=_("kind of thing"), null=True)
    object_id = models.CharField(_("number"), max_length=40)
    object_repr = models.CharField(_("what"), max_length=200)
    kind = models.CharField(_("kind of change"), max_length=8, choices=Kind)
    details: Any = models.JSONField(_("details"), default=list, blank=True)

    class Meta:
        verbose_name = _("change")
        verbose_name_plural = _("changes")
        ordering: ClassVar = ["-at", "-pk"]
        default_permissions = ("view",)
        indexes: ClassVar = [
            models.Index(fields=["-at", "-id"], name="change_latest"),
            models.Index(fields=["content_type", "object_id", "-at"], name="change_latest_of_object"),
        ]

    def __str__(self) -> str:
        return f"{self.object_repr} – {timezone.localtime(self.at):%Y-%m-%d %H:%M}"
