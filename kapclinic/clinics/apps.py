from django.apps import AppConfig


class ClinicsConfig(AppConfig):
    """Clinics, rooms and clinical settings."""

    name = "kapclinic.clinics"
    label = "clinics"
