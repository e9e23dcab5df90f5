from django.apps import AppConfig


class EpisodesConfig(AppConfig):
    """Patient, episode, care team, protocol, consent: the spine."""

    name = "episodes"
    label = "episodes"

    def ready(self) -> None:
        from episodes import checks, clinical_settings, guard_rules, jobs  # noqa: F401  importing registers them
        from episodes.access import register_relations
        from episodes.directory import Directory
        from episodes.readers import document_actions, expected_readings, reading_of_document
        from episodes.record_subjects import subject_of
        from episodes.services.disclosure_list import DISCLOSURE_LIST
        from kapclinic.administration.patients import register_directory
        from kapclinic.audit.access import register_subjects
        from kapclinic.documents import kinds, reading

        register_relations()
        register_subjects(subject_of)
        reading.register(reading_of_document, expected_readings, document_actions)
        kinds.register(DISCLOSURE_LIST)
        register_directory(Directory())
