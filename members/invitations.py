"""The way to a first password: a link by mail that a superuser has sent, and may send again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.signing import BadSignature, TimestampSigner
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.mail import letter, link_of, link_to, trouble_of
from members.models import Agreement, Member

VALID_FOR = timedelta(days=7)
_SALT = "members.invitations"


class CannotInvite(Exception):
    """Why not, in a sentence for whoever wanted to."""


class InvitationTokens:
    """Once a password is set, or the e-mail or whether they are active has changed, an invitation is worth nothing."""

    def make_token(self, member: Member) -> str:
        return _signer().sign(_state_of(member))

    def check_token(self, member: Any, token: str | None) -> bool:
        if member is None or not token or _objection_to(member):
            return False
        try:
            state = _signer().unsign(token, max_age=VALID_FOR)
        except BadSignature:
            return False
        return constant_time_compare(state, _state_of(member))


tokens = InvitationTokens()


def send_invitation(member: Member) -> None:
    """Waits for the mail server: who invites is told whether it went out."""
    if objection := _objection_to(member):
        raise CannotInvite(objection % {"name": member})
    link = link_of(member, "invitation", tokens.make_token(member))
    until = timezone.localtime(timezone.now() + VALID_FOR, timezone.get_default_timezone())
    context = {"link": link, "until": until, "agreement": link_to("agreement") if Agreement.objects.exists() else ""}
    try:
        letter(member, gettext_lazy("Your access to Fabomatic"), "invitation", **context).send()
    except Exception as error:
        sentence = _("%(name)s was not invited. %(trouble)s") % {"name": member, "trouble": trouble_of(error)}
        raise CannotInvite(sentence) from error


def _signer() -> TimestampSigner:
    return TimestampSigner(sep=".", salt=_SALT)


def _objection_to(member: Member) -> str:
    if not member.email:
        return _("%(name)s has no e-mail address.")
    if not member.is_active:
        return _("%(name)s is disabled.")
    if member.has_usable_password():
        return _("%(name)s has a password already; who forgot it asks for a new one at the login.")
    return ""


def _state_of(member: Member) -> str:
    return salted_hmac(_SALT, f"{member.pk} {member.password} {member.email} {member.is_active}").hexdigest()
