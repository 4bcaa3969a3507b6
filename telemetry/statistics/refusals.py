"""Why people were not let in."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from machines.access import Outcome
from telemetry.models import Tap
from telemetry.statistics.span import Span

_BLOCKED = _("May use the machine, but it was blocked: the board stops everybody.")
_MAINTENANCE = _("May use the machine, but maintenance was due: the board stops ordinary members.")
_STOPPED = Q(is_machine_blocked=True) | Q(is_maintenance_due=True)


@dataclass(frozen=True, slots=True)
class Refusals:
    taps: int
    reasons: list[tuple[Promise, int]]  # the most frequent first

    @property
    def refused(self) -> int:
        return sum(count for _reason, count in self.reasons)


def refusals(span: Span) -> Refusals:
    """Backend and board both refuse; what the backend grants the board may still stop."""
    within = Tap.objects.filter(at__gte=span.start, at__lt=span.end).order_by()
    # All outcomes there are: so the index is read from their first tap in the span, not from the first ever.
    outcomes = within.filter(outcome__in=[outcome.value for outcome in Outcome]).values_list("outcome")
    counts: dict[str, int] = dict(outcomes.annotate(count=Count("*")))
    reasons: Counter[Promise] = Counter()
    for value, count in counts.items():
        if value != Outcome.GRANTED:
            reasons[Outcome(value).sentence] += count
    stopped = within.filter(_STOPPED).values_list("outcome", "level", "is_machine_blocked")
    for outcome, level, is_blocked, count in stopped.annotate(count=Count("*")):
        if outcome == Outcome.GRANTED and (is_blocked or level <= 1):
            reasons[_BLOCKED if is_blocked else _MAINTENANCE] += count
    return Refusals(sum(counts.values()), reasons.most_common())
