from django.apps import AppConfig


class IntegrationConfig(AppConfig):
    """The window after a dose and what becomes of it."""

    name = "integration"
    label = "integration"

    def ready(self) -> None:
        from integration import (  # noqa: F401  importing registers
            clinical_settings,
            guard_rules,
            jobs,
            listeners,
            places,
        )

        listeners.register()
