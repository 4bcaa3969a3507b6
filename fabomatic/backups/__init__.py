"""Copies of the database: made while it is in use, kept for a year, looked into before they are trusted, put back."""

from fabomatic.backups.errors import BackupFailed, NoBackup, RestoreFailed
from fabomatic.backups.making import compressed_copy

__all__ = ["BackupFailed", "NoBackup", "RestoreFailed", "compressed_copy"]
