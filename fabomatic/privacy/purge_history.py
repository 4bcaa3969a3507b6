"""Uses, interventions and taps: whose they were goes, what happened stays, to the second."""

from __future__ import annotations

from django.db.models import OuterRef, Q, Subquery

from fabomatic.privacy.purge_rows import Old, deleted, emptied
from fabomatic.privacy.purge_span import Span
from machines.access import Outcome
from machines.models import LONGEST_USE, Intervention, Machine, Use
from telemetry.models import Tap


def uses(span: Span) -> Old:
    """A note about somebody's use may name them."""
    names = Q(member__isnull=False) | ~Q(card_uid="") | ~Q(note="")
    return emptied(Use, names & ~uses_kept(span), member=None, card_uid="", note="")


def uses_kept(span: Span) -> Q:
    """Running, young, or one that its board may still bring again: by its card it is known to be the same."""
    kept = Q(ended_at__isnull=True) | Q(ended_at__gte=span.cutoff)
    oldest_brought = span.now - LONGEST_USE
    if span.cutoff <= oldest_brought:
        return kept
    ended = Use.objects.filter(machine=OuterRef("pk"), ended_at__isnull=False).order_by("-ended_at", "-id")
    last = Machine.objects.annotate(last=Subquery(ended.values("pk")[:1])).filter(last__isnull=False).order_by()
    return kept | Q(pk__in=list(last.values_list("last", flat=True)), started_at__gt=oldest_brought)


def interventions(span: Span) -> Old:
    """Their note says what was done to the machine."""
    return emptied(Intervention, Q(at__lt=span.cutoff, member__isnull=False), member=None)


def taps_of_unknown_cards(span: Span) -> Old:
    return deleted(Tap, _is_old_stranger(span))


def taps(span: Span) -> Old:
    """A number that is nobody's is an unknown card's, whatever became of the tap: it is kept no longer than theirs."""
    somebodys = Q(at__lt=span.cutoff) & (Q(member__isnull=False) | Q(card__isnull=False) | ~Q(uid=""))
    nobodys = Q(at__lt=span.unknown_cutoff, member__isnull=True, card__isnull=True) & ~Q(uid="")
    return emptied(Tap, (somebodys | nobodys) & ~_is_old_stranger(span), member=None, card=None, uid="")


def _is_old_stranger(span: Span) -> Q:
    return Q(outcome=Outcome.UNKNOWN_CARD, at__lt=span.unknown_cutoff)
