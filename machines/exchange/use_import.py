"""Uses from a file. The odometers follow by themselves, and the same file twice doubles nothing."""

from __future__ import annotations

from copy import copy
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from machines.exchange.whose import WhoseImport
from machines.models import LONGEST_USE, TOO_LONG, Machine, Use, hold_machines
from members.changes import Details, differences, note
from members.exchange.importing import Plan, Row, Verdict, check_fields, details_of_new, refuse_without_right
from members.exchange.kinds import Moment
from members.models import Change, Member


class UseImport(WhoseImport):
    needs = (("machine",), ("started_at",), ("ended_at",), ("email", "card"))
    clearable = frozenset({"note"})
    hints = (
        _("A use of the same machine, start and card (or member) is the same use. The odometers follow."),
        _("Times are those of the lab's clock."),
    )
    FIELDS = ("machine", "member", "card_uid", "started_at", "ended_at", "note")

    def look_up(self, rows: list[Row]) -> None:
        super().look_up(rows)
        self.stored: dict[int, list[Use]] = {}
        starts = Q(pk__in=())
        for moment in {moment for row in rows if (moment := row.values.get("started_at"))}:
            starts |= Q(started_at__gte=moment.at, started_at__lt=moment.until)
        if starts:
            for use in Use.objects.select_related("machine", "member").filter(starts):
                self.stored.setdefault(use.machine_id, []).append(use)

    def hold(self, plans: list[Plan]) -> None:
        """Row by row, in the file's order, we and the worker would wait for each other."""
        machines = {machine.pk for plan in plans if (machine := self.find_machine(plan.row)) is not None}
        hold_machines(Q(pk__in=machines))

    def plan(self, row: Row) -> Plan:
        machine, start, end = self.find_machine(row), row.values.get("started_at"), row.values.get("ended_at")
        if machine is not None and start is not None and (use := self._same(row, machine, start)) is not None:
            return self._plan_of_known(row, use, end)
        member = self.find_member(row)
        for name in ("started_at", "ended_at"):
            if name not in row.values and not any(column == self.heading(name) for column, _text in row.errors):
                row.complain(self.heading(name), gettext("Write when it was."))
        if machine is None or member is None or start is None or end is None:
            return Plan(row, Verdict.ERROR, about=str(machine or ""))
        return self._plan_of_new(row, machine, member, start, end)

    def _same(self, row: Row, machine: Machine, start: Moment) -> Use | None:
        email, uid = row.values.get("email"), row.values.get("card")
        member = self.by_card.get(uid) or self.by_email.get((email or "").lower())
        for use in self.stored.get(machine.pk, ()):
            if not start.holds(use.started_at):
                continue
            is_nobodys = not (uid or email or use.card_uid or use.member_id)
            if is_nobodys or (uid and use.card_uid == uid) or (member is not None and use.member_id == member.pk):
                return use
        return None

    def _plan_of_known(self, row: Row, use: Use, end: Moment | None) -> Plan:
        after = copy(use)
        if end is not None and not end.holds(use.ended_at):
            after.ended_at = end.at
        if "note" in row.values:
            after.note = row.values["note"] or ""
        changed = differences(use, after, ("ended_at", "note"))
        details: Details = [{"did": "changed", "values": changed}] if changed else []
        if details:
            refuse_without_right(row, self.actor, "change", Use)
            check_fields(row, after, exclude=("machine", "member", "card_uid"))
        if after.ended_at != use.ended_at:
            self._refuse_too_long(row, after)
        return self._planned(row, use, after, details, Verdict.CHANGED if details else Verdict.UNCHANGED)

    def _plan_of_new(self, row: Row, machine: Machine, member: Member, start: Moment, end: Moment) -> Plan:
        refuse_without_right(row, self.actor, "add", Use)
        uid, text = row.values.get("card") or "", row.values.get("note") or ""
        use = Use(machine=machine, member=member, card_uid=uid, started_at=start.at, ended_at=end.at, note=text)
        check_fields(row, use, exclude=("machine", "member", "card_uid"))
        self._refuse_too_long(row, use)
        return self._planned(row, None, use, details_of_new(use, self.FIELDS), Verdict.NEW)

    def _refuse_too_long(self, row: Row, use: Use) -> None:
        if use.ended_at is not None and use.ended_at - use.started_at > LONGEST_USE:
            row.complain(self.heading("ended_at"), TOO_LONG)

    def _planned(self, row: Row, before: Use | None, after: Use, details: Details, verdict: Verdict) -> Plan:
        start = row.values["started_at"].at
        return Plan(
            row,
            Verdict.ERROR if row.errors else verdict,
            about=f"{after} – {after.member or after.card_uid or '–'}",
            details=details,
            keys=[(("use", after.machine_id, str(start), after.member_id or after.card_uid), "")],
            write=lambda: self._write(before, after, details),
        )

    def _write(self, before: Any, after: Use, details: Details) -> None:
        if before is None:
            after.save(force_insert=True)
        else:
            after.save(update_fields=["ended_at", "note"])
        note(self.actor.pk, after, Change.Kind.CHANGED if before else Change.Kind.ADDED, details)
