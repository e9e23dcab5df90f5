from django.apps import AppConfig


class DeskConfig(AppConfig):
    """Pages that draw on every stage."""

    name = "kapclinic.desk"
    label = "desk"
