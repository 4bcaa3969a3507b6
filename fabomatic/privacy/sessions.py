"""Where somebody is logged in. A session does not say whose it is before it is opened."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session


def sessions_of(member_id: int, now: datetime | None = None) -> list[tuple[str, datetime]]:
    """Key and end of each; with `now`, of those that still count."""
    sessions = Session.objects.order_by()
    if now is not None:
        sessions = sessions.filter(expire_date__gt=now)
    return [
        (session.session_key, session.expire_date)
        for session in sessions.iterator(chunk_size=500)
        if session.get_decoded().get(SESSION_KEY) == str(member_id)
    ]


def end_sessions_of(member_id: int) -> int:
    keys = [key for key, _end in sessions_of(member_id)]
    ended = 0
    for start in range(0, len(keys), 100):
        ended += Session.objects.filter(pk__in=keys[start : start + 100]).delete()[0]
    return ended
