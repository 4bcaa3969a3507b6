"""All tests, in four lanes at the same time: `python -m tests.run_all`.

What starts a broker or a browser mostly waits, what calls functions mostly computes; one after the other they take
almost twice as long. What computes goes second wherever both want the processor: boards wait for two seconds and no
longer. What needs a real cron waits for the minute to turn. One lane that computes is heard as it goes, the others when
they have ended.

On a small machine a worker may still come to its turn too late, and then is silent, as it has to be. What failed of
the live lane is therefore tried once more, alone; what fails there, too, has failed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import pytest

ROOT = Path(__file__).resolve().parent.parent
LIVE = ("tests/broker", "tests/browser")
ON_CRON = ("tests/cron",)
PYTEST = (sys.executable, "-m", "pytest")
# The cache is one file for all lanes; the failures of the last run are worth remembering of the largest one.
BESIDE = (*PYTEST, "-p", "no:cacheprovider")
ON_POSTGRESQL = "On PostgreSQL"


def politely(command: tuple[str, ...]) -> tuple[str, ...]:
    """Only while nobody else wants the processor, where the system can tell."""
    found = shutil.which("chrt")
    return (found, "--idle", "0", *command) if found else ("nice", "-n", "19", *command)


LIVE_LANE = "With a real broker and a real browser"
LIVE_CACHE = ("-o", f"cache_dir={ROOT / 'var' / 'pytest-live'}")
ALONE = (*PYTEST, *LIVE_CACHE, "--last-failed", "--last-failed-no-failures=none", *LIVE)
LANES = {
    ON_POSTGRESQL: politely((sys.executable, "-m", "tests.run_on_postgresql", "-p", "no:cacheprovider")),
    LIVE_LANE: (*PYTEST, *LIVE_CACHE, *LIVE),
    "With a real cron": (*BESIDE, *ON_CRON),
}
OTHERS = (*PYTEST, "tests", *(f"--ignore={folder}" for folder in (*LIVE, *ON_CRON)))


def main() -> int:
    with ExitStack() as stack:
        lanes = {name: stack.enter_context(beside(command)) for name, command in LANES.items()}
        codes = {"Others": subprocess.run(politely(OTHERS), cwd=ROOT).returncode}
        for name, (process, output) in lanes.items():
            codes[name] = process.wait()
            print(f"\n{name}:", flush=True)
            show(output)
    if codes[LIVE_LANE] == pytest.ExitCode.TESTS_FAILED:
        print("\nWhat of it failed, once more and alone:", flush=True)
        codes[LIVE_LANE] = subprocess.run(ALONE, cwd=ROOT).returncode
    return max(map(abs, codes.values()))  # negative: killed


@contextmanager
def beside(command: tuple[str, ...]) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            yield process, output
        except BaseException:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)  # and the brokers, browsers and the cron it has started
            raise


def show(output: IO[bytes]) -> None:
    output.seek(0)
    sys.stdout.buffer.write(output.read())
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
