"""How much of a person's name is shown to somebody who only looks at the machines."""

from __future__ import annotations

from enum import StrEnum


class Names(StrEnum):
    NONE = "none"
    FIRST = "first"
    INITIALS = "initials"
    FULL = "full"


def shown_name(first_name: str, last_name: str, names: Names) -> str:
    """Empty where nothing may be shown."""
    match names:
        case Names.NONE:
            return ""
        case Names.FIRST:
            return first_name
        case Names.INITIALS:
            return " ".join(f"{part[0].upper()}." for part in (first_name, last_name) if part)
        case Names.FULL:
            return f"{first_name} {last_name}".strip()
