"""A clinic of real processes loses its worker, its broker and its database, and has too many of everything."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import psycopg
import pytest
from celery import Celery
from django.db import connection
from django.utils import timezone
from redis import Redis

from integration.models import IntegrationNeed
from integration.services.needs import PLAN_JOB
from kapclinic.embedded import Postgres
from kapclinic.jobs.models import Heartbeat, Job, JobState
from kapclinic.scheduling.models import Appointment, AppointmentKind
from tests.databases import app_url
from tests.faults.crew import (
    Hand,
    all_at_once,
    end_waiting_connections,
    let_leases_run_out,
    waiting_for_a_lock,
)
from tests.integration.situations import double_bookings, make_clinic_at_work, need_of_new_dose
from tests.live import LiveClinic

pytestmark = pytest.mark.faults
Say = Callable[[str], None]


def doses(name: str, number: int = 5) -> list[IntegrationNeed]:
    """Needs of doses of a new clinic that ended five minutes ago; while beat stands still, no worker hears of them."""
    clinic, people = make_clinic_at_work()
    return [need_of_new_dose(clinic, people, f"{name} {each}") for each in range(number)]


def jobs_of(needs: list[IntegrationNeed]) -> list[Job]:
    return list(Job.objects.filter(key__in=[f"{PLAN_JOB}:{need.pk}" for need in needs]))


def hint(live_clinic: LiveClinic, jobs: list[Job]) -> None:
    """Tell the workers to look, as the web does after a commit."""
    app = Celery(broker=live_clinic.broker.url, set_as_current=False)
    for job in jobs:
        app.send_task("kapclinic.jobs.tasks.look", args=[str(job.pk)], queue=job.queue)
    app.close()


def sweep(live_clinic: LiveClinic, *, times: int = 1) -> None:
    """What beat asks for every 30 s, now, from as many processes at once."""
    broker = live_clinic.broker.url
    all_at_once([Hand(live_clinic.database, "sweep", broker=broker) for _ in range(times)])


def done(needs: list[IntegrationNeed]) -> bool:
    return {job.state for job in jobs_of(needs)} == {JobState.DONE}


def settle(live_clinic: LiveClinic, needs: list[IntegrationNeed], *, sweeps: int = 1) -> None:
    """Sweep until everything is done."""
    sweep(live_clinic, times=sweeps)
    live_clinic.wait_for(lambda: done(needs), "every job is done", seconds=60)


def count(needs: list[IntegrationNeed]) -> str:
    """Counts of what came of the doses; fails when a job was lost or something was booked twice."""
    jobs = jobs_of(needs)
    bookings = Appointment.objects.live().filter(
        kind=AppointmentKind.INTEGRATION, episode__in=[need.episode_id for need in needs]
    )
    placed = IntegrationNeed.objects.filter(pk__in=[need.pk for need in needs], appointment__in=bookings)
    assert len(jobs) == placed.count() == bookings.count() == len(needs)
    assert double_bookings() == 0
    attempts = sum(job.attempts for job in jobs)
    booked = f"{len(bookings)} appointments for {len(needs)} doses, 0 double bookings"
    return f"{len(jobs)} jobs done in {attempts} attempts, {booked}"


@pytest.fixture
def beat_stands_still(live_clinic: LiveClinic) -> Iterator[None]:
    """Only the test sweeps: a worker must not begin before the test stands ready."""
    with live_clinic.paused("beat"):
        yield


@pytest.fixture
def gate(live_clinic: LiveClinic) -> Iterator[psycopg.Connection]:
    """A connection that holds what the test locks with it."""
    held = psycopg.connect(app_url(live_clinic.database))
    yield held
    # Not committed: the server may have been restarted.
    held.close()


def test_job_is_done_once_when_the_celery_worker_is_killed_in_the_middle(
    live_clinic: LiveClinic, beat_stands_still: None, gate: psycopg.Connection, say: Say
) -> None:
    needs = doses("Killed", 1)
    (job,) = jobs_of(needs)
    gate.execute("SELECT 1 FROM episodes_episode WHERE id = %s FOR UPDATE", [needs[0].episode_id])
    hint(live_clinic, [job])
    live_clinic.wait_for(lambda: waiting_for_a_lock() == 1, "the worker is in the middle")
    live_clinic.kill("worker")
    end_waiting_connections()
    gate.rollback()
    assert Job.objects.get(pk=job.pk).state == JobState.RUNNING
    live_clinic.start_program("worker")
    let_leases_run_out()
    settle(live_clinic, needs)
    assert Job.objects.get(pk=job.pk).attempts == 2
    say(count(needs))


def test_nothing_is_lost_when_the_broker_is_flushed_and_restarted(
    live_clinic: LiveClinic, beat_stands_still: None, say: Say
) -> None:
    live_clinic.kill("worker")
    needs = doses("Flushed")
    hint(live_clinic, jobs_of(needs))
    with Redis.from_url(live_clinic.broker.url) as broker:
        held = broker.llen("default")
        broker.flushall()
    live_clinic.broker.restart()
    live_clinic.start_program("worker")
    settle(live_clinic, needs)
    say(f"{held} messages flushed; {count(needs)}")


def test_nothing_is_lost_or_done_twice_when_the_database_restarts_under_the_workers(
    live_clinic: LiveClinic,
    beat_stands_still: None,
    own_postgres: Postgres,
    gate: psycopg.Connection,
    say: Say,
) -> None:
    needs = doses("Restarted")
    gate.execute("SELECT 1 FROM episodes_episode WHERE id = %s FOR UPDATE", [needs[0].episode_id])
    hint(live_clinic, jobs_of(needs))
    live_clinic.wait_for(lambda: waiting_for_a_lock() == 1, "a worker is in the middle")
    connection.close()
    own_postgres.restart()
    live_clinic.wait_for(live_clinic.web_answers, "the web answers again")
    held = let_leases_run_out()
    settle(live_clinic, needs)
    say(f"{held} held by the workers at the restart; {count(needs)}")


def test_two_beats_two_workers_and_two_sweeps_do_each_job_once(live_clinic: LiveClinic, say: Say) -> None:
    others = [live_clinic.start_another(name) for name in ("beat", "worker")]
    try:
        needs = doses("Twice")
        Heartbeat.objects.filter(name="sweep").update(at=timezone.now() - timedelta(hours=1))
        hint(live_clinic, jobs_of(needs) * 2)
        settle(live_clinic, needs, sweeps=2)
        assert Heartbeat.objects.get(name="sweep").at > timezone.now() - timedelta(minutes=2)
        assert {job.attempts for job in jobs_of(needs)} == {1}
        say(f"{2 * len(needs)} messages and 2 sweeps; {count(needs)}")
    finally:
        for name in others:
            live_clinic.end_another(name)
