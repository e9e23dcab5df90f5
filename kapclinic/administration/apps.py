from django.apps import AppConfig


class AdministrationConfig(AppConfig):
    """How a clinic is run: its people, invitations, rooms and clinical settings. No tables of its own."""

    name = "kapclinic.administration"
    label = "administration"

    def ready(self) -> None:
        from kapclinic.administration import jobs  # noqa: F401  registers the handler
