"""Mails to members: in their own language, as text and as a page, with links that begin where the lab says it is."""

from __future__ import annotations

import smtplib
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.encoding import force_bytes
from django.utils.functional import Promise
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _

from members.models import Member


class NoMailServer(Exception):
    """EMAIL_URL names none."""


def letter(member: Member, subject: str | Promise, template: str, **context: Any) -> EmailMultiAlternatives:
    """From `templates/mail/<template>.txt` and `.html`; lazy sentences come in the member's language."""
    with translation.override(member.language or settings.LANGUAGE_CODE):
        context |= {"member": member, "site": settings.SITE_URL, "subject": str(subject)}
        mail = EmailMultiAlternatives(
            str(subject),
            render_to_string(f"mail/{template}.txt", context),
            to=[member.email or ""],
            headers={"Auto-Submitted": "auto-generated"},
        )
        mail.attach_alternative(render_to_string(f"mail/{template}.html", context), "text/html")
    return mail


def link_to(view: str, *args: Any) -> str:
    """Never from the request: whoever asks for a mail could name a host of their own."""
    return f"{settings.SITE_URL}{reverse(view, args=args)}"


def link_of(member: Member, view: str, token: str) -> str:
    return link_to(view, urlsafe_base64_encode(force_bytes(member.pk)), token)


def trouble_of(error: Exception) -> str:
    """What is wrong, in words that hold no address and no password."""
    match error:
        case NoMailServer():
            return _("There is no mail server (EMAIL_URL).")
        case smtplib.SMTPAuthenticationError():
            return _("The mail server refuses user and password (EMAIL_URL).")
        case smtplib.SMTPRecipientsRefused():
            return _("The mail server refuses the recipient.")
        case smtplib.SMTPSenderRefused():
            return _("The mail server refuses the sender (DEFAULT_FROM_EMAIL).")
        case smtplib.SMTPServerDisconnected() | ConnectionError() | TimeoutError():
            return _("The mail server does not answer.")
        case smtplib.SMTPException() | OSError():
            return _("The mail server could not take the mail (%(kind)s).") % {"kind": type(error).__name__}
        case _:
            return _("The mail could not be sent (%(kind)s).") % {"kind": type(error).__name__}
