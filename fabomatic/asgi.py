import os
import tempfile
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fabomatic.settings")
django_application = get_asgi_application()  # first: what follows imports models

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402  (needs the line above)
from channels.sessions import CookieMiddleware  # noqa: E402  (needs the line above)

from telemetry.live.feed import feed  # noqa: E402  (needs the line above)
from telemetry.routing import websocket_urlpatterns  # noqa: E402  (needs the line above)

WAITING = str(settings.BASE_DIR / "var" / "waiting")

_router = ProtocolTypeRouter(
    {"http": django_application, "websocket": CookieMiddleware(URLRouter(websocket_urlpatterns))}
)


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Whoever asks first, for a page or a socket, has this process listen to the broker: daphne tells of no start."""
    feed.start()
    _wait_on_disk()
    await _router(scope, receive, send)


def _wait_on_disk() -> None:
    """What is uploaded waits for its page in a file without a name; /tmp is memory on many small computers."""
    if "TMPDIR" in os.environ or tempfile.tempdir == WAITING:
        return
    with suppress(OSError):
        os.makedirs(WAITING, mode=0o700, exist_ok=True)
        tempfile.tempdir = WAITING
