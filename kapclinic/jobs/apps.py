from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Work that must happen: rows in Postgres, woken through Celery, swept by the clock."""

    name = "kapclinic.jobs"
    label = "jobs"
