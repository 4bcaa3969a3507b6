"""Whether the clock can be right. One that is ahead would make the whole history too old; a small computer without a
battery for its clock may wake up anywhen.

What was recorded lately proves little: a wrong clock puts its own hour on everything. A gap in what was recorded does.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from fabomatic.models import Run
from fabomatic.privacy.purge_span import Refused, Span
from machines.models import Machine, Use
from members.models import Change
from telemetry.models import Board, Tap

TOLERANCE = timedelta(days=1)
LONGEST_GAP = timedelta(days=90)
_HISTORIES = ((Use, "started_at"), (Tap, "at"), (Change, "at"))  # each with an index of these


def require_believable(span: Span) -> None:
    """A purge that went well lately is one whose clock was believed, or vouched for by somebody."""
    believed = Run.objects.filter(kind=Run.Kind.PURGE, is_ok=True).aggregate(at=Max("at"))["at"]
    if believed is not None and -TOLERANCE <= span.now - believed <= LONGEST_GAP:
        return
    _refuse_behind(span)
    _refuse_ahead(span)


def _refuse_behind(span: Span) -> None:
    newest = max(_newest(), default=None)
    if newest is not None and newest > span.now + TOLERANCE:
        sentence = _(
            "The clock says %(now)s, but something was recorded at %(at)s. Check the date of this computer; "
            "if it is right, run again with --trust-clock. Nothing was done."
        )
        raise Refused(sentence % {"now": _shown(span.now), "at": _shown(newest)})


def _refuse_ahead(span: Span) -> None:
    """From what is about to lose its names up to now there was always something to record."""
    at = _latest(span.cutoff) or _next(span.cutoff)
    while at is not None and span.now - at > LONGEST_GAP:
        following = _latest(at + LONGEST_GAP)
        if following is None or following <= at:
            sentence = _(
                "The clock says %(now)s, but after %(at)s nothing was recorded for %(days)d days. Check the date of "
                "this computer; if it is right, run again with --trust-clock. Nothing was done."
            )
            days = LONGEST_GAP.days
            raise Refused(sentence % {"now": _shown(span.now), "at": _shown(at), "days": days})
        at = following


def _newest() -> Iterator[datetime]:
    for model, name in (*_HISTORIES, (Run, "at"), (Board, "last_seen_at"), (Machine, "last_seen_at")):
        at = model._default_manager.aggregate(at=Max(name))["at"]
        if at is not None:
            yield at


def _latest(until: datetime) -> datetime | None:
    return max(_found("-{}", "lte", until), default=None)


def _next(after: datetime) -> datetime | None:
    return min(_found("{}", "gt", after), default=None)


def _found(order: str, comparison: str, at: datetime) -> Iterator[datetime]:
    for model, name in _HISTORIES:
        rows = model._default_manager.filter(**{f"{name}__{comparison}": at}).order_by(order.format(name))
        if (found := rows.values_list(name, flat=True).first()) is not None:
            yield found


def _shown(at: datetime) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}"
