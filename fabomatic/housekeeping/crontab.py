"""This lab's lines in the crontab of whoever runs it; every other line stays as it is.

django-crontab makes the lines and runs the jobs. Left alone it takes a crontab that it may not read for an empty one,
trips over lines whose job has changed, writes the rest nevertheless, and never looks whether that went well.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django_crontab.crontab import Crontab

LOCALTIME = Path("/etc/localtime")
_NONE_YET = b"no crontab for"
_PATIENCE = 30  # seconds


class CrontabTrouble(Exception):
    """With a sentence for people."""


class LabCrontab(Crontab):
    def __init__(self) -> None:
        super().__init__(verbosity=0)
        self.settings.DJANGO_MANAGE_PATH = shlex.quote(self.settings.DJANGO_MANAGE_PATH)
        self.crontab_lines: list[str] = []

    def wanted(self) -> dict[str, str]:
        """Names of jobs by their lines."""
        blank = LabCrontab()
        blank.add_jobs()
        return dict(zip(blank.crontab_lines, (job[2][0] for job in settings.CRONJOBS), strict=True))

    def present(self) -> list[str]:
        return [line for line in self.crontab_lines if self._is_ours(line)]

    def add(self) -> None:
        wanted = list(self.wanted())
        _refuse_what_cron_cannot_take(wanted)
        _make_private(Path(settings.CRON_FOLDER))
        self.read()
        self._replace_ours_with(wanted)

    def remove(self) -> int:
        """How many there were."""
        self.read()
        count = len(self.present())
        self._replace_ours_with([])
        return count

    def read(self) -> None:
        self.crontab_lines = _lines(self._read())

    def _replace_ours_with(self, wanted: list[str]) -> None:
        lines = [*(line for line in self.crontab_lines if not self._is_ours(line)), *wanted]
        if lines == self.crontab_lines:
            return
        self.crontab_lines = lines
        written = "".join(lines)
        self._ask("-", content=written)
        if not self._read().endswith(written):
            raise CrontabTrouble(_("The crontab was written, but says something else now: see `crontab -l`."))

    def _is_ours(self, line: str) -> bool:
        """One that somebody commented out belongs to them."""
        return line.rstrip().endswith(f" # {self.settings.CRONTAB_COMMENT}") and not line.lstrip().startswith("#")

    def _read(self) -> str:
        return self._ask("-l")

    def _ask(self, argument: str, content: str = "") -> str:
        command = (self.settings.CRONTAB_EXECUTABLE, argument)
        try:
            answer = subprocess.run(  # noqa: S603  (a setting of ours and a letter)
                command,
                input=_encoded(content),
                capture_output=True,
                timeout=_PATIENCE,
                env={**os.environ, "LC_ALL": "C"},
            )
        except FileNotFoundError:
            text = _("There is no %(program)s: install cron, or use the timers in deploy/systemd.")
            raise CrontabTrouble(text % {"program": command[0]}) from None
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CrontabTrouble(_trouble(command, type(error).__name__)) from None
        if answer.returncode == 0:
            return _decoded(answer.stdout)
        if argument == "-l" and _NONE_YET in answer.stderr:
            return ""
        raise CrontabTrouble(_trouble(command, _decoded(answer.stderr)))


def is_in_another_time_zone(now: datetime) -> bool:
    """Whether the clock of the system, which cron goes by, is not the lab's. Django has changed only this process's."""
    try:
        with LOCALTIME.open("rb") as file:
            systems: tzinfo = ZoneInfo.from_file(file)
    except (OSError, ValueError):
        systems = UTC
    labs = timezone.get_default_timezone()
    seasons = [datetime(now.year, month, 1, 12, tzinfo=UTC) for month in (1, 7)]
    return any(day.astimezone(systems).utcoffset() != day.astimezone(labs).utcoffset() for day in seasons)


def _refuse_what_cron_cannot_take(lines: list[str]) -> None:
    if not all("%" not in line and line.removesuffix("\n").isprintable() for line in lines):
        text = _("Cron cannot take a path with a percent sign or a line break: %(folder)s, or that of Python.")
        raise CrontabTrouble(text % {"folder": repr(str(settings.BASE_DIR))})


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        text = _("The folder %(folder)s for the jobs' output cannot be made: %(error)s")
        raise CrontabTrouble(text % {"folder": folder, "error": error.strerror}) from None


def _lines(text: str) -> list[str]:
    """Each with its end, also a last one that lacks it: ours would continue it."""
    return [f"{line}\n" for line in text.removesuffix("\n").split("\n")] if text else []


def _trouble(command: tuple[str, str], said: str) -> str:
    return _("`%(command)s` failed: %(said)s") % {"command": " ".join(command), "said": " ".join(said.split())}


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", errors="surrogateescape")


def _decoded(content: bytes) -> str:
    return content.decode("utf-8", errors="surrogateescape")
