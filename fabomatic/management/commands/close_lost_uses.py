"""Ends the uses of boards that fell silent, as the worker does: for labs that want it on cron as well."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabomatic.housekeeping.command import Done, Job
from fabomatic.models import Run
from machines.usage import close_lost
from telemetry.nudge import nudge_now

MOST_NAMED = 30


class Command(Job):
    help = _("Ends uses without a sign of life for an hour at their last one; boards can still resume them.")
    kind = Run.Kind.LOST_USES

    def work(self, **options: Any) -> Done:
        closed = close_lost(timezone.now())
        if not closed:
            return Done(_("No use was lost."), is_news=False)
        nudge_now()
        return Done(_what_was_closed(sorted(closed)))


def _what_was_closed(machines: list[int]) -> str:
    named = ", ".join(str(machine_id) for machine_id in machines[:MOST_NAMED])
    if len(machines) > MOST_NAMED:
        named += ", …"
    sentence = ngettext(
        "%(count)d use without a sign of life was closed: machine %(machines)s.",
        "%(count)d uses without a sign of life were closed: machines %(machines)s.",
        len(machines),
    )
    return sentence % {"count": len(machines), "machines": named}
