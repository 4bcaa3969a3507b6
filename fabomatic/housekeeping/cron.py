"""What a line of the crontab calls: `manage.py crontab run …` finds it in CRONJOBS."""

from __future__ import annotations

import sys

from django.core.management import CommandError, call_command

went_well: set[str] = set()  # django-crontab lets nobody know what became of a job


def run(name: str) -> None:
    try:
        call_command(name, scheduled=True)
    except CommandError as failure:  # noted, logged and told already
        print(failure, file=sys.stderr)
    else:
        went_well.add(name)
