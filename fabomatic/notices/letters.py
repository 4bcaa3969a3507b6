"""A mail that is owed to somebody, and who has been told what already."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Permission
from django.core.mail import EmailMessage
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet

from fabomatic.models import Notice
from members.mail import letter
from members.models import Member

GIVEN_UP_AFTER = 20  # attempts
MOST_LINES = 50


@dataclass(frozen=True, slots=True)
class Letter:
    """`abouts`: what this person is told by it, and was not told before.

    `subject` is lazy to the end (`lazy(…, str)`): a lazy sentence is one no more after its first `%`.
    """

    kind: Notice.Kind
    member: Member
    abouts: tuple[str, ...]
    subject: str
    template: str
    context: dict[str, Any]

    def mail(self) -> EmailMessage:
        return letter(self.member, self.subject, f"notice_{self.template}", **self.context)


def readers(**wanting: Any) -> QuerySet[Member]:
    return Member.objects.filter(is_active=True, email__isnull=False, **wanting).order_by("pk")


def settled(
    kind: Notice.Kind, members: Collection[int] | QuerySet[Any, Any], abouts: Collection[str]
) -> set[tuple[int, str]]:
    """Who needs not be told what: by one query, also for thousands."""
    is_settled = Q(sent_at__isnull=False) | Q(attempts__gte=GIVEN_UP_AFTER)
    rows = Notice.objects.filter(is_settled, kind=kind, member__in=members, about__in=abouts).order_by()
    return set(rows.values_list("member_id", "about"))


def may_list(model: str) -> ExpressionWrapper:
    """As `fabomatic.attention.box.may_list` asks of one person, for a query about many."""
    app, _dot, name = model.partition(".")
    allowed = Permission.objects.filter(
        roles__members=OuterRef("pk"),
        content_type__app_label=app,
        codename__in=[f"view_{name}", f"change_{name}"],
    )
    enters = Q(role__is_backend_admin=True) & (Q(is_superuser=True) | Q(Exists(allowed)))
    return ExpressionWrapper(enters, output_field=BooleanField())


def in_a_subject(name: str, number: int) -> str:
    """A machine's name may have come from anywhere, and a subject is one line."""
    return f"{' '.join(name.split())} ({number})"
