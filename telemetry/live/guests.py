"""Whether those who look on through an open socket may still do so: asked again every few seconds, for all at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session
from django.utils.crypto import constant_time_compare

from members.models import Member
from telemetry.viewers import Viewer, screens_of, viewer_of


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a browser sent when it connected."""

    session_key: str = field(default="", repr=False)
    screen_cookie: str = field(default="", repr=False)
    is_kiosk: bool = False


def viewers_now(guests: Iterable[Credentials], now: datetime) -> dict[Credentials, Viewer | None]:
    """The same answer that a page would give to each, in a few queries, and one per administrator."""
    asked = set(guests)
    # Keys are letters and digits; a database may choke on what somebody invents instead.
    members = _members_of(
        {guest.session_key for guest in asked if guest.session_key.isascii() and guest.session_key.isalnum()}, now
    )
    screens = screens_of({guest.screen_cookie for guest in asked if guest.screen_cookie})
    return {
        guest: viewer_of(
            members.get(guest.session_key, AnonymousUser()),
            screens.get(guest.screen_cookie),
            is_kiosk=guest.is_kiosk,
        )
        for guest in asked
    }


def _members_of(session_keys: set[str], now: datetime) -> dict[str, Any]:
    if not session_keys:
        return {}
    sessions = Session.objects.filter(session_key__in=session_keys, expire_date__gt=now)
    contents = {session.session_key: session.get_decoded() for session in sessions}
    ids = {key: _member_id(content) for key, content in contents.items()}
    members = Member.objects.select_related("role").in_bulk([pk for pk in ids.values() if pk is not None])
    return {key: members[pk] for key, pk in ids.items() if pk in members and _is_valid_for(members[pk], contents[key])}


def _member_id(content: dict[str, Any]) -> int | None:
    try:
        return int(content[SESSION_KEY])
    except (KeyError, ValueError, TypeError):
        return None


def _is_valid_for(member: Member, content: dict[str, Any]) -> bool:
    """A changed password ends all sessions that were begun with the old one."""
    return member.is_active and constant_time_compare(content.get(HASH_SESSION_KEY, ""), member.get_session_auth_hash())
