from django.apps import AppConfig


class DosingConfig(AppConfig):
    """Preparation and dosing sessions; the label avoids django.contrib.sessions."""

    name = "sessions"
    label = "dosing"
    verbose_name = "Preparation and dosing"

    def ready(self) -> None:
        from django.urls import reverse

        from episodes.access import register_duty
        from kapclinic.scheduling import hooks
        from kapclinic.scheduling.models import AppointmentKind
        from screening.gathering import register_dose_history
        from sessions import clinical_settings, guard_rules, jobs  # noqa: F401  importing registers them
        from sessions.duty import duty_source
        from sessions.selectors import has_had_a_dose
        from sessions.services.planning import follow_appointment

        clinical_settings.declare()
        register_duty(duty_source)
        register_dose_history(has_had_a_dose)
        hooks.on_change(AppointmentKind.DOSING, follow_appointment)
        hooks.completion_page(
            AppointmentKind.DOSING,
            lambda appointment: reverse("dosing:session-of-appointment", kwargs={"pk": appointment.pk}),
        )
        hooks.completion_page(
            AppointmentKind.PREPARATION,
            lambda appointment: reverse("dosing:preparation-of-appointment", kwargs={"pk": appointment.pk}),
        )
