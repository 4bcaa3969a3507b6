"""A real cron, apart from the one of whoever runs the tests.

As root: in a mount namespace with a spool, system crontabs, a /run and a sendmail of its own. Where that is not
allowed, as in most containers: with the crontab of whoever runs the tests, if they have none, as at the end.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

SBIN = "/usr/sbin:/usr/bin:/sbin:/bin"
CRON, CRONTAB = shutil.which("cron", path=SBIN), "/usr/bin/crontab"
PID_FILE = Path("/run/crond.pid")
# Ends with the tests, also when those are killed.
UNTIL_WE_END = ("setpriv", "--pdeathsig", "TERM")
# $1: a folder. A mail becomes a file in its `mails`.
PRIVATE = r"""
set -eu
cd "$1"
mkdir spool cron.d run sbin.real sbin mails
chmod 1730 spool
: > crontab
printf '#!/bin/sh\ncat > "%s/mails/$$"\n' "$1" > sendmail
chmod 755 sendmail
mount --bind /usr/sbin sbin.real
for program in sbin.real/*; do ln -s "$1/$program" sbin/; done
ln -sf "$1/sendmail" sbin/sendmail
mount --bind spool /var/spool/cron/crontabs
mount --bind cron.d /etc/cron.d
mount --bind crontab /etc/crontab
mount --bind run /run
mount --bind sbin /usr/sbin
exec "$2" -f
"""


@dataclass(frozen=True)
class Cron:
    through: tuple[str, ...] = ()  # what a command that speaks with it begins with
    mails: Path | None = None

    def write(self, lines):
        subprocess.run((*self.through, CRONTAB, "-"), input=lines, text=True, check=True, timeout=30)

    def read(self):
        return subprocess.run((*self.through, CRONTAB, "-l"), capture_output=True, text=True, timeout=30).stdout

    def subjects(self):
        """Of the mails it has sent."""
        texts = [path.read_text() for path in self.mails.iterdir()]
        return [line for text in texts for line in text.splitlines() if line.startswith("Subject: ")]


@contextmanager
def running(folder):
    if not (CRON and Path(CRONTAB).exists()):
        pytest.skip("cron is not installed")
    if os.geteuid() == 0 and subprocess.run(("unshare", "--mount", "true"), capture_output=True).returncode == 0:
        with _in_private(folder) as cron:
            yield cron
    else:
        with _with_an_empty_crontab() as cron:
            yield cron


@contextmanager
def _in_private(folder):
    command = (*UNTIL_WE_END, "unshare", "--mount", "sh", "-c", PRIVATE, "sh", str(folder), CRON)
    with _started(command, folder / "run" / PID_FILE.name) as pid:
        yield Cron(through=("nsenter", "--target", str(pid), "--mount"), mails=folder / "mails")


@contextmanager
def _with_an_empty_crontab():
    with _alone():
        present = subprocess.run((CRONTAB, "-l"), capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
        if "no crontab for" not in present.stderr:
            pytest.skip("mounts are not allowed here, and the crontab of whoever runs the tests is in use")
        try:
            if _is_running():
                yield Cron()
            elif os.geteuid() == 0:
                with _nothing_left_behind(), _started((*UNTIL_WE_END, CRON, "-f"), PID_FILE):
                    yield Cron()
            else:
                pytest.skip("no cron is running, and only root can start one")
        finally:
            subprocess.run((CRONTAB, "-r"), capture_output=True)


@contextmanager
def _started(command, pid_file):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while not (pid_file.exists() and pid_file.read_text().strip() == str(process.pid)):
            assert process.poll() is None, "cron did not start"
            assert time.monotonic() < deadline, "cron did not say that it runs"
            time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextmanager
def _nothing_left_behind():
    """The next cron would take it for a sign that it need not run what is due at a start."""
    new = [path for path in (PID_FILE, PID_FILE.with_suffix(".reboot")) if not path.exists()]
    try:
        yield
    finally:
        for path in new:
            path.unlink(missing_ok=True)


@contextmanager
def _alone():
    with open(Path(tempfile.gettempdir()) / f"fabomatic-tests-cron-{os.geteuid()}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_running():
    try:
        return Path(f"/proc/{int(PID_FILE.read_text())}/comm").read_text().strip() == "cron"
    except (OSError, ValueError):
        return False
