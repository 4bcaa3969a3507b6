"""Puts the lab's jobs into the crontab of whoever runs it, and runs them from there."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, SystemCheckError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_crontab.management.commands import crontab as django_crontab

from fabomatic.housekeeping import cron
from fabomatic.housekeeping.crontab import CrontabTrouble, LabCrontab, is_in_another_time_zone

log = logging.getLogger("fabomatic.housekeeping")


class Command(django_crontab.Command):
    help = _("Adds the lab's jobs to the crontab of whoever runs it, shows or removes them.")

    def check(self, *args: Any, **options: Any) -> None:
        try:
            super().check(*args, **options)
        except SystemCheckError as error:  # with such settings no job comes as far as noting its failure
            log.error("No job runs: %s", " ".join(str(error).split()))
            raise

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            match options["subcommand"]:
                case "add":
                    self._add()
                case "show":
                    self._show()
                case "remove":
                    self._remove()
                case _:
                    self._run(options["jobhash"])
        except CrontabTrouble as trouble:
            raise CommandError(str(trouble)) from None

    def _add(self) -> None:
        LabCrontab().add()
        self._show()
        if is_in_another_time_zone(timezone.now()):
            text = _("Cron goes by the clock of the system, which is not set to the lab's time zone %(zone)s.")
            self.stderr.write(text % {"zone": settings.TIME_ZONE})

    def _show(self) -> None:
        crontab = LabCrontab()
        crontab.read()
        present, wanted = crontab.present(), crontab.wanted()
        for line in present:
            times = " ".join(line.split()[:5])
            self.stdout.write(f"{times:<16}{wanted.get(line, _('not of these settings'))}")
        if present != list(wanted):
            raise CommandError(_("The crontab is not what the settings ask for: `manage.py crontab add`."))

    def _remove(self) -> None:
        count = LabCrontab().remove()
        text = ngettext("%(count)d job was removed.", "%(count)d jobs were removed.", count)
        self.stdout.write(text % {"count": count})

    def _run(self, job: str | None) -> None:
        try:
            LabCrontab().run_job(job)
        except RuntimeError:  # it has no other
            text = _("The crontab knows a job that is not in the settings any more: `manage.py crontab add`.")
            log.error(text)
            raise CommandError(text) from None
        if not cron.went_well:
            raise SystemExit(1)  # why has been said
