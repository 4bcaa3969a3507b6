"""How the list says who a member is: in words, a page at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.admin.base import LabAdmin, LabChangeList
from members.consents import add_standings
from members.days import today_here
from members.models import Card, Member


class MemberChangeList(LabChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows = self.result_list = list(self.result_list)
        for fill in self.model_admin.fill_rows:  # type: ignore[attr-defined]
            fill(rows)


class MemberColumns(LabAdmin):
    # Each gets the members of one page; apps further to the right append what they know of them, and a column.
    fill_rows: ClassVar[list[Callable[[list[Member]], None]]] = [add_standings]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[MemberChangeList]:
        return MemberChangeList

    @admin.display(description=gettext_lazy("name"), ordering="last_name")
    def full_name(self, member: Member) -> str:
        return member.get_full_name()

    @admin.display(description=gettext_lazy("cards"), empty_value="")
    def card_numbers(self, member: Member) -> Any:
        return format_html_join(", ", "{}", ((_card(card),) for card in member.cards.all())) or None

    @admin.display(description=gettext_lazy("state"), ordering="is_active")
    def state(self, member: Member) -> Any:
        if member.is_active:
            return _("active")
        since = date_format(timezone.localtime(member.deactivated_at), "SHORT_DATE_FORMAT")
        return format_html('<strong class="is-off">{}</strong>', _("disabled since %(day)s") % {"day": since})

    @admin.display(description=gettext_lazy("membership"), ordering="valid_until")
    def validity(self, member: Member) -> Any:
        if member.valid_until is None:
            return _("unlimited")
        day = date_format(member.valid_until, "SHORT_DATE_FORMAT")
        if member.valid_until >= today_here():
            return _("valid until %(day)s") % {"day": day}
        return format_html('<strong class="is-off">{}</strong>', _("ended %(day)s") % {"day": day})

    @admin.display(description=gettext_lazy("agreement"), ordering="consent_at", empty_value="–")
    def consent(self, member: Any) -> str:
        return str(member.standing)


def _card(card: Card) -> Any:
    if card.is_lost:
        return format_html('<del><code>{}</code></del> <strong class="is-off">{}</strong>', card.uid, _("lost"))
    return format_html("<code>{}</code>", card.uid)
