from django.apps import AppConfig


class IntegrationConfig(AppConfig):
    """The window after a dose and what becomes of it."""

    name = "integration"
    label = "integration"
