"""What has to be done before the servers start, in one process: on a Pi Zero each start of Django takes seconds."""

from __future__ import annotations

import argparse
import io
import os
import shutil
import sys
from pathlib import Path

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import DatabaseError

POSTGRESQL_HINT = "PostgreSQL's driver: .venv/bin/python -m pip install -r requirements-postgresql.txt"


def prepare(sample_cards: Path | None) -> None:
    call_command("check", stdout=io.StringIO())
    call_command("migrate", interactive=False, verbosity=0)
    compile_messages()
    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("create_first_administrator")
    if sample_cards is not None:
        call_command("load_sample_lab", cards_file=sample_cards)


def compile_messages() -> None:
    """Only what is missing: a checkout without gettext speaks English."""
    sources = [source for folder in settings.LOCALE_PATHS for source in Path(folder).glob("*/LC_MESSAGES/*.po")]
    languages = [source.parts[-3] for source in sources if not source.with_suffix(".mo").exists()]
    if languages and shutil.which("msgfmt"):
        call_command("compilemessages", locale=languages, ignore_patterns=[".venv", "var"], verbosity=0)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.prepare")
    parser.add_argument("--sample-cards", type=Path, help="fill the database with an invented lab, list its cards here")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fabomatic.settings")
    try:
        django.setup()
        prepare(options.sample_cards)
    except ImproperlyConfigured as error:
        print(f"{error}\n{POSTGRESQL_HINT}" if "psycopg" in str(error) else error, file=sys.stderr)
        return 1
    except CommandError as error:
        # SystemCheckError is one, too: it lists what is wrong with the settings.
        print(str(error).strip(), file=sys.stderr)
        return 1
    except DatabaseError as error:
        print(f"The database (DATABASE_URL) cannot be used: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
