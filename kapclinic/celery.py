"""The Celery application: a message says "look", the Job row in Postgres says what must happen."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kapclinic.settings")

app = Celery("kapclinic")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
