"""How the computer, the database, the broker and the worker are: what the system page shows."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.template.defaultfilters import filesizeformat
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

import fabomatic
from fabomatic.environment import HIDDEN, shown_value
from telemetry.live.feed import Beat, Feed, Trouble

PACKAGES = ("Django", "paho-mqtt", "channels", "daphne", "django-import-export")
LOW_DISK = 0.1
LOW_MEMORY = 0.1
Text = str | Promise


@dataclass(frozen=True, slots=True)
class Fact:
    label: Text
    text: Text
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class SettingShown:
    name: str
    value: str
    source: str
    is_wrong: bool


# ---- versions, database, computer ------------------------------------------------------------------------------------


def versions() -> Iterator[Fact]:
    yield Fact("Fabomatic", fabomatic.__version__)
    yield Fact("Python", platform.python_version())
    for package in PACKAGES:
        yield Fact(package, _version(package))
    yield Fact(*_database_version())
    yield Fact(_("operating system"), f"{platform.system()} {platform.release()} ({platform.machine()})")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "–"


def _database_version() -> tuple[str, str]:
    connection.ensure_connection()
    numbers = connection.get_database_version()
    return ("SQLite" if connection.vendor == "sqlite" else "PostgreSQL"), ".".join(str(part) for part in numbers)


def computer() -> Iterator[Fact]:
    yield Fact(_("database"), filesizeformat(database_bytes()))
    yield from _disk()
    yield from _memory()
    if (own := _kilobytes("/proc/self/status", "VmRSS")) is not None:
        yield Fact(_("memory of this web process"), filesizeformat(own * 1024))
    with suppress(OSError):  # without /proc nobody knows
        loads = " / ".join(number_format(load, 2) for load in os.getloadavg())
        yield Fact(_("load of the last 1, 5, 15 minutes"), loads)


def database_bytes() -> int:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
    name = str(connection.settings_dict["NAME"])
    files = (Path(name + ending) for ending in ("", "-wal"))
    return sum(file.stat().st_size for file in files if file.is_file())


def _disk() -> Iterator[Fact]:
    place = Path(str(connection.settings_dict["NAME"])).parent if connection.vendor == "sqlite" else settings.BASE_DIR
    try:
        disk = shutil.disk_usage(place if Path(place).is_dir() else settings.BASE_DIR)
    except OSError:
        return
    text = _("%(free)s free of %(total)s") % {"free": filesizeformat(disk.free), "total": filesizeformat(disk.total)}
    yield Fact(_("disk"), text, is_bad=disk.free < LOW_DISK * disk.total)


def _memory() -> Iterator[Fact]:
    total, free = (_kilobytes("/proc/meminfo", name) for name in ("MemTotal", "MemAvailable"))
    if total is None or free is None:
        return
    text = _("%(free)s free of %(total)s") % {
        "free": filesizeformat(free * 1024),
        "total": filesizeformat(total * 1024),
    }
    yield Fact(_("memory"), text, is_bad=free < LOW_MEMORY * total)


def _kilobytes(path: str, name: str) -> int | None:
    """Of a line like `VmRSS:   1234 kB`; None where there is no such file."""
    try:
        lines = Path(path).read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
    except (OSError, StopIteration, ValueError, IndexError):
        return None


# ---- broker and worker -----------------------------------------------------------------------------------------------


def traffic(feed: Feed) -> Iterator[Fact]:
    trouble = feed.trouble()
    is_broker_down = trouble is Trouble.BROKER
    if is_broker_down:
        yield Fact(_("broker"), _("does not answer"), is_bad=True)
    else:  # for a moment after the start of this process there is no connection yet, and nothing wrong
        yield Fact(_("broker"), _("connected") if feed.is_live else _("being connected: load this page again"))
    beats = feed.beats()
    yield Fact(_("worker"), *_worker_state(feed, beats, is_broker_down))
    if beats:
        yield Fact(_("worker's computer"), f"{beats[-1].host} ({beats[-1].address})")
        yield Fact(_("since the worker started"), _counts(beats[-1].received, beats[-1].sent))
        yield Fact(_("in the last minute"), _rates(beats))


def _worker_state(feed: Feed, beats: tuple[Beat, ...], is_broker_down: bool) -> tuple[Text, bool]:
    if is_broker_down:
        return _("unknown while the broker is away"), True
    if not beats:
        return _("not heard in the last minute"), feed.trouble() is Trouble.WORKER
    seconds = int(feed.seconds_since(beats[-1]))
    text = ngettext("last heart-beat %(count)d second ago", "last heart-beat %(count)d seconds ago", seconds)
    return text % {"count": seconds}, not feed.hears_worker


def _rates(beats: tuple[Beat, ...]) -> Text:
    first, last = beats[0], beats[-1]
    if last.at <= first.at:
        return "–"
    return _counts(last.received - first.received, last.sent - first.sent)


def _counts(received: int, sent: int) -> Text:
    return _("%(received)s messages received, %(sent)s sent") % {
        "received": number_format(received, force_grouping=True),
        "sent": number_format(sent, force_grouping=True),
    }


# ---- the settings ----------------------------------------------------------------------------------------------------


def settings_shown() -> list[SettingShown]:
    known: dict[str, Any] = settings.SETTINGS_KNOWN
    wrong = {problem.name for problem in settings.SETTINGS_PROBLEMS}
    return [
        SettingShown(
            name,
            HIDDEN if name in wrong else shown_value(name, known[name].value),
            known[name].source.value,
            name in wrong,
        )
        for name in sorted(known)
    ]
