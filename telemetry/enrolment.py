"""Enrolling by tapping: staff picks a reader, and the one unknown card that is tapped there within half a minute is
offered. Two different ones are somebody else's, too, and none of them is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.core import signing
from django.db.models import Count, Exists, Max, OuterRef, QuerySet, Subquery
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.utils.translation import gettext_lazy as _

from machines.access import Outcome
from machines.models import Machine
from members.models import Card
from members.uids import looks_random
from telemetry.models import Tap

LASTS = timedelta(seconds=30)
REMEMBERED = timedelta(hours=1)
MOST_CARDS = 100
_SALT = "telemetry.enrolment"


# ---- the half minute -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Window:
    """Which reader, and from when: taps count by their own time, also those that are written later."""

    machine_id: int
    started_at: datetime

    @property
    def ends_at(self) -> datetime:
        return self.started_at + LASTS

    def holds(self, machine_id: int, at: datetime) -> bool:
        return machine_id == self.machine_id and self.started_at <= at <= self.ends_at

    def is_open(self, now: datetime) -> bool:
        return self.started_at <= now < self.ends_at

    def seconds_left(self, now: datetime) -> int:
        return math.ceil((self.ends_at - now).total_seconds()) if self.is_open(now) else 0

    def to_session(self) -> dict[str, Any]:
        return {"machine": self.machine_id, "at": self.started_at.isoformat()}

    @classmethod
    def from_session(cls, kept: Any, now: datetime) -> Window | None:
        """None where nothing was started lately, or what is kept is of another version."""
        try:
            window = cls(int(kept["machine"]), datetime.fromisoformat(kept["at"]))
            return window if timedelta(0) <= now - window.started_at < REMEMBERED else None
        except (TypeError, KeyError, ValueError):
            return None


def token_for(window: Window, uid: str) -> str:
    """Goes with the form in which the card is saved: by then another one may have been tapped."""
    return signing.dumps({**window.to_session(), "uid": uid}, salt=_SALT)


_SECOND_CARD = _(
    "A second unknown card was tapped at this reader in the same half minute: nobody can tell which one is meant. "
    "Start again."
)
_NOT_OURS = _("This form belongs to no enrolment. Start again.")


def refusal(token: str, uid: str) -> Any:
    """Why this card must not be saved. A number that staff typed over the offered one is theirs to know."""
    try:
        signed = signing.loads(token, salt=_SALT)
        window = Window(int(signed["machine"]), datetime.fromisoformat(signed["at"]))
    except (signing.BadSignature, TypeError, KeyError, ValueError):
        return _NOT_OURS
    return second_card(window, uid) if signed.get("uid") == uid else None


def second_card(window: Window, uid: str) -> Any:
    """Why this card, wherever its number was found, is not taken: it is one of several of the same half minute."""
    found = look(window)
    return _SECOND_CARD if found.result is Result.SEVERAL and uid in {card.uid for card in found.cards} else None


# ---- what was tapped in it -------------------------------------------------------------------------------------------


class Result(StrEnum):
    NOTHING = "nothing"
    OFFERED = "offered"
    SEVERAL = "several"
    KNOWN = "known"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class TappedCard:
    uid: str
    at: datetime
    outcome: Outcome
    was_unknown: bool
    card: Card | None

    @property
    def is_stranger(self) -> bool:
        """Nobody's when it was tapped, or now: not every tap is decided."""
        return self.was_unknown or self.card is None

    @property
    def looks_random(self) -> bool:
        return looks_random(self.uid)


@dataclass(frozen=True, slots=True)
class Found:
    result: Result
    cards: tuple[TappedCard, ...] = ()

    @property
    def offered(self) -> TappedCard | None:
        if self.result is not Result.OFFERED:
            return None
        return next(card for card in self.cards if card.is_stranger)

    @property
    def others(self) -> tuple[TappedCard, ...]:
        return tuple(card for card in self.cards if card is not self.offered)


