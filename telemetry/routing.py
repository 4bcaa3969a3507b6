from django.urls import path

from telemetry.consumers import DashboardConsumer, NothingHere

websocket_urlpatterns = [
    path("ws/dashboard/", DashboardConsumer.as_asgi()),
    path("<path:anything>", NothingHere.as_asgi()),
]
