"""Asking for work, taking it, and doing it exactly as often as it must be done."""

import uuid
from datetime import date, datetime, timedelta
from typing import Any

import pghistory
import structlog
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Least
from django.utils import timezone

from kapclinic.clinics.models import Clinic
from kapclinic.jobs import registry
from kapclinic.jobs.models import Heartbeat, Job, JobQueue, JobState

log = structlog.get_logger(__name__)

# Longer than Celery's hard time limit, so a lease never runs out under a live worker.
LEASE = timedelta(seconds=360)
_BACKOFF_FIRST = timedelta(seconds=15)
_BACKOFF_MOST = timedelta(hours=1)


def backoff(attempts: int) -> timedelta:
    """Wait before the next try after `attempts` failures: 15 s, doubled each time, at most an hour."""
    return min(_BACKOFF_FIRST * 2 ** min(max(attempts - 1, 0), 12), _BACKOFF_MOST)


def enqueue(
    *,
    kind: str,
    key: str,
    payload: dict[str, Any],
    clinic: Clinic | None = None,
    due_at: datetime | None = None,
    deadline_at: datetime | None = None,
    queue: str = JobQueue.DEFAULT,
    once: bool = False,
    now: datetime | None = None,
) -> Job:
    """Write down work in the caller's transaction and wake a worker after the commit.

    The same `key` again: waiting work keeps the earlier due time, running work runs once more afterwards, finished or failed
    work starts anew. With `once`, finished work stays finished.
    """
    now = now or timezone.now()
    due_at = due_at or now
    if kind not in registry.kinds():
        raise KeyError(f"no handler is registered for job kind {kind}")
    # The row is locked when it is there already, so there must be a transaction even where the caller has none.
    with transaction.atomic():
        job = _written(
            Job(
                kind=kind, key=key, payload=payload, clinic=clinic, due_at=due_at, deadline_at=deadline_at, queue=queue,
                created_at=now,
            ),
            once=once,
        )  # fmt: skip
        if job.state != JobState.DONE and job.due_at <= now:
            transaction.on_commit(lambda: wake(job.pk, job.queue))
    return job


def _written(new: Job, *, once: bool) -> Job:
    try:
        with transaction.atomic():
            new.save(force_insert=True)
    except IntegrityError:
        pass
    else:
        return new
    job = Job.objects.select_for_update().get(key=new.key)
    if job.state == JobState.DONE and once:
        return job
    asked_again = Job.objects.filter(pk=job.pk)
    if job.state == JobState.PENDING:
        asked_again.update(due_at=Least(F("due_at"), new.due_at), payload=new.payload, asked=F("asked") + 1)
    elif job.state == JobState.RUNNING:
        asked_again.update(payload=new.payload, asked=F("asked") + 1)
    else:
        asked_again.update(
            state=JobState.PENDING, due_at=new.due_at, deadline_at=new.deadline_at, payload=new.payload, asked=F("asked") + 1,
            attempts=0, finished_at=None,
        )  # fmt: skip
    job.refresh_from_db()
    return job


def wake(job_id: uuid.UUID, queue: str) -> None:
    """Tell a worker to look. The broker is only a hint: when it is away, the sweep finds the row."""
    from kombu.exceptions import OperationalError

    from kapclinic.jobs.tasks import look

    try:
        look.apply_async(args=[str(job_id)], queue=queue)
    except (OperationalError, OSError) as error:
        log.warning("broker is away", job_id=str(job_id), error_class=type(error).__name__)


def take(*, now: datetime, queue: str | None = None, job_id: uuid.UUID | None = None) -> Job | None:
    """Lease one due job and commit, or return None. Two workers never get the same one."""
    with transaction.atomic():
        due = Job.objects.due(now)
        if queue is not None:
            due = due.filter(queue=queue)
        if job_id is not None:
            due = due.filter(pk=job_id)
        job = due.select_for_update(skip_locked=True).first()
        if job is None:
            return None
        job.state = JobState.RUNNING
        job.lease_token = uuid.uuid4()
        job.lease_until = now + LEASE
        job.attempts += 1
        job.save(update_fields=["state", "lease_token", "lease_until", "attempts"])
        return job


