"""Compares every odometer with the uses that it counts, and mends those that differ where it is asked to."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabomatic.housekeeping.command import Done, Job
from fabomatic.models import Run
from machines import hours_check
from machines.hours_check import Measured
from machines.models import Machine
from telemetry.nudge import nudge_now

log = logging.getLogger("fabomatic.housekeeping")

MOST_NAMED = 30


class Command(Job):
    help = _("Compares every machine's odometer with the hours of its uses.")
    kind = Run.Kind.HOURS

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--mend", action="store_true", help=_("Correct the odometers that differ."))
        parser.add_argument("--machine", type=int, metavar="N", help=_("Only the machine with this number."))

    def work(self, **options: Any) -> Done:
        self.is_scheduled = options["scheduled"]
        machine_id = options.get("machine")
        if machine_id is not None and not Machine.objects.filter(pk=machine_id).exists():
            raise CommandError(_("There is no machine %(number)d.") % {"number": machine_id})
        found = hours_check.differing(machine_id)
        for machine in found:
            self._say(_difference(machine))
        mended = self._mend(found) if options.get("mend") else []
        wrong = [*self._left(found, mended), *self._readings(machine_id, is_mending=bool(options.get("mend")))]
        if wrong:
            wrong.append(_("`check_hours --mend` corrects this."))
        wrong += self._uses(machine_id)
        if mended:
            nudge_now()
        return Done(" ".join([*_agreeing(mended, is_all=not wrong), *wrong]), is_ok=not wrong)

    def _mend(self, found: list[Measured]) -> list[int]:
        mended = []
        for machine in found:
            result = hours_check.mend(machine)
            if result is None:
                self._say(_("%(machine)s: what is missing changes meanwhile; nothing was corrected.") % _named(machine))
                continue
            facts = {**_named(machine), "old": in_hours(result.shown), "new": in_hours(result.true)}
            self._say(_("%(machine)s: mended, from %(old)s to %(new)s.") % facts)
            mended.append(machine.machine_id)
        return mended

    def _left(self, found: list[Measured], mended: list[int]) -> list[str]:
        left = [machine.machine_id for machine in found if machine.machine_id not in mended]
        if not left:
            return []
        sentence = ngettext(
            "%(count)d odometer differs from its uses: machine %(machines)s.",
            "%(count)d odometers differ from their uses: machines %(machines)s.",
            len(left),
        )
        return [sentence % {"count": len(left), "machines": _listed(left)}]

    def _readings(self, machine_id: int | None, *, is_mending: bool) -> list[str]:
        ahead = hours_check.readings_ahead(machine_id)
        if is_mending:
            for number in ahead:
                hours_check.lower_readings(number)
                self._say(_("Machine %(number)d: readings above its odometer were put to it.") % {"number": number})
            return []
        if not ahead:
            return []
        sentence = _("Plans or interventions were read off further than the odometer has come: machines %(machines)s.")
        return [sentence % {"machines": _listed(ahead)}]

    def _uses(self, machine_id: int | None) -> list[str]:
        odd = hours_check.odd_uses(machine_id)
        if not odd:
            return []
        return [_("Uses whose duration is not their end minus their start: %(uses)s.") % {"uses": _listed(odd)}]

    def _say(self, line: str) -> None:
        """Machines, never people."""
        if self.is_scheduled:
            log.warning("%s: %s", self.name, line)
        else:
            self.stdout.write(line)


def _difference(machine: Measured) -> str:
    facts = {
        **_named(machine),
        "shown": in_hours(machine.shown),
        "true": in_hours(machine.true),
        "difference": in_hours(machine.difference, sign="+"),
    }
    return _("%(machine)s shows %(shown)s, its uses add up to %(true)s: %(difference)s.") % facts


def _named(machine: Measured) -> dict[str, str]:
    return {"machine": f"{machine.name} ({machine.machine_id})"}


def _agreeing(mended: list[int], *, is_all: bool) -> list[str]:
    if mended:
        sentence = ngettext(
            "%(count)d odometer was mended: machine %(machines)s.",
            "%(count)d odometers were mended: machines %(machines)s.",
            len(mended),
        )
        return [sentence % {"count": len(mended), "machines": _listed(mended)}]
    return [_("All odometers agree with their uses.")] if is_all else []


def _listed(numbers: Iterable[int]) -> str:
    named = [str(number) for number in numbers]
    return ", ".join([*named[:MOST_NAMED], *(["…"] if len(named) > MOST_NAMED else [])])


def in_hours(seconds: int, sign: str = "") -> str:
    """1234:05:09, and -0:00:05."""
    minutes, rest = divmod(abs(seconds), 60)
    return f"{'-' if seconds < 0 else sign}{minutes // 60}:{minutes % 60:02}:{rest:02}"
