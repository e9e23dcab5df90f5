"""Celery's side of the jobs: messages that say "look"."""

import uuid

from celery import shared_task
from django.utils import timezone

from kapclinic.jobs import services
from kapclinic.jobs.models import Job, JobQueue

# A run ends well before Celery's soft time limit; what is left is found by the next one.
_RUN_SECONDS = 120.0


@shared_task(name="kapclinic.jobs.tasks.look")
def look(job_id: str) -> None:
    """Do one job, if it is still to be done."""
    now = timezone.now()
    job = services.take(now=now, job_id=uuid.UUID(job_id))
    if job is not None:
        services.work(job, now=now)


@shared_task(name="kapclinic.jobs.tasks.run_queue")
def run_queue(queue: str) -> None:
    """Do everything that is due on one queue."""
    services.run_due(queue=queue, seconds=_RUN_SECONDS)


@shared_task(name="kapclinic.jobs.tasks.sweep")
def sweep() -> None:
    """Find due and abandoned jobs on every queue and have them done there."""
    now = timezone.now()
    services.beat("sweep", now)
    services.ask_for_daily_work(now)
    waiting = set(Job.objects.due(now).order_by().values_list("queue", flat=True).distinct())
    for queue in sorted(waiting & set(JobQueue.values)):
        run_queue.apply_async(args=[queue], queue=queue)