def work(job: Job, *, now: datetime) -> JobState:
    """Do one leased job and record how it ended; returns the state it was left in."""
    if job.attempts > job.max_attempts:
        # Its worker died each time: let a person look.
        return _finish(job, JobState.FAILED, now=now, error_class="WorkerLost")
    try:
        with pghistory.context(job=str(job.pk), kind=job.kind):
            again_at = registry.handler_of(job.kind)(job.payload, now=now)
    except Exception as error:  # one poisonous job must not stop the others; it is recorded and retried
        log.exception("job failed", job_id=str(job.pk), job_kind=job.kind, attempt=job.attempts)
        name = type(error).__name__
        if job.attempts >= job.max_attempts:
            return _finish(job, JobState.FAILED, now=timezone.now(), error_class=name)
        return _finish(job, JobState.PENDING, now=timezone.now(), error_class=name)
    return _finish(job, JobState.DONE, now=timezone.now(), again_at=again_at)


def _finish(
    job: Job, state: JobState, *, now: datetime, error_class: str = "", again_at: datetime | None = None
) -> JobState:
    """Compare-and-set on the lease: a worker that lost its lease changes nothing."""
    held = Job.objects.filter(pk=job.pk, state=JobState.RUNNING, lease_token=job.lease_token)
    released: dict[str, Any] = {"lease_token": None, "lease_until": None}
    if state == JobState.DONE:
        as_asked = held.filter(asked=job.asked)
        if again_at is not None:
            waiting = {"state": JobState.PENDING, "due_at": again_at, "attempts": 0, "last_error_class": ""}
            if as_asked.update(**waiting, **released):
                return JobState.PENDING
        elif as_asked.update(state=state, finished_at=now, last_error_class="", **released):
            return state
        # Asked for again while it ran.
        held.update(state=JobState.PENDING, due_at=now, attempts=0, **released)
        return JobState.PENDING
    due_at = now + backoff(job.attempts) if state == JobState.PENDING else job.due_at
    held.update(state=state, due_at=due_at, last_error_class=error_class, last_error_at=now, **released)
    return state


def run_due(*, queue: str | None = None, most: int = 200, seconds: float | None = None) -> int:
    """Take and do due jobs until none is left, `most` are done or `seconds` have passed; returns how many."""
    started = timezone.now()
    done = 0
    while done < most:
        now = timezone.now()
        if seconds is not None and (now - started).total_seconds() > seconds:
            break
        job = take(now=now, queue=queue)
        if job is None:
            break
        work(job, now=now)
        done += 1
    return done


def retry(*, job: Job, now: datetime | None = None) -> None:
    """A person sends failed work off again; pressing twice changes nothing."""
    now = now or timezone.now()
    with transaction.atomic():
        changed = Job.objects.filter(pk=job.pk, state=JobState.FAILED).update(
            state=JobState.PENDING, due_at=now, attempts=0
        )
        if changed:
            transaction.on_commit(lambda: wake(job.pk, job.queue))


def beat(name: str, now: datetime) -> None:
    """Note that something regular happened."""
    Heartbeat.objects.update_or_create(name=name, defaults={"at": now})


def ask_for_daily_work(now: datetime) -> int:
    """Write down the day's work of every clinic whose time of day has come; returns how many were new.

    The payload names the clinic and its local day. Asked again on the same day, nothing is added.
    """
    wanted: dict[str, tuple[str, Clinic, date]] = {}
    for clinic in Clinic.objects.all():
        local = now.astimezone(clinic.zone)
        for kind, at in registry.daily_kinds().items():
            if local.time() >= at:
                wanted[f"{kind}:{clinic.pk}:{local.date()}"] = (kind, clinic, local.date())
    known = set(Job.objects.filter(key__in=wanted).values_list("key", flat=True))
    for key, (kind, clinic, day) in wanted.items():
        if key in known:
            continue
        # Another sweep may write it at the same moment: then it waits for that row, in a transaction.
        with transaction.atomic():
            enqueue(
                kind=kind,
                key=key,
                payload={"clinic": str(clinic.pk), "day": day.isoformat()},
                clinic=clinic,
                once=True,
                now=now,
            )
    return len(wanted.keys() - known)
