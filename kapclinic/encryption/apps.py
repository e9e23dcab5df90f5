from django.apps import AppConfig


class EncryptionConfig(AppConfig):
    """Values that rest encrypted."""

    name = "kapclinic.encryption"
    label = "encryption"
