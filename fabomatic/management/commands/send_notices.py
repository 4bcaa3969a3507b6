"""Mails once what happened: maintenance fell due, a board is silent, a membership ends."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabomatic.housekeeping.command import Done, Job
from fabomatic.models import Run
from fabomatic.notices.sending import is_quiet, preview, quiet_sentence, send_notices


class Command(Job):
    help = _("Mails maintenance that fell due, boards that are silent and memberships that end, each once.")
    kind = Run.Kind.NOTICES

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--dry-run", action="store_true", help=_("Only says who would get what; sends and notes nothing.")
        )

    def work(self, **options: Any) -> Done:
        if not options["dry_run"]:
            return send_notices(timezone.now())
        if options["scheduled"]:
            raise CommandError(_("--dry-run is for people: its names do not belong into the log of --scheduled."))
        return self._say_only()

    def _say_only(self) -> Done:
        now = timezone.now()
        lines = preview(now)
        for line in lines:
            self.stdout.write(line)
        text = ngettext("%(count)d mail would be sent.", "%(count)d mails would be sent.", len(lines))
        quiet = f" {quiet_sentence()}" if is_quiet(now) else ""
        return Done(f"{text % {'count': len(lines)}}{quiet}")
