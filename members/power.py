"""Who may make whom more than they are: power is given, and touched, by superusers only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import connection
from django.db.models import Q, QuerySet

from members.models import Member, Role

# Permissions count without `is_backend_admin`, too: whoever may see members reads their names on the live page.
_POWERFUL_ROLE = Q(authorize_all=True) | Q(can_maintain=True) | Q(is_backend_admin=True) | Q(permissions__isnull=False)


def is_powerful(member: Member) -> bool:
    """Whether this person, or a card of theirs, can do more than an ordinary member's; also while they are disabled."""
    return member.is_superuser or member.role.has_power or member.role.permissions.exists()


def may_touch(actor: Any, member: Member) -> bool:
    """Whether `actor` may change or delete the member, their e-mail, password and cards, or give them one."""
    return rules_all(actor) or not is_powerful(member)


def rules_all(actor: Any) -> bool:
    return bool(actor.is_superuser and actor.is_staff)


def untouchable(actor: Any, members: Iterable[Member]) -> set[int]:
    """The keys of those among many whom `actor` may not touch: one query."""
    if rules_all(actor):
        return set()
    powerful = Q(is_superuser=True) | Q(role__in=Role.objects.filter(_POWERFUL_ROLE).order_by().values("pk"))
    return set(
        Member.objects.filter(powerful, pk__in=[member.pk for member in members])
        .order_by()
        .values_list("pk", flat=True)
    )


def ordinary_roles() -> QuerySet[Role]:
    return Role.objects.exclude(pk__in=Role.objects.filter(_POWERFUL_ROLE).order_by().values("pk"))


# ---- somebody has to stay in charge ----------------------------------------------------------------------------------


def active_superusers() -> QuerySet[Member]:
    """Those who can repair anything in the admin; without one of them nobody can."""
    return Member.objects.filter(is_superuser=True, is_active=True, role__is_backend_admin=True)


def is_last_superuser(*leaving: Member) -> bool:
    """Whether nobody who can log in is in charge any more once these members are gone, or have lost their power.

    In a transaction, whoever asks the same about any superuser waits until this one's answer is acted upon."""
    lock_superusers()
    return _none_left({member.pk for member in leaving})


def is_last_door(role: Role) -> bool:
    """Whether nobody is in charge any more once this role no longer enters the administration."""
    lock_superusers()
    return _none_left(set(active_superusers().filter(role=role).values_list("pk", flat=True)))


def lock_superusers() -> None:
    """Nothing to do on SQLite: there, a transaction that will write is the only one from its beginning."""
    if connection.in_atomic_block and connection.features.has_select_for_update:
        superusers = Member.objects.filter(is_superuser=True).order_by("pk")
        list(superusers.select_for_update(no_key=True).values_list("pk"))


def _none_left(leaving: set[Any]) -> bool:
    passwords = dict(active_superusers().order_by().values_list("pk", "password"))
    can_log_in = {pk for pk, password in passwords.items() if not password.startswith(UNUSABLE_PASSWORD_PREFIX)}
    return any(some & leaving and not some - leaving for some in (set(passwords), can_log_in))
