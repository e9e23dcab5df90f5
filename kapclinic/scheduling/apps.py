from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    """Working hours, time off, appointments with participants."""

    name = "kapclinic.scheduling"
    label = "scheduling"

    def ready(self) -> None:
        from kapclinic.scheduling import clinical_settings  # noqa: F401  importing declares them
        from kapclinic.scheduling.relations import register_relations

        register_relations()
