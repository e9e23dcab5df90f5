from django.apps import AppConfig


class OutcomesConfig(AppConfig):
    """Whether patients get better, and stay so."""

    name = "kapclinic.outcomes"
    label = "outcomes"

    def ready(self) -> None:
        from kapclinic.outcomes import clinical_settings, services

        # Importing the settings declares them.
        self.settings_module = clinical_settings
        services.register_kind()
