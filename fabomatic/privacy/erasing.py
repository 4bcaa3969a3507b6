"""Erases a person: their account and whatever is theirs goes, the history stays without name and card, and their words
leave every text, the log of changes, too.

All in short transactions. Killed in between, it finishes when it is asked again: the account, by which the rest is
found, goes last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import CASCADE, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from fabomatic.privacy.formerly import words_of
from fabomatic.privacy.log_of_changes import About
from fabomatic.privacy.scrubbing import scrub
from fabomatic.privacy.sessions import end_sessions_of
from fabomatic.privacy.traces import remove_traces
from fabomatic.privacy.words import Words
from machines.models import Intervention, Use
from members.changes import said
from members.exchange import jobs
from members.models import Card, Change, Member
from members.pieces import in_pieces
from members.power import is_last_superuser, may_touch
from telemetry.forgetting import forget
from telemetry.models import Tap

ERASED = gettext_noop("Erased a member.")
PIECE = 500
AT_ONCE = 50


class CannotErase(Exception):
    """With the reason, in a sentence for people."""


@dataclass(frozen=True, slots=True)
class Erased:
    uses: int = 0
    taps: int = 0
    interventions: int = 0
    changes: int = 0
    gone: int = 0  # cards, authorizations, notices by mail
    sessions: int = 0
    failed_logins: int = 0
    uploads: int = 0
    texts: int = 0


def refusal(member: Member, by: Any) -> str:
    """Why this person cannot be erased now; empty: they can. `by` is None for whoever owns the computer."""
    if by is not None and not may_touch(by, member):
        return _("Only superusers erase people who can do more than members.")
    if is_last_superuser(member):
        return _("Somebody has to stay in charge: this is the last superuser who can log in.")
    if _running(member).exists():
        return _("They are using a machine right now. Ask again when they have finished.")
    return ""


def erase(member: Member, by_id: int | None, now: datetime) -> Erased:
    by = Member.objects.select_related("role").get(pk=by_id) if by_id is not None else None
    _require_erasable(member, by)  # asked while nobody waits, too
    with transaction.atomic():
        _require_erasable(member, by)
        # From here on no card of theirs starts anything, and nobody counts on them to stay in charge.
        Member.objects.filter(pk=member.pk, is_active=True).update(is_active=False, deactivated_at=now)
    return _erase(member, by, now)


def _require_erasable(member: Member, by: Any) -> None:
    if reason := refusal(member, by):
        raise CannotErase(reason)


def erase_restored(members: Sequence[Member], now: datetime) -> None:
    """People who were erased already and came back with a backup: nothing is a reason to keep them."""
    for start in range(0, len(members), AT_ONCE):
        group = members[start : start + AT_ONCE]
        people = [_person(member) for member in group]
        for member, (words, _about) in zip(group, people, strict=True):
            _forget_history(member, sorted(words.uids))
            _without_author(member)
        scrub(people)
        for member in group:
            _forget_traces(member)
            _delete_account(member, None, now, is_restored=True)


def _erase(member: Member, by: Member | None, now: datetime) -> Erased:
    # The same instance would be emptied under whoever asked.
    member = Member.objects.select_related("role").get(pk=member.pk)
    words, about = _person(member)
    history = _forget_history(member, sorted(words.uids))
    changes = _without_author(member)
    texts = scrub([(words, about)])
    traces = _forget_traces(member)
    gone = _delete_account(member, by, now, is_restored=False)
    remove_traces()
    return Erased(**history, **traces, changes=changes, texts=texts, gone=gone)


def _person(member: Member) -> tuple[Words, About]:
    return words_of(member), About.member(member)


def _forget_traces(member: Member) -> dict[str, int]:
    return {
        "sessions": end_sessions_of(member.pk),
        "failed_logins": _forget_failed_logins(member.email),
        "uploads": jobs.remove_all_of(member.pk),
    }


# ---- the history -----------------------------------------------------------------------------------------------------


def _running(member: Member) -> QuerySet[Use]:
    uids = Card.objects.filter(member=member).values("uid")
    theirs = Q(member=member) | Q(member__isnull=True, card_uid__in=uids)
    return Use.objects.filter(theirs, ended_at__isnull=True)


def _forget_history(member: Member, uids: list[str]) -> dict[str, int]:
    """What their cards did before anybody knew whose they are, too."""
    counts = forget(member)
    of_nobody = Use.objects.filter(member__isnull=True, card_uid__in=uids, ended_at__isnull=False)
    taps = Tap.objects.filter(uid__in=uids)
    cards = Tap.objects.filter(card__in=Card.objects.filter(member=member).values("pk"))
    return {
        "uses": counts[Use] + _in_pieces(of_nobody, lambda rows: rows.update(card_uid="")),
        "taps": counts[Tap]
        + _in_pieces(taps, lambda rows: rows.update(uid="", card=None))
        + _in_pieces(cards, lambda rows: rows.update(card=None)),
        "interventions": counts[Intervention],
    }


def _without_author(member: Member) -> int:
    """What they wrote, granted and made stays, and deleting them has not much left to do: how many changes."""
    changes = 0
    for relation in _relations():
        model, name = relation.related_model, relation.field.name
        if relation.on_delete is CASCADE or model in (Use, Tap, Intervention):
            continue
        done = _set_empty(model._default_manager.filter(**{name: member}), name)
        changes += done if model is Change else 0
    return changes


def _relations() -> list[Any]:
    """Those without a name to go back by, too."""
    fields = Member._meta.get_fields(include_hidden=True)
    return [field for field in fields if field.auto_created and (field.one_to_many or field.one_to_one)]


def _set_empty(rows: QuerySet[Any], name: str) -> int:
    return _in_pieces(rows, lambda piece: piece.update(**{name: None}))


def _in_pieces(rows: QuerySet[Any], change: Callable[[QuerySet[Any]], int]) -> int:
    """`change` takes them out of `rows`."""

    def piece(size: int) -> int:
        keys = list(rows.order_by().values_list("pk", flat=True)[:size])
        change(rows.model._default_manager.filter(pk__in=keys))
        return len(keys)

    return sum(in_pieces(piece, PIECE))


# ---- the account -----------------------------------------------------------------------------------------------------


def _forget_failed_logins(email: str | None) -> int:
    if not email:
        return 0
    models: tuple[Any, ...] = (AccessAttempt, AccessFailureLog, AccessLog)
    return sum(_in_pieces(model.objects.filter(username=email), lambda rows: rows.delete()[0]) for model in models)


def _delete_account(member: Member, by: Member | None, now: datetime, *, is_restored: bool) -> int:
    number = member.pk
    uids = list(Card.objects.filter(member=member).values_list("uid", flat=True))
    with transaction.atomic():
        if not is_restored:
            _require_erasable(member, by)  # what happened meanwhile
        _running(member).update(card_uid="")  # of a restored database: nobody stands there any more
        Use.objects.filter(member__isnull=True, card_uid__in=uids).update(card_uid="")
        deleted, _kinds = member.delete()
        # Whoever erases themselves leaves no name behind, either.
        author = by.pk if by is not None and by.pk != number else None
        Change.objects.create(
            at=now,
            member_id=author,
            content_type=ContentType.objects.get_for_model(Member),
            object_id=str(number),
            object_repr=str(number),
            kind=Change.Kind.DELETED,
            details=said(ERASED),
        )
    return deleted - 1
