"""Runs the purge and watches how long it keeps others from writing. `DATABASE_URL` names the database.

`python -m tests.bench.purging age | run DAYS` prints one JSON object.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fabomatic.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import F  # noqa: E402
from django.utils import timezone  # noqa: E402

from fabomatic.models import Run  # noqa: E402
from machines.models import Intervention, Use  # noqa: E402
from members.models import Change, Member  # noqa: E402
from telemetry.models import Tap  # noqa: E402


def age() -> dict[str, int]:
    """Two thirds of everything, at least, are older than the days it tells."""
    member = Member.objects.order_by("pk").values_list("pk", flat=True)[0]
    Use.objects.filter(member=None).update(member=member, card_uid="4a000000")
    now = timezone.now()
    third = Use.objects.count() // 3
    days = (now - Use.objects.order_by("-started_at").values_list("started_at", flat=True)[third]).days
    models: Any = (Tap, Intervention, Change)
    for model in models:
        place = model.objects.count() // 3
        at = model.objects.order_by("-at").values_list("at", flat=True)[place]
        model.objects.update(at=F("at") - max(timedelta(0), timedelta(days=days) - (now - at)))
    return {"days": max(1, days)}


@dataclass(frozen=True, order=True, slots=True)
class Transaction:
    """In milliseconds: the disk, and whoever else has this computer's processor, count too."""

    held: float
    processor: float
    commit: float
    wrote: str

    def __str__(self) -> str:
        return f"{self.held:.0f} ms ({self.processor:.0f} processor, {self.commit:.0f} commit) {self.wrote}"


class Held:
    """How long each transaction has the database for itself, its commit included.

    Copying the log back into the file (a checkpoint) is done after the commit, when others write already; SQLite would
    count it to the commit, so here it is asked for.
    """

    def __init__(self) -> None:
        self.transactions: list[Transaction] = []
        self._begun: tuple[float, float] | None = None
        self._wrote = ""
        self._commit = connection._commit
        connection._commit = self.commit  # type: ignore[method-assign]
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_autocheckpoint=0")

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if sql.startswith("BEGIN"):
            self._begun = perf_counter(), process_time()
        elif sql.startswith(("UPDATE", "DELETE", "INSERT")):
            self._wrote = " ".join(sql.split()[:3])
        return result

    def commit(self) -> None:
        committing = perf_counter()
        self._commit()
        if self._begun is None:
            return
        now, (begun, worked) = perf_counter(), self._begun
        self._begun = None
        spans = (now - begun, process_time() - worked, now - committing)
        self.transactions.append(Transaction(*(span * 1e3 for span in spans), self._wrote))
        if len(self.transactions) % 4 == 0:
            connection.connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def report(self) -> dict[str, Any]:
        slowest = sorted(self.transactions, reverse=True)[:5]
        return {
            "longest": slowest[0].held,
            "longest_processor": max(one.processor for one in self.transactions),
            "slowest": ", ".join(map(str, slowest)),
            "transactions": len(self.transactions),
            "too_long": sum(one.held > 100 for one in self.transactions),
        }


def run(days: str) -> dict[str, Any]:
    settings.LOCK_FOLDER = settings.IMPORT_FOLDER = Path(connection.settings_dict["NAME"]).parent / "locks"
    held = Held()
    begun = perf_counter()
    with connection.execute_wrapper(held):
        call_command("purge_gdpr", days=int(days), unknown_days=min(int(days), 30), stdout=StringIO())
    return {
        "seconds": perf_counter() - begun,
        **held.report(),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
        "text": Run.objects.filter(kind=Run.Kind.PURGE).latest("pk").text,
    }


if __name__ == "__main__":
    print(json.dumps(age() if sys.argv[1] == "age" else run(sys.argv[2])))
