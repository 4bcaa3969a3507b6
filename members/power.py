"""Who may make whom more than they are: power is given, and touched, by superusers only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from members.models import Member, Role


def is_powerful(member: Member) -> bool:
    """Whether this person, or a card of theirs, can do more than an ordinary member's."""
    return member.is_superuser or member.role.has_power


def may_touch(actor: Any, member: Member) -> bool:
    """Whether `actor` may change or delete the member, their e-mail, password and cards, or give them one."""
    return actor.is_superuser or not is_powerful(member)


def ordinary_roles() -> QuerySet[Role]:
    return Role.objects.filter(
        authorize_all=False, can_maintain=False, is_backend_admin=False, permissions__isnull=True
    )


def active_superusers() -> QuerySet[Member]:
    """Those who can repair anything in the admin; without one of them nobody can."""
    return Member.objects.filter(is_superuser=True, is_active=True, role__is_backend_admin=True)


def is_last_superuser(*leaving: Member) -> bool:
    """Whether no active superuser is left once these members are gone."""
    return _none_left(member.pk for member in leaving)


def _none_left(leaving: Iterable[Any]) -> bool:
    gone = set(leaving)
    superusers = set(active_superusers().values_list("pk", flat=True))
    return bool(superusers & gone) and not superusers - gone
