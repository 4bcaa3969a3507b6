"""What staff does to several members at once, or to one from their page. Each asks first where it hurts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, ngettext, override

from members import agreements, consents
from members.admin.base import LabAdmin
from members.admin.selection import MOST_AT_ONCE, Selection, TooMany
from members.changes import Details, note_many, value
from members.invitations import CannotInvite, send_invitation
from members.models import Card, Change, Member

MOST_MAILS = 20  # whoever sends them waits for the mail server


class MemberActions(LabAdmin):
    actions: Any = ("disable", "enable", "report_lost", "invite", "record_consent")
    confirmation_template = "admin/members/member/confirm_action.html"

    @admin.action(description=gettext_lazy("Disable selected members"), permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Member]) -> HttpResponse | None:
        return self._set_active(request, queryset, False)

    @admin.action(description=gettext_lazy("Enable selected members"), permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[Member]) -> HttpResponse | None:
        return self._set_active(request, queryset, True)

    @admin.action(description=gettext_lazy("Report cards of selected members lost"), permissions=["report_lost"])
    def report_lost(self, request: HttpRequest, queryset: QuerySet[Member]) -> HttpResponse | None:
        with transaction.atomic():
            if (selection := self.selection(request, queryset)) is None:
                return None
            selection.leave_out(lambda member: not _usable_cards(member), _("no card that is not lost already"))
            chosen = set(request.POST.getlist("card"))
            if selection.members and not _is_sure(request):
                return self._which_cards(request, selection)
            cards = [card for member in selection.members for card in _usable_cards(member) if str(card.pk) in chosen]
            if selection.members and not cards:
                self.message_user(request, _("Choose at least one card."), messages.ERROR)
                return self._which_cards(request, selection)
            _mark_lost(request, cards)
        done = ngettext("%(count)d card is lost now.", "%(count)d cards are lost now.", len(cards))
        selection.say(request, done % {"count": len(cards)} if cards else "")
        return None

    def has_report_lost_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request) and request.user.has_perm("members.change_card")

    @admin.action(description=gettext_lazy("Send selected members an invitation"), permissions=["change"])
    def invite(self, request: HttpRequest, queryset: QuerySet[Member]) -> HttpResponse | None:
        with transaction.atomic():
            selection = self.selection(request, queryset, MOST_MAILS)
        if selection is None:
            return None
        if selection.members and not _is_sure(request):
            return self.ask(
                request,
                selection,
                title=_("Send an invitation"),
                question=_("Each of them gets an e-mail with a link to choose a first password."),
                button=_("Send"),
                shows_email=True,
            )
        invited = [member for member in selection.members if self._was_invited(request, member)]
        done = ngettext("%(count)d invitation was sent.", "%(count)d invitations were sent.", len(invited))
        selection.say(request, done % {"count": len(invited)} if invited else "")
        return None

    def _was_invited(self, request: HttpRequest, member: Member) -> bool:
        try:
            send_invitation(member)
        except CannotInvite as refusal:
            self.message_user(request, str(refusal), messages.WARNING)
            return False
        self.log_change(request, member, gettext_noop("Sent an invitation."))
        return True

    @admin.action(description=gettext_lazy("Record that selected members agreed"), permissions=["change"])
    def record_consent(self, request: HttpRequest, queryset: QuerySet[Member]) -> HttpResponse | None:
        with transaction.atomic():
            if (latest := agreements.current()) is None:
                self.message_user(request, _("There is no agreement yet: write it first."), messages.ERROR)
                return None
            if (selection := self.selection(request, queryset)) is None:
                return None
            selection.leave_out(lambda member: member.consent_to_id == latest.pk, _("agreed to this version already"))
            is_asked_about = request.POST.get("version") == str(latest.version)  # and not about one before it
            if selection.members and not (_is_sure(request) and is_asked_about):
                return self.ask(
                    request,
                    selection,
                    title=_("Record consent"),
                    question=_("Each of them has read and agreed to this text: %(agreement)s.") % {"agreement": latest},
                    button=_("Record"),
                    sent={"version": latest.version},
                    agreement=latest,
                )
            now = timezone.now()
            given = [(member, consents.record(member, latest, now)) for member in selection.members]
            note_many(request.user.pk, given, Change.Kind.CHANGED)
        done = ngettext(
            "The consent of %(count)d member was recorded.", "%(count)d consents were recorded.", len(given)
        )
        selection.say(request, done % {"count": len(given)} if given else "")
        return None

    def lacks_consent(self, member: Member | None) -> bool:
        latest = agreements.current() if member is not None else None
        return latest is not None and member is not None and member.consent_to_id != latest.pk

    # ---- what they share ---------------------------------------------------------------------------------------------

    def selection(self, request: HttpRequest, queryset: QuerySet[Member], most: int = MOST_AT_ONCE) -> Selection | None:
        try:
            return Selection(request.user, queryset, most)
        except TooMany as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return None

    def ask(self, request: HttpRequest, selection: Selection, **context: Any) -> HttpResponse:
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            "selection": selection,
            "action": request.POST.get("action", ""),
            "checkbox": ACTION_CHECKBOX_NAME,
            "subtitle": None,
            **context,
        }
        return TemplateResponse(request, self.confirmation_template, context)

    def _set_active(self, request: HttpRequest, queryset: QuerySet[Member], is_active: bool) -> HttpResponse | None:
        with transaction.atomic():
            if (selection := self.selection(request, queryset)) is None:
                return None
            already = _("active already") if is_active else _("disabled already")
            selection.leave_out(lambda member: member.is_active == is_active, already)
            if not is_active:
                selection.keep_a_superuser()
                if selection.members and not _is_sure(request):
                    return self.ask(
                        request,
                        selection,
                        title=_("Disable members"),
                        question=_("Their cards open nothing any more, and whoever is logged in is out at once."),
                        button=_("Disable"),
                    )
            for member in selection.members:
                member.is_active = is_active
                member.save(update_fields=["is_active"])
            _note(request, selection.members, lambda member: _active_details(is_active))
        selection.say(request, _told(is_active, len(selection.members)))
        return None

    def _which_cards(self, request: HttpRequest, selection: Selection) -> HttpResponse:
        return self.ask(
            request,
            selection,
            title=_("Report cards lost"),
            question=_("Which cards are lost? A lost card opens nothing."),
            button=_("Lost"),
            cards=[(member, _usable_cards(member)) for member in selection.members],
        )


def _is_sure(request: HttpRequest) -> bool:
    return "sure" in request.POST


def _usable_cards(member: Member) -> list[Card]:
    return [card for card in member.cards.all() if not card.is_lost]


def _mark_lost(request: HttpRequest, cards: list[Card]) -> None:
    for card in cards:
        card.is_lost = True
        card.save(update_fields=["is_lost"])
    _note(request, [card.member for card in cards], lambda member: _lost_details(member, cards))


def _lost_details(member: Member, cards: list[Card]) -> Details:
    with override(None):
        name, values = str(Card._meta.verbose_name), [_flag(Card, "is_lost", True)]
    return [
        {"did": "changed", "name": name, "object": str(card), "values": values, "personal": True}
        for card in cards
        if card.member_id == member.pk
    ]


def _active_details(is_active: bool) -> Details:
    return [{"did": "changed", "values": [_flag(Member, "is_active", is_active)]}]


def _flag(model: Any, name: str, is_now: bool) -> dict[str, Any]:
    with override(None):
        return value(str(model._meta.get_field(name).verbose_name), not is_now, is_now, personal=True)


def _note(request: HttpRequest, things: list[Any], details: Callable[[Any], Details]) -> None:
    unique = {thing.pk: thing for thing in things}.values()
    note_many(request.user.pk, [(thing, details(thing)) for thing in unique], Change.Kind.CHANGED)


def _told(is_active: bool, count: int) -> str:
    if not count:
        return ""
    if is_active:
        return ngettext("%(count)d member is active again.", "%(count)d members are active again.", count) % {
            "count": count
        }
    return ngettext("%(count)d member was disabled.", "%(count)d members were disabled.", count) % {"count": count}
