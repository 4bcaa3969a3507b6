"""What is too old loses the names in it, or goes: from cron each night, or by hand."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from fabomatic.housekeeping.command import Done, Job
from fabomatic.models import Run
from fabomatic.privacy.purge_clock import require_believable
from fabomatic.privacy.purge_span import Refused, Span, chosen_days, number_of_days
from fabomatic.privacy.purging import Teller, purge

ERASE_LINE = "\r\033[K"


class Command(Job):
    help = _("Deletes in time what names people: hours and counts stay exact. Killed, it is simply started again.")
    kind = Run.Kind.PURGE

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        days: dict[str, Any] = {"type": number_of_days, "metavar": "N"}
        parser.add_argument("--dry-run", action="store_true", help=_("Counts what would be done, and does nothing."))
        parser.add_argument(
            "--days", help=_("How long uses, interventions and taps keep names (RETENTION_DAYS)."), **days
        )
        parser.add_argument(
            "--unknown-days", help=_("How long taps of unknown cards are kept (UNKNOWN_CARD_RETENTION_DAYS)."), **days
        )
        parser.add_argument("--trust-clock", action="store_true", help=_("Somebody has checked this computer's date."))

    def work(self, **options: Any) -> Done:
        try:
            span = Span.until(
                timezone.now(),
                chosen_days(options["days"], "RETENTION_DAYS", "--days"),
                chosen_days(options["unknown_days"], "UNKNOWN_CARD_RETENTION_DAYS", "--unknown-days"),
            )
            if not options["trust_clock"]:
                require_believable(span)
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        return purge(span, is_dry=options["dry_run"], teller=self._teller(**options))

    def _teller(self, **options: Any) -> Teller:
        if options["scheduled"]:
            return Teller()
        if not self.stdout.isatty():
            return Teller(say=self._say)
        return Teller(say=lambda line: self._say(ERASE_LINE + line), watch=self._show_progress)

    def _show_progress(self, label: str, percent: int) -> None:
        self._say(f"{ERASE_LINE}{label} … {percent} %", ending="")

    def _say(self, line: str, *, ending: str = "\n") -> None:
        with suppress(OSError):  # what has begun is not left half done because nobody listens any more
            self.stdout.write(line, ending=ending)
            self.stdout.flush()
