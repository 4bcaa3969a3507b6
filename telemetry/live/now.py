"""The machines as they are now, for a page that somebody asks for."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.utils.translation import get_language

from telemetry.live.feed import Trouble, feed
from telemetry.live.wall import Wall, wall


def current_wall() -> tuple[Wall, Trouble | None]:
    """What the live page knows, read again where nobody tells us of changes."""
    trouble = feed.trouble() if feed.is_started else None
    if not feed.is_live or trouble is not None:
        wall.note_everything()
    wall.refresh()
    return wall, trouble


def socket_context(wall: Wall, **asked: str) -> dict[str, str]:
    """What `live/socket.html` tells the script: where to listen, and what the page shows already."""
    asked = {"language": get_language() or settings.LANGUAGE_CODE, **asked}
    return {
        "socket": f"/ws/dashboard/?{urlencode(asked)}",
        "revision": wall.revision,
        "release": release(),
        "zone": settings.TIME_ZONE,
    }


def release() -> str:
    """Changes whenever a script or a style does."""
    return str(getattr(staticfiles_storage, "manifest_hash", ""))
