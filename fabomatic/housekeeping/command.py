"""What all jobs have in common, whether cron starts them or a person."""

from __future__ import annotations

import logging
import os
import traceback
from dataclasses import dataclass
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, transaction
from django.utils.translation import gettext as _

from fabomatic.housekeeping import failures
from fabomatic.housekeeping.locks import AlreadyRunning, alone
from fabomatic.housekeeping.own_database import NotOurs, require_own_database
from fabomatic.models import Run, note_run

log = logging.getLogger("fabomatic.housekeeping")

RUNS_ALREADY = os.EX_TEMPFAIL  # for a timer no failure: deploy/systemd knows the number


@dataclass(frozen=True, slots=True)
class Done:
    """What a job did, in one line that names nobody; not `is_ok`: a part of it failed, the rest was done."""

    text: str
    is_ok: bool = True


class Job(BaseCommand):
    """A subclass does its `work`. Exits with 0 only when all of it was done.

    `work` raises CommandError, with a sentence, when it could not; anything else it raises is a bug or a broken disk,
    and is noted by its kind alone: words of such errors may hold names.
    """

    kind: ClassVar[Run.Kind]
    needs_database: ClassVar[bool] = True

    def work(self, **options: Any) -> Done:
        raise NotImplementedError

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--scheduled", action="store_true", help=_("Started by cron or a timer: says what it did in the log only.")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with alone(self.name):
                if self.needs_database:
                    require_own_database()
                done = self.work(**options)
        except AlreadyRunning:
            text = _("%(job)s is running already; it is not started twice.") % {"job": self.name}
            raise CommandError(text, returncode=RUNS_ALREADY) from None
        except (CommandError, NotOurs) as failure:
            done = Done(str(failure), is_ok=False)
        except Exception as error:
            log.error("%s failed: %s\n%s", self.name, type(error).__name__, _where(error))
            sentence = _("%(job)s failed (%(kind)s); the log says where.")
            done = Done(sentence % {"job": self.name, "kind": type(error).__name__}, is_ok=False)
        self._report(done, **options)

    @property
    def name(self) -> str:
        return type(self).__module__.rpartition(".")[2]

    def _report(self, done: Done, **options: Any) -> None:
        if not options.get("dry_run"):
            self._note(done, is_scheduled=options["scheduled"])
        if not done.is_ok:
            if options["scheduled"]:
                log.error("%s: %s", self.name, done.text)
            raise CommandError(done.text)
        if options["scheduled"]:
            log.info("%s: %s", self.name, done.text)
        else:
            self.stdout.write(done.text)

    def _note(self, done: Done, *, is_scheduled: bool) -> None:
        try:
            with transaction.atomic():
                run = note_run(self.kind, done.text, is_ok=done.is_ok)
        except DatabaseError as error:  # what failed may be the database
            log.error("What %s did could not be noted: %s", self.name, type(error).__name__)
            return
        if is_scheduled and not done.is_ok:
            failures.tell(self.name, run)


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return "\n".join(f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)
