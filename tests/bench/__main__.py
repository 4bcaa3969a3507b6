"""`python -m tests.bench`: how fast worker and pages are, next to a bare echo on the same machine. Prints one table."""

from __future__ import annotations

import argparse
import json
import resource
import signal
import sys
import tempfile
from pathlib import Path

from tests.bench.run import Run
from tests.bench.scenarios import SCENARIOS
from tests.bench.table import table, unmet


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))  # so that what runs here ends too
    _allow_many_sockets()
    with tempfile.TemporaryDirectory(prefix="fabomatic-bench-", dir=options.dir) as name:
        run = Run(options, Path(name))
        columns = run.columns()
    print(f"\n{run.circumstances}\n\n{table(columns)}\n")
    for line in run.remarks:
        print(line)
    if options.json:
        Path(options.json).write_text(json.dumps({"circumstances": run.circumstances, **columns}, indent=1) + "\n")
    return 1 if options.strict and unmet(columns) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter measurements, rougher numbers")
    parser.add_argument(
        "--history",
        type=_counts,
        default=[0, 200_000],
        metavar="N,…",
        help="uses (0,200000); a million takes two minutes to fill",
    )
    parser.add_argument("--machines", type=int, default=50, help="and as many boards at once (%(default)s)")
    parser.add_argument("--members", type=int, default=500, help="at least 10 (%(default)s)")
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("--only", type=_names, default=[], metavar="NAME,…", help=", ".join(names))
    parser.add_argument("--json", metavar="FILE", help="write the numbers there too")
    parser.add_argument("--dir", metavar="DIR", help="where the databases are, on the disk that is to be measured")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when an aim is missed")
    options = parser.parse_args()
    if not 1 <= options.machines <= 2000 or options.members < 10:
        parser.error("1 to 2,000 machines and at least 10 members")
    if unknown := set(options.only) - set(names):
        parser.error(f"no scenario: {', '.join(sorted(unknown))}")
    return options


def _counts(text: str) -> list[int]:
    return [int(count) for count in text.split(",") if count.strip()]


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _allow_many_sockets() -> None:
    """A thousand boards, here and at the broker, which inherits this."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8192 if hard == resource.RLIM_INFINITY else min(8192, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted")
