"""A forgotten password: a link by mail. Nothing seen from outside depends on whether the address is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from members.background import background
from members.mail import letter, link_of
from members.models import Member

MOST_MAILS = 3
WITHIN = timedelta(hours=1)


class ResetTokens(PasswordResetTokenGenerator):
    """Valid for PASSWORD_RESET_TIMEOUT; a login, a new password or a new e-mail makes them worthless."""

    key_salt = "members.forgotten.ResetTokens"

    def check_token(self, user: Any, token: str | None) -> bool:
        return is_reachable(user) and super().check_token(user, token)

    def _now(self) -> datetime:
        """Django asks the clock on the wall: in the night when it goes back a link would live for an hour more."""
        return datetime.now(UTC).replace(tzinfo=None)


class MailLimit:
    """Nobody's mailbox is filled by others. Holds a few times per member at most."""

    def __init__(self) -> None:
        self._sent: dict[int, list[datetime]] = {}

    def allows(self, member_id: int, now: datetime) -> bool:
        recent = [at for at in self._sent.get(member_id, []) if now - at < WITHIN]
        is_allowed = len(recent) < MOST_MAILS
        self._sent[member_id] = [*recent, now] if is_allowed else recent
        return is_allowed


class ForgottenForm(forms.Form):
    email = forms.EmailField(
        label=_("E-mail"), max_length=254, widget=forms.EmailInput({"autocomplete": "email", "autofocus": True})
    )


tokens = ResetTokens()
limit = MailLimit()


def is_reachable(member: Member | None) -> bool:
    """Who never had a password gets an invitation from a superuser, not a link."""
    return member is not None and member.is_active and bool(member.email) and member.has_usable_password()


def ask_for_link(email: str) -> None:
    """Even whether there is such a member is looked up when the page has long been answered."""
    background.do(lambda: send_link(email, timezone.now()))


def send_link(email: str, now: datetime) -> None:
    member = Member.objects.filter(email=email.strip().lower()).first()
    if member is None or not is_reachable(member) or not limit.allows(member.pk, now):
        return
    link = link_of(member, "password_reset_confirm", tokens.make_token(member))
    letter(member, _("A new password for Fabomatic"), "password_reset", link=link).send()
