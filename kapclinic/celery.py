"""The Celery application: a message says "look", the Job row in Postgres says what must happen."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kapclinic.settings")
# `kapclinic.runtime.prepare` has checked this release before any worker starts; once is enough.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("kapclinic")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
