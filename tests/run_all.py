"""All tests, in two lanes at the same time: `python -m tests.run_all`.

What starts a broker or a browser mostly waits, what calls functions mostly computes; one after the other they take
almost twice as long. What computes goes second wherever both want the processor: boards wait for two seconds and no
longer. The first lane is heard as it goes, the second when it has ended.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
LIVE = ("tests/broker", "tests/browser")
PYTEST = (sys.executable, "-m", "pytest")
# The cache is one file for both lanes; the failures of the last run are worth remembering of the larger one.
LIVE_LANE = (*PYTEST, "-p", "no:cacheprovider", *LIVE)
OTHERS = (*PYTEST, "tests", *(f"--ignore={folder}" for folder in LIVE))
ON_POSTGRESQL = (sys.executable, "-m", "tests.run_on_postgresql")
POLITE = 10


def main() -> int:
    with tempfile.TemporaryFile() as output:
        live = subprocess.Popen(LIVE_LANE, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            os.nice(POLITE)  # from here on, and with it what is started from here
            codes = [subprocess.run(command, cwd=ROOT).returncode for command in (OTHERS, ON_POSTGRESQL)]
            codes.append(live.wait())
        except BaseException:
            os.killpg(live.pid, signal.SIGTERM)  # and the brokers and browsers it has started
            raise
        print("\nWith a real broker and a real browser:", flush=True)
        show(output)
    return max(codes)


def show(output: IO[bytes]) -> None:
    output.seek(0)
    sys.stdout.buffer.write(output.read())
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
