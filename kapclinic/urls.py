"""Every address of the program."""

from django.urls import include, path

from kapclinic import health

urlpatterns = [
    path("", include("kapclinic.desk.urls")),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("healthz", health.healthz, name="healthz"),
    path("account/", include("kapclinic.accounts.urls")),
    path("account/", include("kapclinic.accounts.sign_in_urls")),
    path("clinic/", include("kapclinic.administration.urls")),
    path("documents/", include("kapclinic.documents.urls")),
    path("notices/", include("kapclinic.notices.urls")),
    path("jobs/", include("kapclinic.jobs.urls")),
    path("", include("episodes.urls")),
    path("emergency/", include("kapclinic.breakglass.urls")),
    path("screening/", include("screening.urls")),
    path("calendar/", include("kapclinic.scheduling.urls")),
    path("dosing/", include("sessions.urls")),
    path("integration/", include("integration.urls")),
    path("handoffs/", include("kapclinic.handoffs.urls")),
    path("outcomes/", include("kapclinic.outcomes.urls")),
    path("process-notes/", include("kapclinic.process_notes.urls")),
]
