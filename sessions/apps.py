from django.apps import AppConfig


class DosingConfig(AppConfig):
    """Preparation and dosing sessions; the label avoids django.contrib.sessions."""

    name = "sessions"
    label = "dosing"
