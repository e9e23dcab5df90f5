"""The Celery application: a message says "look", the Job row in Postgres says what must happen."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kapclinic.settings")
# `kapclinic.runtime.prepare` has checked this release before any worker starts; once is enough.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("kapclinic")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def _look_for_keys(**_kwargs: Any) -> None:
    """Do not begin while a key is missing that stored values need."""
    from kapclinic.encryption.rotation import end_without_keys

    end_without_keys()
