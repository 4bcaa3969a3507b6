import os
import stat
from contextlib import suppress
from typing import Any

from django.apps import AppConfig
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models.signals import post_delete
from django.utils.translation import gettext_lazy as _


class FabomaticConfig(AppConfig):
    name = "fabomatic"
    verbose_name = _("System")

    def ready(self) -> None:
        from fabomatic import checks  # noqa: F401  (registers the system checks)
        from fabomatic.privacy.erased import remember_deleted
        from members.models import Member

        connection_created.connect(keep_others_out, dispatch_uid="keep_others_out_of_the_database")
        post_delete.connect(remember_deleted, sender=Member, dispatch_uid="remember_who_was_deleted")


def keep_others_out(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """E-mail addresses, password hashes and cards are in the file; SQLite gives its journals the same mode."""
    path = str(connection.settings_dict["NAME"]).removeprefix("file:").split("?")[0]
    if connection.vendor != "sqlite" or not os.path.isfile(path):
        return
    mode = stat.S_IMODE(os.stat(path).st_mode)
    if mode & 0o007:
        with suppress(OSError):  # a file that belongs to somebody else
            os.chmod(path, mode & ~0o007)
