"""Gives a person what the lab stores about them."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from fabomatic.housekeeping.own_database import NotOurs, require_own_database
from fabomatic.privacy.person import NotOnePerson, find
from fabomatic.privacy.person_export import file_name, note_export, write
from members.models import Member


class Command(BaseCommand):
    help = _("Writes a ZIP with everything stored about a person: as JSON, and as a page in their language.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("who", help=_("their e-mail, card or number (#12)"))
        parser.add_argument("--output", help=_("the file to write; otherwise member-<number>-<day>.zip, here"))
        parser.add_argument("--overwrite", action="store_true", help=_("a file of that name is replaced"))

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            require_own_database()
            member = find(options["who"])
        except (NotOurs, NotOnePerson) as refusal:
            raise CommandError(str(refusal)) from None
        path = Path(options["output"] or file_name(member, now))
        try:
            _write_whole(member, path, is_replaced=options["overwrite"])
        except FileExistsError:
            text = _("%(file)s exists; give another name with --output, or --overwrite to replace it.")
            raise CommandError(text % {"file": path}) from None
        except OSError as error:
            text = _("%(file)s could not be written: %(error)s")
            raise CommandError(text % {"file": path, "error": error.strerror or type(error).__name__}) from None
        note_export(member, None, now)
        text = _("%(file)s holds what is stored about %(name)s (#%(number)d). Hand it to nobody else.")
        self.stdout.write(text % {"file": path, "name": member, "number": member.pk})


def _write_whole(member: Member, path: Path, *, is_replaced: bool) -> None:
    """Under its name only when it is complete; readable by whoever runs this alone."""
    if not is_replaced and path.exists():
        raise FileExistsError
    handle, half = tempfile.mkstemp(prefix=".member-", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "w+b") as file:
            write(member, file, timezone.now())
            file.flush()
            os.fsync(file.fileno())
        if not is_replaced:  # nobody else's in the last moment; no link, which a USB stick does not know
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        os.replace(half, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(half)
