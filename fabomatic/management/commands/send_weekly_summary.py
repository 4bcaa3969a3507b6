from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabomatic.housekeeping.command import Done, Job
from fabomatic.models import Run
from fabomatic.post import has_mail_server
from fabomatic.summary.figures import Figures, figures_of
from fabomatic.summary.sending import mail_for, send, staff_at, who_asked, without_it
from fabomatic.summary.week import NotAWeek, Week, last_week, week_called
from members.models import Member


class Command(Job):
    help = _("Sends what happened in a week to staff who asked for it, to each once.")
    kind = Run.Kind.SUMMARY

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--dry-run", action="store_true", help=_("Prints the mails and sends none."))
        parser.add_argument(
            "--to", metavar="ADDRESS", help=_("To this person of the staff only, also if they have it already.")
        )
        parser.add_argument("--week", metavar="2026-W46", help=_("A week that is over; without it, the last one."))

    def work(self, **options: Any) -> Done:
        if options["dry_run"] and options["scheduled"]:
            raise CommandError(_("--dry-run is for people: its names do not belong into the log of --scheduled."))
        now = timezone.now()
        try:
            week = last_week(now) if options["week"] is None else week_called(options["week"], now)
        except NotAWeek as refusal:
            raise CommandError(str(refusal)) from None
        readers = _readers(week, options["to"])
        if isinstance(readers, Done):
            return readers
        if options["dry_run"]:
            return self._print(readers, figures_of(week, now))
        if not has_mail_server():
            text = ngettext(
                "There is no mail server (EMAIL_URL): %(count)d person waits for the summary of %(week)s.",
                "There is no mail server (EMAIL_URL): %(count)d people wait for the summary of %(week)s.",
                len(readers),
            )
            raise CommandError(text % {"count": len(readers), "week": week})
        sent = send(figures_of(week, now), readers, now)
        return Done(sent.text, is_ok=not sent.troubles)

    def _print(self, readers: list[Member], figures: Figures) -> Done:
        for reader in readers:
            mail = mail_for(reader, figures)
            for line in (_("To: %(address)s") % {"address": reader.email}, mail.subject, "", mail.body, ""):
                self.stdout.write(str(line))
        text = ngettext("%(count)d mail would be sent.", "%(count)d mails would be sent.", len(readers))
        return Done(text % {"count": len(readers)})


def _readers(week: Week, address: str | None) -> list[Member] | Done:
    """Or why there is nothing to do."""
    if address is not None:
        reader = staff_at(address)
        if reader is None:
            raise CommandError(_("Nobody with this address is active and enters the administration."))
        return [reader]
    asked = who_asked()
    if not asked:
        return Done(_("Nobody has asked for the weekly summary."), is_news=False)
    waiting = without_it(week, asked)
    if not waiting:
        text = _("Everybody who asked has the summary of %(week)s already.") % {"week": week}
        return Done(text, is_news=False)
    return waiting