def judge(window: Window, taps: Iterable[Tap], owned: Mapping[str, Card]) -> Found:
    """`owned` are the cards that are somebody's now, by number."""
    cards = _by_card((tap for tap in taps if tap.uid and window.holds(tap.machine_id, tap.at)), owned)
    match [card for card in cards if card.is_stranger]:
        case []:
            return Found(Result.KNOWN if cards else Result.NOTHING, cards)
        case [one] if one.card is not None:
            return Found(Result.KNOWN, cards)
        case [one]:
            return Found(Result.OFFERED if one.was_unknown else Result.UNDECIDED, cards)
        case _:
            return Found(Result.SEVERAL, cards)


def _by_card(taps: Iterable[Tap], owned: Mapping[str, Card]) -> tuple[TappedCard, ...]:
    """In the order of their first tap, each with what became of its last one."""
    last: dict[str, Tap] = {}
    unknown = set()
    for tap in sorted(taps, key=lambda tap: tap.at):
        last[tap.uid] = tap
        if tap.outcome == Outcome.UNKNOWN_CARD:
            unknown.add(tap.uid)
    return tuple(
        TappedCard(uid, tap.at, Outcome(tap.outcome), uid in unknown, owned.get(uid)) for uid, tap in last.items()
    )


def look(window: Window) -> Found:
    taps = list(Tap.objects.filter(machine_id=window.machine_id, at__range=(window.started_at, window.ends_at)))
    uids = {tap.uid for tap in taps if tap.uid}
    owners = Card.objects.filter(uid__in=uids).select_related("member__role") if uids else ()
    return judge(window, taps, {card.uid: card for card in owners})


# ---- unknown cards of the last days ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UnknownCard:
    uid: str
    at: datetime
    machine: Machine
    taps: int

    @property
    def looks_random(self) -> bool:
        return looks_random(self.uid)


def taps_of_unknown_cards(now: datetime) -> QuerySet[Tap]:
    """Of the last days, and of cards that are still nobody's."""
    since = now - timedelta(days=settings.UNKNOWN_CARD_RETENTION_DAYS)
    taps = Tap.objects.filter(outcome=Outcome.UNKNOWN_CARD, is_enrolled=False, at__gte=since).exclude(uid="")
    return taps.exclude(Exists(Card.objects.filter(uid=OuterRef("uid")))).order_by()


def unknown_cards(now: datetime, most: int = MOST_CARDS) -> list[UnknownCard]:
    """One of each number, the last tapped first."""
    rows = taps_of_unknown_cards(now).values("uid").annotate(times=Count("pk"), latest=Max("at"))
    cards = {row["uid"]: row for row in rows.order_by("-latest", "uid")[:most]}
    latest = Tap.objects.filter(uid__in=cards, at__in={row["latest"] for row in cards.values()}).order_by("pk")
    machines = {(tap.uid, tap.at): tap.machine for tap in latest.select_related("machine")}
    return [
        UnknownCard(uid, row["latest"], machine, row["times"])
        for uid, row in cards.items()
        if (machine := machines.get((uid, row["latest"]))) is not None
    ]


def revision(window: Window | None, now: datetime) -> str:
    """Another one whenever a page about unknown cards may look different. One small query: pages ask all the time."""
    newest_card = Card.objects.order_by("-pk").values("pk")[:1]
    newest = Tap.objects.order_by("-pk").values_list("pk", Subquery(newest_card)).first() or ("", "")
    about = "" if window is None else f"{window.machine_id}@{window.started_at.timestamp():.6f}{window.is_open(now):d}"
    return f"{newest[0]}.{newest[1] or ''}.{about}"


@receiver(post_save, sender=Card)
def note_enrolled(instance: Card, **kwargs: Any) -> None:
    """However it became somebody's."""
    taps = Tap.objects.filter(uid=instance.uid, outcome=Outcome.UNKNOWN_CARD, is_enrolled=False)
    taps.update(is_enrolled=True)
