"""Whom of the members somebody selected an action may reach, and why not the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.messages import add_message
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from members.models import Member
from members.power import is_last_superuser, lock_superusers, untouchable

MOST_AT_ONCE = 200
MOST_NAMES = 10


class TooMany(Exception):
    """An accident, more likely than a wish; and each would keep the readers waiting."""


class Selection:
    """Inside a transaction its rows stay as they are until it ends."""

    def __init__(self, actor: Any, queryset: QuerySet[Member], most: int = MOST_AT_ONCE) -> None:
        keys = list(queryset.order_by().values_list("pk", flat=True)[: most + 1])
        if len(keys) > most:
            raise TooMany(_("Select at most %(count)d members at a time.") % {"count": most})
        lock_superusers()  # first and always: two who lock in different orders wait for each other for ever
        rows = Member.objects.select_related("role").prefetch_related("cards").filter(pk__in=keys)
        locked = rows.select_for_update(of=("self",), no_key=True).order_by("pk")
        self.members = sorted(locked, key=lambda member: (member.last_name, member.first_name, member.pk))
        self.left_out: dict[str, list[Member]] = {}
        powerful = untouchable(actor, self.members)
        self.leave_out(
            lambda member: member.pk in powerful, _("only superusers change people who can do more than members")
        )

    def leave_out(self, is_left_out: Callable[[Member], bool], reason: str) -> None:
        for member in [member for member in self.members if is_left_out(member)]:
            self.members.remove(member)
            self.left_out.setdefault(reason, []).append(member)

    def keep_a_superuser(self) -> None:
        if self.members and is_last_superuser(*self.members):
            self.leave_out(lambda member: member.is_superuser, _("somebody has to stay in charge"))

    def sentences(self) -> list[str]:
        return [f"{_names(members)}: {reason}" for reason, members in self.left_out.items()]

    def say(self, request: HttpRequest, done: str) -> None:
        """`done` is empty where nothing was done."""
        if done:
            add_message(request, messages.SUCCESS, done)
        for sentence in self.sentences():
            add_message(request, messages.WARNING, _("Left out: %(who_and_why)s.") % {"who_and_why": sentence})


def _names(members: list[Member]) -> str:
    names = ", ".join(str(member) for member in members[:MOST_NAMES])
    more = len(members) - MOST_NAMES
    if more <= 0:
        return names
    return ngettext("%(names)s and %(count)d more", "%(names)s and %(count)d more", more) % {
        "names": names,
        "count": more,
    }
