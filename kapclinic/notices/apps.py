from django.apps import AppConfig


class NoticesConfig(AppConfig):
    """Tasks that people owe, notices to them, and e-mail that tells of both."""

    name = "kapclinic.notices"
    label = "notices"

    def ready(self) -> None:
        from kapclinic.notices import clinical_settings, jobs  # noqa: F401  importing registers
