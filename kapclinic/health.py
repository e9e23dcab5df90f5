"""Probes: is the process alive, can it serve, and does the clinic's background work move.

They tell counts, times and names of error classes, never health data, so they need no sign-in.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Min
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis import Redis
from redis.exceptions import RedisError

from kapclinic.encryption.rotation import missing_keys
from kapclinic.jobs.models import Heartbeat, Job

OK = "ok"
# The broker is asked on every probe: a dead one must not hold the probe.
BROKER_SECONDS = 2
# Beat asks for a sweep every 30 s; four missed ones are no hiccup.
SWEEP_LATE_AFTER = timedelta(seconds=120)
# A due job waits for the next sweep at most; this long means that no worker takes it.
JOB_LATE_AFTER = timedelta(minutes=10)


@never_cache
@require_safe
def livez(_request: HttpRequest) -> HttpResponse:
    """200 while the process answers; asks nothing else."""
    return HttpResponse(OK, content_type="text/plain")


@never_cache
@require_safe
def readyz(_request: HttpRequest) -> JsonResponse:
    """200 when the database answers and neither a migration nor a key in use is missing, else 503 with what is."""
    checks = {"database": database_state()}
    if checks["database"] == OK:
        checks["migrations"] = migrations_state()
    if checks.get("migrations") == OK:
        checks["keys"] = keys_state()
    return _answer(checks, {})


@never_cache
@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    """JSON about everything that the clinic stands on; 503 when a part is down or the background work stands still."""
    now = timezone.now()
    checks = {"database": database_state(), "broker": broker_state()}
    facts: dict[str, object] = {}
    if checks["database"] == OK:
        checks["migrations"] = migrations_state()
    if checks.get("migrations") == OK:
        try:
            checks |= _work_checks(now, facts)
        except DatabaseError as error:
            checks["database"] = type(error).__name__
    return _answer(checks, facts)


def _answer(checks: dict[str, str], facts: dict[str, object]) -> JsonResponse:
    fine = all(state == OK for state in checks.values())
    return JsonResponse(
        {"status": OK if fine else "failing", "checks": checks, **facts}, status=200 if fine else 503
    )


def _work_checks(now: datetime, facts: dict[str, object]) -> dict[str, str]:
    sweep_at = Heartbeat.objects.filter(name="sweep").values_list("at", flat=True).first()
    oldest_due_at: datetime | None = Job.objects.due(now).order_by().aggregate(oldest=Min("due_at"))["oldest"]
    facts["last_sweep_at"] = sweep_at.isoformat() if sweep_at else None
    facts["oldest_due_job_at"] = oldest_due_at.isoformat() if oldest_due_at else None
    facts["oldest_due_job_seconds"] = round((now - oldest_due_at).total_seconds()) if oldest_due_at else 0
    facts["failed_jobs"] = Job.objects.failed().count()
    sweep_late = sweep_at is None or now - sweep_at > SWEEP_LATE_AFTER
    job_late = oldest_due_at is not None and now - oldest_due_at > JOB_LATE_AFTER
    return {"sweep": "late" if sweep_late else OK, "jobs": "late" if job_late else OK}


def database_state() -> str:
    """`ok`, or the class of the error that a trivial query met."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return type(error).__name__
    return OK


def migrations_state() -> str:
    """`ok`, or how many migrations of this release the database lacks."""
    try:
        missing = _unapplied_migrations()
    except DatabaseError as error:
        return type(error).__name__
    return OK if missing == 0 else f"{missing} not applied"


def keys_state() -> str:
    """`ok`, or how many encryption keys that stored values need are missing."""
    try:
        missing = missing_keys()
    except DatabaseError as error:
        return type(error).__name__
    return OK if not missing else f"{len(missing)} missing"


def _unapplied_migrations() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def broker_state() -> str:
    """`ok`, or the class of the error that a ping met within BROKER_SECONDS."""
    client = Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=BROKER_SECONDS, socket_timeout=BROKER_SECONDS, retry=None
    )
    try:
        client.ping()
    except RedisError as error:
        return type(error).__name__
    finally:
        client.close()
    return OK
