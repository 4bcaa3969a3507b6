"""Jobs that failed, and a backup that is older than it should be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabomatic.attention.box import Box, Line, moment
from fabomatic.runs_shown import Shown, in_trouble


def job_boxes(user: Any, now: datetime) -> Iterator[Box]:
    if not user.has_perm("fabomatic.view_run"):
        return
    troubled = in_trouble(now)
    count = len(troubled)
    title = ngettext("%(count)d job needs looking after", "%(count)d jobs need looking after", count)
    lines = [Line(str(capfirst(str(shown.label))), _detail(shown)) for shown in troubled]
    yield Box("jobs", title % {"count": count}, count, f"{reverse('admin:system')}#runs", lines)


def _detail(shown: Shown) -> str:
    if shown.run is None:
        return _("has not run yet")
    if shown.run.is_ok:
        return _("has not run since %(time)s") % {"time": moment(shown.run.at)}
    return _("failed, %(time)s") % {"time": moment(shown.run.at)}
