from django.apps import AppConfig


class NoticesConfig(AppConfig):
    """Tasks that people owe and notices to them."""

    name = "kapclinic.notices"
    label = "notices"
