from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _

from fabomatic.backups import NoBackup, RestoreFailed
from fabomatic.backups.errors import BackupFailed
from fabomatic.backups.examining import Examined, examine, present
from fabomatic.backups.keeping import kept
from fabomatic.backups.restoring import restore

LATEST = "latest"


class Command(BaseCommand):
    help = _("Puts a backup in the place of the database, while the lab is running. What was there is kept aside.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", nargs="?", default="", help=_("A file, the name of one in BACKUP_FOLDER, or: latest.")
        )
        parser.add_argument("--list", action="store_true", help=_("Say which backups there are, and exit."))
        parser.add_argument("--no-input", action="store_true", help=_("Do not ask."))

    def handle(self, *args: Any, **options: Any) -> None:
        if options["list"]:
            self._list()
            return
        path = _chosen(options["file"])
        try:
            if not options["no_input"]:
                self._ask(path)
            restored = restore(path, timezone.now())
        except (NoBackup, RestoreFailed, BackupFailed) as failure:
            raise CommandError(_("Nothing was restored. %(why)s") % {"why": failure}) from None
        for sentence in restored.sentences:
            self.stdout.write(sentence)

    def _list(self) -> None:
        backups = kept()
        if not backups:
            self.stdout.write(_("There are no backups in %(folder)s.") % {"folder": settings.BACKUP_FOLDER})
        for backup in backups:
            size = filesizeformat(backup.size).replace("\xa0", " ")
            self.stdout.write(f"{timezone.localtime(backup.at):%Y-%m-%d %H:%M}  {size:>10}  {backup.path.name}")

    def _ask(self, path: Path) -> None:
        self.stdout.write(_in_a_line(_("In the backup:"), examine(path)))
        self.stdout.write(_in_a_line(_("There now:"), present()))
        try:
            answer = input(_("What is there now is kept aside, and replaced. Type yes to go on: "))
        except EOFError:
            raise CommandError(_("Nobody answers; for scripts there is --no-input.")) from None
        if answer.strip().lower() not in ("yes", _("yes")):
            raise CommandError(_("Nothing was restored."))


def _chosen(name: str) -> Path:
    if not name:
        raise CommandError(_("Which one? Give a file, or: latest. --list says which there are."))
    if name == LATEST:
        path = next((backup.path for backup in kept() if not backup.is_before_restore), None)
        if path is None:
            raise CommandError(_("There are no backups in %(folder)s.") % {"folder": settings.BACKUP_FOLDER})
        return path
    given = Path(name)
    return given if given.exists() else Path(settings.BACKUP_FOLDER) / given


def _in_a_line(title: str, found: Examined | None) -> str:
    if found is None:
        return f"{title} {_('no database that can be read')}"
    at = f"{timezone.localtime(found.at):%Y-%m-%d %H:%M}: " if found.at else ""
    return f"{title} {at}{found.in_words()} ({found.version})"
