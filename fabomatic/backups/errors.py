"""What can go wrong, each with a sentence for people."""

from __future__ import annotations

import errno

from django.utils.translation import gettext as _


class BackupFailed(Exception):
    pass


class NoBackup(Exception):
    """The file is none of ours, or damaged."""


class RestoreFailed(Exception):
    """The present database is as it was."""


def in_words(error: Exception) -> str:
    """Without paths and addresses."""
    code = getattr(error, "errno", None)
    if code in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT) or "disk is full" in str(error):
        return _("the disk is full")
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
