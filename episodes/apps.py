from django.apps import AppConfig


class EpisodesConfig(AppConfig):
    """Patient, episode, care team, protocol, consent: the spine."""

    name = "episodes"
    label = "episodes"

    def ready(self) -> None:
        from episodes import checks, clinical_settings, guard_rules  # noqa: F401  importing registers them
        from episodes.access import register_relations
        from episodes.record_subjects import subject_of
        from kapclinic.audit.access import register_subjects

        register_relations()
        register_subjects(subject_of)
