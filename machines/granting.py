"""Rights for many at once. What would happen is known before it does, and nobody has less afterwards unless that was
asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from machines.models import Authorization, Machine
from members.changes import differences, note_many, value
from members.models import Change, Member

# One transaction: longer than that, and on a small computer boards would wait for their answers.
MOST_AT_ONCE = 1000
ROWS_PER_QUERY = 500


class Effect(StrEnum):
    NEW = "new"
    EXTENDED = "extended"
    SHORTENED = "shortened"
    KEPT = "kept"
    SAME = "same"

    @property
    def is_change(self) -> bool:
        return self in (Effect.NEW, Effect.EXTENDED, Effect.SHORTENED)

    @property
    def words(self) -> Promise:
        return _WORDS[self]


_WORDS: dict[Effect, Promise] = {
    Effect.NEW: _("newly granted"),
    Effect.EXTENDED: _("extended"),
    Effect.SHORTENED: _("shortened"),
    Effect.KEPT: _("stays as it is"),
    Effect.SAME: _("already so"),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """`member` comes with the role, `machine` with its type."""

    member: Member
    machine: Machine
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class Terms:
    note: str = ""
    may_shorten: bool = False
    may_change: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    wish: Wish
    existing: Authorization | None
    effect: Effect

    @property
    def valid_until(self) -> date | None:
        """What holds afterwards."""
        if self.existing is None or self.effect.is_change:
            return self.wish.valid_until
        return self.existing.valid_until


def wishes_for(members: Iterable[Member], machines: Sequence[Machine], valid_until: date | None) -> list[Wish]:
    return [Wish(member, machine, valid_until) for member in members for machine in machines]


def wishes_like(model: Member, members: Iterable[Member], today: date) -> list[Wish]:
    """What `model` may use today, for others; with its own ends, and without what has ended."""
    valid = Authorization.objects.filter(still_valid(today), member=model).select_related("machine__type")
    rights = list(valid.order_by("machine__name", "machine_id"))
    return [Wish(member, right.machine, right.valid_until) for member in members if member != model for right in rights]


def still_valid(today: date) -> Q:
    return Q(valid_until=None) | Q(valid_until__gte=today)


# ---- what would happen -----------------------------------------------------------------------------------------------


def foresee(wishes: Sequence[Wish], terms: Terms, *, locking: bool = False) -> list[Step]:
    existing = _existing(wishes, locking=locking)
    rights = ((wish, existing.get((wish.member.pk, wish.machine.pk))) for wish in wishes)
    return [Step(wish, right, _effect(wish, right, terms)) for wish, right in rights]


def _existing(wishes: Sequence[Wish], *, locking: bool) -> dict[tuple[int, int], Authorization]:
    rights = Authorization.objects.select_related("granted_by").order_by("pk")
    if locking:
        rights = rights.select_for_update(of=("self",))
    members = sorted({wish.member.pk for wish in wishes})
    machines = {wish.machine.pk for wish in wishes}
    found = {}
    for some in _batches(members):
        for right in rights.filter(member__in=some, machine__in=machines):
            found[right.member_id, right.machine_id] = right
    return found


def _effect(wish: Wish, right: Authorization | None, terms: Terms) -> Effect:
    if right is None:
        return Effect.NEW
    if right.valid_until == wish.valid_until:
        return Effect.SAME
    if not terms.may_change:
        return Effect.KEPT
    if right.valid_until is not None and (wish.valid_until is None or wish.valid_until > right.valid_until):
        return Effect.EXTENDED
    return Effect.SHORTENED if terms.may_shorten else Effect.KEPT


def remarks(wish: Wish, today: date) -> Iterator[Promise]:
    """What whoever grants should know: the right is not needed, or not enough."""
    if wish.member.role.authorize_all:
        yield _("needs none: the role authorizes all machines")
    elif not wish.machine.type.needs_authorization:
        yield _("needs none: every member may use this machine")
    if not wish.member.is_active:
        yield _("the member is disabled")
    elif wish.member.valid_until is not None and wish.member.valid_until < today:
        yield _("the membership has ended")


# ---- and happens -----------------------------------------------------------------------------------------------------


def grant(wishes: Sequence[Wish], terms: Terms, actor: Member, now: datetime | None = None) -> list[Step]:
    """In one transaction, with a line for each right in the log of changes."""
    now = now or timezone.now()
    try:
        return _grant(wishes, terms, actor, now)
    except IntegrityError:  # somebody gave one of them at the same moment; now it is there
        return _grant(wishes, terms, actor, now)


def _grant(wishes: Sequence[Wish], terms: Terms, actor: Member, now: datetime) -> list[Step]:
    with transaction.atomic():
        steps = foresee(wishes, terms, locking=True)
        _add([step.wish for step in steps if step.effect is Effect.NEW], terms, actor, now)
        _change([step for step in steps if step.existing and step.effect.is_change], terms, actor, now)
    return steps


def _add(wishes: Sequence[Wish], terms: Terms, actor: Member, now: datetime) -> None:
    rights = [
        Authorization(
            member=wish.member,
            machine=wish.machine,
            valid_until=wish.valid_until,
            granted_by=actor,
            granted_at=now,
            note=terms.note,
        )
        for wish in wishes
    ]
    Authorization.objects.bulk_create(rights, batch_size=ROWS_PER_QUERY)
    note_many(actor.pk, ((right, _beginning(right)) for right in rights), Change.Kind.ADDED)


def _beginning(right: Authorization) -> list[dict[str, object]]:
    values = [value("valid until", None, right.valid_until), value("note", None, right.note)]
    return [{"did": "added", "values": [entry for entry in values if entry["new"] is not None]}]


def _change(steps: Sequence[Step], terms: Terms, actor: Member, now: datetime) -> None:
    """Who changes the end is who granted it: the one to ask about it."""
    note = {"note": terms.note} if terms.note else {}
    by_end: dict[date | None, list[int]] = defaultdict(list)
    notes = []
    for step in steps:
        before = step.existing
        assert before is not None
        before.member, before.machine = step.wish.member, step.wish.machine
        after = copy(before)
        after.valid_until, after.granted_by, after.note = step.wish.valid_until, actor, terms.note or before.note
        by_end[after.valid_until].append(after.pk)
        values = differences(before, after, ("valid_until", "granted_by", "note"))
        notes.append((after, [{"did": "changed", "values": values}]))
    for end, ids in by_end.items():
        for some in _batches(ids):
            rights = Authorization.objects.filter(pk__in=some)
            rights.update(valid_until=end, granted_by=actor, granted_at=now, **note)
    note_many(actor.pk, notes, Change.Kind.CHANGED)


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), ROWS_PER_QUERY):
        yield ids[start : start + ROWS_PER_QUERY]
