"""Erases a person: asks twice, and says what was done."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from fabomatic.housekeeping.own_database import NotOurs, require_own_database
from fabomatic.privacy.erasing import CannotErase, Erased, erase, refusal
from fabomatic.privacy.person import NotOnePerson, find
from fabomatic.privacy.saying import what_was_done
from fabomatic.privacy.typed import is_named, name_to_type
from members.admin.deletion import fate_of
from members.models import Member
from telemetry.nudge import nudge_now


class Command(BaseCommand):
    help = _("Erases a person: the account goes, the history stays without name. Asks twice. Cannot be undone.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("who", help=_("their e-mail, card or number (#12)"))
        parser.add_argument("--no-input", action="store_true", help=_("asks nothing; only together with --really"))
        parser.add_argument("--really", action="store_true", help=_("for scripts, with --no-input"))

    def handle(self, *args: Any, **options: Any) -> None:
        if options["no_input"] != options["really"]:
            raise CommandError(_("--no-input and --really go together: nothing was erased."))
        try:
            require_own_database()
            member = find(options["who"])
        except (NotOurs, NotOnePerson) as failure:
            raise CommandError(str(failure)) from None
        if reason := refusal(member, None):
            raise CommandError(reason)
        self._show(member)
        if not options["no_input"]:
            self._ask(member)
        try:
            erased = erase(member, None, timezone.now())
        except CannotErase as failure:
            raise CommandError(str(failure)) from None
        nudge_now()
        self._report(member.pk, erased)

    def _show(self, member: Member) -> None:
        fate = fate_of([member])
        about = ", ".join([str(member), *([member.email] if member.email else []), f"#{member.pk}"])
        self.stdout.write(_("Erase %(person)s") % {"person": about})
        for title, counts in ((_("Goes for ever"), fate.goes), (_("Stays, without name and card"), fate.stays)):
            if counts:
                self.stdout.write(f"{title}: " + ", ".join(f"{things} {count}" for things, count in counts))
        self.stdout.write(_("Their name, e-mail and cards leave every text, the log of changes, too."))
        self.stdout.write(_("`manage.py export_member` gives them what is stored before."))

    def _ask(self, member: Member) -> None:
        if _answer(_("This cannot be undone. Go on? [yes/no] ")).lower() not in (_("yes"), "yes"):
            raise CommandError(_("Nothing was erased."))
        question = _("To be sure, type “%(name)s”: ") % {"name": name_to_type(member)}
        if not is_named(member, _answer(question)):
            raise CommandError(_("That is not their name: nothing was erased."))

    def _report(self, number: int, erased: Erased) -> None:
        self.stdout.write(_("Member %(number)d was erased.") % {"number": number})
        for line in what_was_done(erased):
            self.stdout.write(f"  {line}")


def _answer(question: str) -> str:
    try:
        return input(question).strip()
    except EOFError:
        raise CommandError(_("Nobody answers; for scripts there is --no-input --really. Nothing was erased.")) from None
