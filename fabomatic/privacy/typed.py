"""The second question before somebody is erased: their name, typed."""

from __future__ import annotations

from members.models import Member


def name_to_type(member: Member) -> str:
    return member.last_name.strip() or member.first_name.strip()


def is_named(member: Member, typed: str) -> bool:
    """By last name, whole name or e-mail."""
    accepted = {name_to_type(member), member.get_full_name(), member.email or ""} - {""}
    return _plain(typed) in {_plain(name) for name in accepted}


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
