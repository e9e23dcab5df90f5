from django.apps import AppConfig


class ScreeningConfig(AppConfig):
    """Questionnaires, findings and the eligibility decision."""

    name = "screening"
    label = "screening"

    def ready(self) -> None:
        from episodes.sharing import register_event_source
        from kapclinic.documents.reading import register_files
        from screening import (  # noqa: F401  importing registers them
            finding_settings,
            guard_rules,
            jobs,
            reading,
            response_settings,
            segments,
        )
        from screening.services import decisions, facts, responses, risk  # noqa: F401  what is taken back

        register_event_source(segments.category_of_event)
        register_files(reading.withheld_papers)
