"""Gives a fresh installation somebody who can log in."""

import secrets
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from members.models import Member

DEFAULT_EMAIL = "admin@lab.invalid"
# Without what looks like something else: people type it from a screen.
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"


class Command(BaseCommand):
    help = _("Creates a superuser with a random password, shown once, if there is no superuser yet.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", default=DEFAULT_EMAIL, help=_("what they log in with"))

    def handle(self, *args: Any, **options: Any) -> None:
        if Member.objects.filter(is_superuser=True).exists():
            return
        email = options["email"].strip().lower()
        refuse_unusable(email)
        password = random_password()
        Member.objects.create_superuser(email, password, first_name=_("Administrator"))
        self.stdout.write(
            _("First administrator: %(email)s, password %(password)s (shown only now; change it after the first login)")
            % {"email": email, "password": password}
        )


def refuse_unusable(email: str) -> None:
    try:
        validate_email(email)
    except ValidationError:
        raise CommandError(_("%(email)s is no e-mail address.") % {"email": email}) from None
    if Member.objects.filter(email=email).exists():
        raise CommandError(
            _("%(email)s belongs to a member who is no superuser; choose another with --email.") % {"email": email}
        )


def random_password() -> str:
    """80 bits, in groups of four."""
    return "-".join("".join(secrets.choice(LETTERS) for _place in range(4)) for _group in range(4))
