"""Runs the tests that touch the database on a PostgreSQL of their own: `python -m tests.run_on_postgresql`.

The cluster lives in a temporary folder, listens on a Unix socket there and nowhere else, and ends with the tests.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = (
    *("access", "usage", "usage_properties", "machines", "members", "maintenance", "interventions", "status"),
    *("migrations", "boards", "collected", "desk", "handlers", "publisher", "worker", "screens", "admin_screens"),
    *("machine_page", "machine_blocking", "remote", "remote_page", "dashboard_page", "wall", "hub", "consumers"),
    *("downtimes", "statistics_weeks", "statistics_figures", "statistics_span", "statistics_page"),
    *("lockout", "password_reset", "invitations", "changes", "admin_changes", "admin_filters", "admin_search"),
    *("power", "last_superuser", "admin_members", "member_list", "member_actions", "member_deletion", "member_import"),
    *("admin_machines", "admin_machine_list", "admin_machine_forms", "admin_machine_deletion", "admin_blocking"),
    *("renumbering", "granting", "admin_granting", "admin_authorizations", "admin_plans", "admin_plan_copies"),
    *("admin_interventions", "admin_uses", "admin_use_actions", "use_import", "import_chunks", "export"),
    *("enrolment", "admin_enrolling", "admin_tapped_cards", "admin_taps", "could_she", "admin_boards", "admin_home"),
    *(
        "admin_enrolling_from_list",
        "corrected_hours",
        "import_ends_and_doubles",
        "admin_fresh_forms",
        "admin_odd_input",
        "backups",
        "system_page",
    ),
    *("consent", "restore_page", "export_member", "erase_member", "erased", "purge_history", "purge_members"),
    *("purge_log", "purge_leftovers", "purge_pieces", "weekly_summary", "weekly_summary_hours", "post", "pieces"),
    *("notices_maintenance", "notices_silence", "notices_memberships", "housekeeping_jobs", "close_lost_uses"),
    *(
        "check_hours",
        "two_years",
        "logs_hold_nobody",
        "agreement",
        "statistics_purged",
        "mails_not_sent",
        "names_in_texts",
    ),
    *("backup", "restore", "restore_postgresql"),
)
USER = "fabomatic"


def find_binaries() -> Path | None:
    """Debian keeps them off the path, in a folder for each version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def server_user() -> dict[str, int]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid}
    raise SystemExit("PostgreSQL does not run as root, and there is no other user here to run it as.")


@contextmanager
def cluster(binaries: Path) -> Iterator[str]:
    """A server with an empty database; gives its address."""
    who = server_user()
    folder = Path(tempfile.mkdtemp(prefix="fabomatic-postgresql-"))
    if who:
        os.chown(folder, who["user"], who["group"])
    data, log = folder / "data", folder / "log"
    server = None
    try:
        command = [binaries / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, **who)
        # No fsync: nothing here outlives the tests.
        options = [
            "-D",
            data,
            "-k",
            folder,
            "-c",
            "listen_addresses=",
            "-c",
            "fsync=off",
            "-c",
            "synchronous_commit=off",
        ]
        with log.open("wb") as output:
            server = subprocess.Popen([binaries / "postgres", *options], stderr=output, cwd=folder, **who)
        wait_until_ready(binaries, folder, server)
        yield f"postgresql://{USER}@/{folder}/postgres"
    finally:
        if server is not None:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def wait_until_ready(binaries: Path, folder: Path, server: subprocess.Popen[bytes]) -> None:
    command = [binaries / "pg_isready", "-h", folder, "-U", USER, "-d", "postgres", "-t", "1", "-q"]
    while subprocess.run(command).returncode != 0:
        if server.poll() is not None:
            raise SystemExit("PostgreSQL did not start:\n" + (folder / "log").read_text(errors="replace"))


def main(arguments: list[str]) -> int:
    binaries = find_binaries()
    if binaries is None:
        print("No PostgreSQL here (apt-get install postgresql): its tests were skipped.")
        return 0
    files = [f"tests/test_{name}.py" for name in TESTS]
    chosen = arguments if any(argument.startswith("tests/") for argument in arguments) else [*files, *arguments]
    with cluster(binaries) as url:
        command = [sys.executable, "-m", "pytest", "--create-db", *chosen]
        return subprocess.run(command, cwd=ROOT, env={**os.environ, "DATABASE_URL": url}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
