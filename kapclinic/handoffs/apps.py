from django.apps import AppConfig


class HandoffsConfig(AppConfig):
    """What prescriber and therapist owe each other."""

    name = "kapclinic.handoffs"
    label = "handoffs"

    def ready(self) -> None:
        from kapclinic.documents import kinds
        from kapclinic.handoffs import clinical_settings, guard_rules, jobs  # noqa: F401  importing registers them
        from kapclinic.handoffs.services import KINDS
        from kapclinic.handoffs.sheets import CLOSING, SHEET

        for kind in (*KINDS.values(), SHEET, CLOSING):
            kinds.register(kind)
