"""How a screen gets to see the machines: staff's link, once, for a cookie, until staff revokes it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import DatabaseError
from django.db.models import Q

from telemetry.models import Screen
from telemetry.viewers import secret_hash

logger = logging.getLogger(__name__)

LINK_LIFE = timedelta(hours=24)
SEEN_EVERY = timedelta(hours=1)
# Typed on a television's remote control: one case, and nothing that looks like something else. 118 bits.
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_CODE_LENGTH = 24


class Pairing(StrEnum):
    """How far a screen is."""

    WAITS = "waits"
    OPENED = "opened"
    EXPIRED = "expired"
    REVOKED = "revoked"


def pairing(screen: Screen, now: datetime) -> Pairing:
    if screen.revoked_at is not None:
        return Pairing.REVOKED
    if screen.cookie_hash:
        return Pairing.OPENED
    is_open = screen.link_hash and screen.link_until is not None and now < screen.link_until
    return Pairing.WAITS if is_open else Pairing.EXPIRED


def make_link(screen: Screen, now: datetime) -> str:
    """The secret of a new link, which nobody can read again. What the screen had before ends."""
    secret = "".join(secrets.choice(_ALPHABET) for _position in range(_CODE_LENGTH))
    screen.link_hash, screen.link_until = secret_hash(secret), now + LINK_LIFE
    screen.cookie_hash, screen.paired_at, screen.revoked_at = "", None, None
    screen.save(update_fields=["link_hash", "link_until", "cookie_hash", "paired_at", "revoked_at"])
    return secret


def exchange(secret: str, now: datetime) -> tuple[Screen, str] | None:
    """Spends the link for a cookie. Of two browsers at once, the condition lets one through."""
    cookie = secrets.token_urlsafe(32)
    cookie_hash = secret_hash(cookie)
    waiting = Screen.objects.filter(link_hash=secret_hash(secret), link_until__gt=now, revoked_at__isnull=True)
    if not waiting.exists():  # a guess must not take the lock that a board's message waits for
        return None
    if not waiting.update(link_hash="", link_until=None, cookie_hash=cookie_hash, paired_at=now):
        return None
    screen = Screen.objects.filter(cookie_hash=cookie_hash).first()
    return None if screen is None else (screen, cookie)


def revoke(screen: Screen, now: datetime) -> None:
    screen.link_hash, screen.link_until, screen.cookie_hash, screen.revoked_at = "", None, "", now
    screen.save(update_fields=["link_hash", "link_until", "cookie_hash", "revoked_at"])


def seen(screen_ids: Iterable[int], now: datetime) -> None:
    """Reads first: an update that changes nothing would still wait for other writers.

    A database that is locked is no reason to show nothing.
    """
    long_ago = Q(last_seen_at__isnull=True) | Q(last_seen_at__lte=now - SEEN_EVERY)
    stale = Screen.objects.filter(long_ago, pk__in=list(screen_ids))
    try:
        if stale.exists():
            stale.update(last_seen_at=now)
    except DatabaseError as error:
        logger.info("It could not be noted that screens were seen: %s", type(error).__name__)


def code_in(text: str) -> str:
    """The secret in what somebody typed or pasted: a whole link, or the code with its gaps, in any case."""
    return "".join(text.rpartition("#")[2].split()).replace("-", "").lower()


def in_groups(secret: str) -> str:
    """As somebody can copy it by hand."""
    return "-".join(secret[start : start + 4] for start in range(0, len(secret), 4))
