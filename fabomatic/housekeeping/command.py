"""What all jobs have in common, whether cron starts them or a person."""

from __future__ import annotations

import logging
import os
import traceback
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabomatic.housekeeping import failures
from fabomatic.housekeeping.locks import AlreadyRunning, CannotLock, alone
from fabomatic.housekeeping.own_database import NotOurs, is_missing, lacks_migrations, require_own_database
from fabomatic.models import Run, note_run

log = logging.getLogger("fabomatic.housekeeping")

RUNS_ALREADY = os.EX_TEMPFAIL  # for a timer no failure: deploy/systemd knows the number


@dataclass(frozen=True, slots=True)
class Done:
    """What a job did, in one line that names nobody; not `is_ok`: a part of it failed, the rest was done.

    Not `is_news`: there was nothing to do. Of a frequent job only one such line a day is noted, and the first one
    after a failure.
    """

    text: str
    is_ok: bool = True
    is_news: bool = True


class Job(ABC, BaseCommand):
    """A subclass does its `work`. Exits with 0 only when all of it was done.

    `work` raises CommandError, with a sentence, when it could not; anything else it raises is a bug or a broken disk,
    and is noted by its kind alone: words of such errors may hold names.
    """

    kind: ClassVar[Run.Kind]
    needs_database: ClassVar[bool] = True

    @abstractmethod
    def work(self, **options: Any) -> Done: ...

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
            if options["scheduled"]:
                log.warning(text)
            raise CommandError(text, returncode=RUNS_ALREADY) from None
        except (CommandError, NotOurs, CannotLock) as failure:
            done = Done(str(failure), is_ok=False)
        except Exception as error:
            log.error("%s failed: %s\n%s", self.name, type(error).__name__, _where(error))
            done = Done(self._sentence_of(error), is_ok=False)
        self._report(done, **options)

    @property
    def name(self) -> str:
        return type(self).__module__.rpartition(".")[2]

    def _sentence_of(self, error: Exception) -> str:
        sentence = _("%(job)s failed (%(kind)s); the log says where.")
        if isinstance(error, DatabaseError) and lacks_migrations():
            sentence = _("%(job)s failed (%(kind)s): the database is older than this version, run `manage.py migrate`.")
        return sentence % {"job": self.name, "kind": type(error).__name__}

    def _report(self, done: Done, **options: Any) -> None:
        is_scheduled = options["scheduled"]
        if not options.get("dry_run"):
            run = self._note(done)
            if done.is_ok:
                failures.is_over(self.name)
            elif is_scheduled:
                failures.tell(self.name, done.text, run)
        if not done.is_ok:
            if is_scheduled:
                log.error("%s: %s", self.name, done.text)
            raise CommandError(done.text)
        if is_scheduled:
            log.log(logging.INFO if done.is_news else logging.DEBUG, "%s: %s", self.name, done.text)
        else:
            self.stdout.write(done.text)

    def _note(self, done: Done) -> Run | None:
        if is_missing():  # noting it would make an empty one
            return None
        try:
            with transaction.atomic():
                if done.is_ok and not done.is_news and self._went_well_lately():
                    return None
                return note_run(self.kind, done.text, is_ok=done.is_ok)
        except DatabaseError as error:  # what failed may be the database
            log.error("What %s did could not be noted: %s", self.name, type(error).__name__)
            return None

    def _went_well_lately(self) -> bool:
        last = Run.objects.filter(kind=self.kind).order_by("-pk").first()
        return last is not None and last.is_ok and abs(timezone.now() - last.at) < timedelta(days=1)


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return "\n".join(f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)
