"""Who could not be mailed lately, and why: the log and the runs name nobody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import ngettext

from fabomatic.attention.box import Box, Line
from fabomatic.models import Notice

LATELY = timedelta(days=14)
MOST = 100


def mail_boxes(user: Any, now: datetime) -> Iterator[Box]:
    if not user.has_perms(["fabomatic.view_run", "members.view_member"]):
        return
    unsent = Notice.objects.filter(created_at__gte=now - LATELY, sent_at__isnull=True).exclude(trouble="")
    lines: dict[int, Line] = {}
    for notice in unsent.select_related("member").order_by("-created_at", "-pk")[:MOST]:
        if notice.member_id not in lines:
            url = reverse("admin:members_member_change", args=[notice.member_id])
            lines[notice.member_id] = Line(str(notice.member), _why(notice), url)
    count = len(lines)
    title = ngettext("%(count)d person could not be mailed", "%(count)d people could not be mailed", count)
    numbers = ",".join(map(str, lines))
    url = f"{reverse('admin:members_member_changelist')}?id__in={numbers}"
    yield Box("mails", title % {"count": count}, count, url, list(lines.values()))


def _why(notice: Notice) -> str:
    return f"{capfirst(notice.get_kind_display())}: {notice.trouble}"
