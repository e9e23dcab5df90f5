from django.apps import AppConfig


class AdministrationConfig(AppConfig):
    """How a clinic is run: its people, invitations, rooms and clinical settings. No tables of its own."""

    name = "kapclinic.administration"
    label = "administration"

    def ready(self) -> None:
        from kapclinic.administration import clinical_settings, jobs  # noqa: F401  importing registers them
