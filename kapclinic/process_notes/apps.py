from django.apps import AppConfig


class ProcessNotesConfig(AppConfig):
    """Process notes (psychotherapy notes, 45 CFR 164.501): the author's alone. No other room imports this one."""

    name = "kapclinic.process_notes"
    label = "process_notes"

    def ready(self) -> None:
        from kapclinic.process_notes.access import register_relations

        register_relations()
