from typing import Any

from django.core.management.base import CommandError
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext as _

from fabomatic.backups import BackupFailed
from fabomatic.backups.making import Made, make
from fabomatic.housekeeping.command import Done, Job
from fabomatic.models import Run


class Command(Job):
    help = _("Makes a backup of the database while it is in use, reads it back, and removes old ones.")
    kind = Run.Kind.BACKUP

    def work(self, **options: Any) -> Done:
        try:
            made = make(timezone.now())
        except BackupFailed as failure:
            raise CommandError(_("No backup was made, and no old one removed. %(why)s") % {"why": failure}) from None
        return Done(f"{_said(made)} {made.trouble}".strip(), is_ok=not made.trouble)


def _said(made: Made) -> str:
    text = _("%(name)s (%(size)s) was made and read back (%(counts)s). Old ones removed: %(removed)d.")
    return text % {
        "name": made.path.name,
        "size": filesizeformat(made.path.stat().st_size).replace("\xa0", " "),
        "counts": made.examined.in_words(),
        "removed": made.removed,
    }
