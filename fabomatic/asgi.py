import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fabomatic.settings")
django_application = get_asgi_application()  # first: what follows imports models

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.sessions import CookieMiddleware  # noqa: E402

from telemetry.live.feed import feed  # noqa: E402
from telemetry.routing import websocket_urlpatterns  # noqa: E402

_router = ProtocolTypeRouter(
    {"http": django_application, "websocket": CookieMiddleware(URLRouter(websocket_urlpatterns))}
)


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Whoever asks first, for a page or a socket, has this process listen to the broker: daphne tells of no start."""
    feed.start()
    await _router(scope, receive, send)
