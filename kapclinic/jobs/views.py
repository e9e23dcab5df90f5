"""Work in the background, for the people who run the clinic: what failed, and sending it off again."""

import uuid
from datetime import timedelta

from django.contrib import messages
from django.db.models import Count, Max, Min, Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.accounts.policy import Actor
from kapclinic.jobs import services
from kapclinic.jobs.models import Heartbeat, Job, JobState

_SHOWN = 100
# Beat asks for a sweep every 30 s; after this long people are told that none came.
_SWEEP_LATE = timedelta(minutes=2)
# Counted over a day, so that the page costs the same after years.
_DONE_WITHIN = timedelta(hours=24)


def _job_for(actor: Actor, pk: uuid.UUID) -> Job:
    job = Job.objects.filter(pk=pk, clinic=actor.clinic).first()
    if job is None:
        raise Http404
    return job


@page("jobs.view", methods=("GET", "HEAD"))
def index(request: ActorRequest) -> HttpResponse:
    """Failed work first, then what tries again and what waits; a fixed number of queries."""
    clinic, now = request.actor.clinic, timezone.now()
    mine = Job.objects.filter(clinic=clinic)
    unfinished = mine.exclude(state=JobState.DONE)
    sweep = Heartbeat.objects.filter(name="sweep").first()
    return render(
        request,
        "jobs/list.html",
        {
            "now": now,
            "failed": mine.failed().order_by("-last_error_at")[:_SHOWN],
            "retrying": unfinished.filter(state=JobState.PENDING, attempts__gt=0)[:_SHOWN],
            "counts": unfinished.aggregate(
                failed=Count("pk", filter=Q(state=JobState.FAILED)),
                running=Count("pk", filter=Q(state=JobState.RUNNING)),
                due=Count("pk", filter=Q(state=JobState.PENDING, due_at__lte=now)),
                later=Count("pk", filter=Q(state=JobState.PENDING, due_at__gt=now)),
                oldest=Min("due_at", filter=Q(state=JobState.PENDING, due_at__lte=now)),
            ),
            "done": mine.filter(state=JobState.DONE, finished_at__gte=now - _DONE_WITHIN).aggregate(
                number=Count("pk"), last=Max("finished_at")
            ),
            "sweep_at": sweep.at if sweep is not None else None,
            "sweep_is_late": sweep is None or now - sweep.at > _SWEEP_LATE,
        },
    )


@page("jobs.retry", fetch=_job_for, methods=("POST",))
def retry(request: ActorRequest, job: Job) -> HttpResponse:
    """Send one failed piece of work off again."""
    services.retry(job=job)
    messages.success(request, f"{job.kind_words} is tried again now.")
    return redirect("jobs:list")


@page("jobs.retry", methods=("POST",))
def retry_all(request: ActorRequest) -> HttpResponse:
    """Send everything that failed here off again."""
    failed = list(Job.objects.failed().filter(clinic=request.actor.clinic)[:_SHOWN])
    for job in failed:
        services.retry(job=job)
    messages.success(request, f"{len(failed)} tried again now.")
    return redirect("jobs:list")
