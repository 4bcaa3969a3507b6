from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _


class TelemetryConfig(AppConfig):
    name = "telemetry"
    verbose_name = _("Telemetry")

    def ready(self) -> None:
        if not settings.IS_LEAN:
            from telemetry.nudge import listen_to_changes

            listen_to_changes()
