from django.apps import AppConfig


class FabomaticConfig(AppConfig):
    name = "fabomatic"

    def ready(self) -> None:
        from fabomatic import checks  # noqa: F401  (registers the system checks)
