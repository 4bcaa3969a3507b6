"""Members who left long ago and of whom nothing is left that the lab still needs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from django.db import connection, models, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from fabomatic.privacy.purge_history import uses_kept
from fabomatic.privacy.purge_rows import Old, Watch, emptied, patiently
from fabomatic.privacy.purge_span import Span
from machines.models import Intervention, Use
from members.models import Change, Member
from members.power import is_last_superuser
from telemetry.forgetting import forget
from telemetry.models import Tap


class Leavers:
    def __init__(self, span: Span) -> None:
        self.rows = leavers(span)

    def count(self, watch: Watch) -> int:
        return sum(not is_last_superuser(member) for member in self.rows)

    def purge(self, watch: Watch) -> int:
        return sum(patiently(partial(self._delete, member)) for member in list(self.rows))

    def _delete(self, member: Member) -> bool:
        """What is many goes first, in pieces, so that the rest is one short transaction."""
        if not self._may_go(member):
            return False
        forget(member)
        for rows in _names(member):
            rows.purge(_nobody)
        with transaction.atomic():
            if not self._may_go(member):
                return False
            member.delete()
            return True

    def _may_go(self, member: Member) -> bool:
        rows = self.rows.filter(pk=member.pk)
        if connection.in_atomic_block:
            rows = rows.select_for_update(of=("self",))
        return rows.first() is not None and not is_last_superuser(member)


def leavers(span: Span) -> QuerySet[Member]:
    left = Q(is_active=False, deactivated_at__lt=span.cutoff) | Q(valid_until__lt=span.last_day)
    is_silent = Q(last_login__isnull=True) | Q(last_login__lt=span.cutoff)
    in_charge = Q(is_active=True) & (Q(is_superuser=True) | Q(role__is_backend_admin=True))
    rows = Member.objects.filter(left & is_silent & ~in_charge, created_at__lt=span.cutoff)
    for kept in (
        Use.objects.filter(uses_kept(span)),
        Tap.objects.filter(at__gte=span.cutoff),
        Intervention.objects.filter(at__gte=span.cutoff),
        Change.objects.filter(at__gte=span.cutoff),  # their own: somebody whom the log still names was here
    ):
        rows = rows.filter(~Exists(kept.filter(member=OuterRef("pk"))))
    return rows.order_by("pk")


def _names(member: Member) -> Iterator[Old]:
    """Where else they stand, a thousand times maybe: as who gave a right, changed something, hung up a screen."""
    for relation in Member._meta.get_fields(include_hidden=True):
        if isinstance(relation, models.ForeignObjectRel) and getattr(relation, "on_delete", None) is models.SET_NULL:
            model: Any = relation.related_model
            name = relation.field.name
            yield emptied(model, Q(**{name: member}), is_indexed=True, **{name: None})


def _nobody(percent: int) -> None:
    """Watches."""
