"""Deletes in time what names people, and leaves the rest as exact as it was."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from fabomatic.housekeeping.command import Done
from fabomatic.privacy import purge_history, purge_leftovers, purge_log
from fabomatic.privacy.purge_members import Leavers
from fabomatic.privacy.purge_rows import Watch
from fabomatic.privacy.purge_span import Span
from fabomatic.privacy.traces import remove_traces
from telemetry.database import renew

log = logging.getLogger(__name__)


class Purge(Protocol):
    def count(self, watch: Watch) -> int: ...
    def purge(self, watch: Watch) -> int: ...


@dataclass(frozen=True, slots=True)
class Kind:
    label: str | Promise
    find: Callable[[Span], Purge | None]  # None: there is no such thing in this database


# Members come after their history: it is done in pieces, whoever it names.
KINDS = (
    Kind(_("uses made anonymous"), purge_history.uses),
    Kind(_("interventions made anonymous"), purge_history.interventions),
    Kind(_("taps of unknown cards deleted"), purge_history.taps_of_unknown_cards),
    Kind(_("taps made anonymous"), purge_history.taps),
    Kind(_("members deleted"), Leavers),
    Kind(_("changes about people deleted"), purge_log.about_people),
    Kind(_("other changes made anonymous"), purge_log.about_things),
    Kind(_("entries of Django's log deleted"), purge_log.of_django),
    Kind(_("sessions deleted"), purge_leftovers.sessions),
    Kind(_("wrong passwords forgotten"), purge_leftovers.wrong_passwords),
    Kind(_("mail notices deleted"), purge_leftovers.notices),
    Kind(_("files of imports deleted"), lambda span: purge_leftovers.ImportFiles()),
)


@dataclass(frozen=True, slots=True)
class Teller:
    """`say` gets a line for each kind; `watch` which kind is being done and how many percent of it, often."""

    say: Callable[[str], Any] = lambda line: None
    watch: Callable[[str, int], Any] = lambda label, percent: None


def purge(span: Span, *, is_dry: bool = False, teller: Teller | None = None) -> Done:
    """One kind that fails keeps no other from being done."""
    teller = teller or Teller()
    counts: list[str] = []
    failed: list[str] = []
    for kind in KINDS:
        try:
            count = _purge_one(kind, span, is_dry, teller)
        except Exception as error:  # words of it may hold names
            frame = traceback.extract_tb(error.__traceback__)[-1]
            log.error("Purge, %s: %s at %s:%s", kind.label, type(error).__name__, frame.filename, frame.lineno)
            renew()
            failed.append(str(kind.label))
            teller.say(gettext("%(what)s: FAILED (%(error)s)") % {"what": kind.label, "error": type(error).__name__})
            continue
        if count is not None:
            counts.append(f"{kind.label} {count}")
            sentence = gettext("%(what)s: would be %(count)d") if is_dry else gettext("%(what)s: %(count)d")
            teller.say(sentence % {"what": kind.label, "count": count})
    if not is_dry:
        remove_traces()
    return Done(_in_a_line(span, counts, failed, is_dry), is_ok=not failed)


def _purge_one(kind: Kind, span: Span, is_dry: bool, teller: Teller) -> int | None:
    old = kind.find(span)
    if old is None:
        return None

    def watch(percent: int) -> None:
        teller.watch(str(kind.label), percent)

    return old.count(watch) if is_dry else old.purge(watch)


def _in_a_line(span: Span, counts: list[str], failed: list[str], is_dry: bool) -> str:
    """The system page shows it, and not more than 500 signs of it."""
    parts = [gettext("Not done: %(kinds)s.") % {"kinds": ", ".join(failed)}] if failed else []
    sentence = (
        gettext("Older than %(day)s, would be: %(counts)s") if is_dry else gettext("Older than %(day)s: %(counts)s")
    )
    parts.append(sentence % {"day": span.last_day.isoformat(), "counts": ", ".join(counts) or "–"})
    return " ".join(parts)
