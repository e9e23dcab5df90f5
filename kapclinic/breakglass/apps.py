from django.apps import AppConfig


class BreakglassConfig(AppConfig):
    """Breaking the glass: emergency reading of one patient's record by somebody who is not on the team, reviewed afterwards."""

    name = "kapclinic.breakglass"
    label = "breakglass"

    def ready(self) -> None:
        from episodes.access import register_glass
        from kapclinic.accounts.pages import register_on_entry
        from kapclinic.breakglass import clinical_settings, jobs  # noqa: F401  importing registers
        from kapclinic.breakglass.access import open_patients
        from kapclinic.breakglass.services import REVIEW_TASK, note_reading
        from kapclinic.notices.kinds import ended_by_work

        register_glass(open_patients)
        register_on_entry(note_reading)
        ended_by_work(REVIEW_TASK)
