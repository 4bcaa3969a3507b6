"""A lab in a folder, its commands run as a lab runs them: in processes of their own."""

import gzip
import subprocess
import sys
from pathlib import Path

from tests.broker.lab import ROOT, Database, worker_environment


class LabInAFolder:
    def __init__(self, folder: Path, broker: str = "mqtt://127.0.0.1:1", **environment: str) -> None:
        self.folder = folder
        self.broker, self.more = broker, environment
        self.database = Database(folder / "lab.sqlite3")
        self.backups = folder / "backups"

    @property
    def environment(self):
        return worker_environment(
            self.database.path,
            self.broker,
            **{"BACKUP_FOLDER": str(self.backups), "BACKUP_SECOND_FOLDER": "", "FAILURE_MAIL_TO": "", **self.more},
        )

    def start(self, *arguments, **options):
        """Its locks are its own, so that no other lab on this computer waits for it."""
        script = (
            "import sys; from django.conf import settings; import pathlib;"
            f"settings.LOCK_FOLDER = pathlib.Path({str(self.folder / 'locks')!r});"
            "from django.core.management import execute_from_command_line as run; run(['manage.py', *sys.argv[1:]])"
        )
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(
            [sys.executable, "-c", script, *arguments], cwd=ROOT, env=self.environment, **pipes, **options
        )

    def run(self, *arguments, answer="", **options):
        """Exit code, and what it said."""
        process = self.start(*arguments, **options)
        said, _nothing = process.communicate(answer, timeout=120)
        assert "Traceback" not in said, said
        return process.returncode, said

    def backup(self):
        code, said = self.run("backup")
        assert code == 0, said
        return self.names()[-1]

    def names(self):
        return sorted(path.name for path in self.backups.iterdir())

    def members(self):
        return [name for (name,) in self.database.rows("SELECT first_name FROM members_member ORDER BY first_name")]

    def rename(self, old, new):
        self.database.change("UPDATE members_member SET first_name = ? WHERE first_name = ?", new, old)

    def uses_in(self, name, machine):
        """Of a backup."""
        plain = self.folder / "looked-into.sqlite3"
        plain.write_bytes(gzip.decompress((self.backups / name).read_bytes()))
        return len(Database(plain).uses(machine))

    def is_whole(self):
        return self.database.value("PRAGMA integrity_check") == "ok"


def repack(packed: Path, change) -> None:
    """With `change(path)` done to the database in it."""
    plain = packed.with_suffix("")
    plain.write_bytes(gzip.decompress(packed.read_bytes()))
    change(plain)
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
