from django.apps import AppConfig


class ScreeningConfig(AppConfig):
    """Questionnaires, findings and the eligibility decision."""

    name = "screening"
    label = "screening"

    def ready(self) -> None:
        from screening import (  # noqa: F401  importing registers them
            finding_settings,
            guard_rules,
            jobs,
            response_settings,
        )
        from screening.services import decisions, facts, responses, risk  # noqa: F401  what is taken back
