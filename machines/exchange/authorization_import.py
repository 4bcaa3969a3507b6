"""Rights to machines from a file."""

from __future__ import annotations

from copy import copy
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from machines.exchange.whose import WhoseImport
from machines.models import Authorization
from members.changes import Details, differences, note
from members.days import today_here
from members.exchange.importing import Plan, Row, Verdict, check_fields, details_of_new, refuse_without_right
from members.models import Change


class AuthorizationImport(WhoseImport):
    clearable = frozenset({"valid_until", "note"})
    hints = (_("A row is about one member and one machine. Rights are given or changed, none is taken away."),)
    FIELDS = ("valid_until", "note")

    def look_up(self, rows: list[Row]) -> None:
        super().look_up(rows)
        people = {member.pk for member in (*self.by_email.values(), *self.by_card.values())}
        found = Authorization.objects.select_related("member", "machine")
        found = found.filter(member__in=people, machine__in=self.machines)
        self.stored = {(right.member_id, right.machine_id): right for right in found}

    def plan(self, row: Row) -> Plan:
        machine, member = self.find_machine(row), self.find_member(row)
        if machine is None or member is None:
            return Plan(row, Verdict.ERROR, about=str(member or machine or ""))
        before = self.stored.get((member.pk, machine.pk))
        after = copy(before) if before else Authorization(member=member, machine=machine)
        for name in self.FIELDS:
            if name in row.values:
                setattr(after, name, row.values[name] or ("" if name == "note" else None))
        is_other_end = before is None or before.valid_until != after.valid_until
        if is_other_end:  # who sets the end is the one to ask about it
            after.granted_by, after.granted_at = self.actor, timezone.now()
            self._refuse_past(row, after)
        details = self._details(before, after)
        if details:
            refuse_without_right(row, self.actor, "change" if before else "add", Authorization)
            check_fields(row, after, exclude=("member", "machine", "granted_by"))
        verdict = Verdict.NEW if before is None else Verdict.CHANGED if details else Verdict.UNCHANGED
        return Plan(
            row,
            Verdict.ERROR if row.errors else verdict,
            about=str(after),
            details=details,
            keys=[(("right", member.pk, machine.pk), "")],
            write=lambda: self._write(before, after, details),
        )

    def _refuse_past(self, row: Row, after: Authorization) -> None:
        if after.valid_until is not None and after.valid_until < today_here():
            row.complain(self.heading("valid_until"), gettext("This day is over: nobody could use the machine."))

    def _details(self, before: Authorization | None, after: Authorization) -> Details:
        if before is None:
            return details_of_new(after, ("member", "machine", *self.FIELDS))
        changed = differences(before, after, ("valid_until", "granted_by", "note"))
        return [{"did": "changed", "values": changed}] if changed else []

    def _write(self, before: Any, after: Authorization, details: Details) -> None:
        if before is None:
            after.save(force_insert=True)
        else:
            after.save(update_fields=[*self.FIELDS, "granted_by", "granted_at"])
        note(self.actor.pk, after, Change.Kind.CHANGED if before else Change.Kind.ADDED, details)
