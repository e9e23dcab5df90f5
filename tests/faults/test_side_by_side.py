"""Processes side by side and processes killed, on one database with real commits."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, timedelta

import psycopg
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integration.models import IntegrationNeed
from integration.services.needs import PLAN_JOB
from kapclinic.accounts.models import Role
from kapclinic.jobs.models import Job, JobState
from kapclinic.jobs.services import enqueue, run_due
from kapclinic.notices.models import Task
from kapclinic.scheduling.models import Appointment, AppointmentKind, AppointmentParticipant
from tests import factories
from tests.databases import app_url
from tests.faults.crew import (
    Hand,
    all_at_once,
    end_waiting_connections,
    let_leases_run_out,
    wait_until,
    waiting_for_a_lock,
)
from tests.integration.situations import double_bookings, make_clinic_at_work, need_of_new_dose

pytestmark = pytest.mark.faults
Say = Callable[[str], None]
# Forty of them at any moment: a server admits no more than a hundred connections unless it is told to.
PEOPLE, PROCESSES, AT_ONCE = 200, 2, 20


@pytest.fixture
def another(committed_db: str) -> Iterator[Callable[[], psycopg.Connection]]:
    """Opens connections that hold locks until they are closed."""
    opened: list[psycopg.Connection] = []

    def connect() -> psycopg.Connection:
        opened.append(psycopg.connect(app_url(committed_db)))
        return opened[-1]

    yield connect
    for each in opened:
        each.close()


def integrations() -> int:
    return Appointment.objects.live().filter(kind=AppointmentKind.INTEGRATION).count()


@pytest.mark.parametrize("step", ["before the work", "before the booking", "after the booking"])
def test_planning_is_done_once_when_its_worker_is_killed(
    committed_db: str, another, say: Say, step: str
) -> None:
    clinic, people = make_clinic_at_work()
    need = need_of_new_dose(clinic, people, "Killed")
    job = Job.objects.get(key=f"{PLAN_JOB}:{need.pk}")
    gate = another()
    held = [gate]
    if step == "before the work":
        gate.execute("SELECT 1 FROM episodes_episode WHERE id = %s FOR UPDATE", [need.episode_id])
    else:
        gate.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"planner:{clinic.pk}"])
    worker = Hand(committed_db, "look", job=str(job.pk))
    worker.wait_until_ready()
    worker.go()
    wait_until(lambda: waiting_for_a_lock() == 1, "the worker stands at the gate")
    job.refresh_from_db()
    assert job.state == JobState.RUNNING
    if step == "after the booking":
        held.append(another())
        held[-1].execute("SELECT 1 FROM jobs_job WHERE id = %s FOR UPDATE", [job.pk])
        gate.close()
        wait_until(
            lambda: integrations() == 1 and waiting_for_a_lock() == 1, "it has booked and wants to finish"
        )
    worker.kill()
    end_waiting_connections()
    for each in held:
        each.close()
    assert integrations() == (1 if step == "after the booking" else 0)
    run_due()
    job.refresh_from_db()
    assert job.state == JobState.RUNNING, "nobody takes it while the lease runs"
    assert let_leases_run_out() == 1
    run_due()
    job.refresh_from_db()
    tellings = Task.objects.filter(kind="tell-patient", episode=need.episode).count()
    need.refresh_from_db()
    assert (job.state, job.attempts, integrations(), double_bookings()) == (JobState.DONE, 2, 1, 0)
    assert need.live_appointment is not None
    assert tellings == len(set(Task.objects.filter(kind="tell-patient").values_list("key", flat=True)))
    say(f"{job.attempts} attempts, {integrations()} appointment, {double_bookings()} double bookings")


def test_two_planners_at_once_book_everything_once(committed_db: str, say: Say) -> None:
    clinic, people = make_clinic_at_work()
    needs = [need_of_new_dose(clinic, people, f"Patient {number}") for number in range(6)]
    results = all_at_once([Hand(committed_db, "plan", clinic=str(clinic.pk)) for _ in range(2)])
    assert "planned" in results
    # Whoever was overtaken every time comes back through the job.
    if results != ["planned", "planned"]:
        run_due()
    placed = IntegrationNeed.objects.filter(pk__in=[need.pk for need in needs], appointment__isnull=False)
    assert placed.count() == integrations() == 6
    assert double_bookings() == 0
    say(
        f"2 planners: {placed.count()} of {len(needs)} placed, 0 lost, {double_bookings()} double bookings, {results}"
    )


def test_two_workers_at_once_do_each_job_once(committed_db: str, say: Say) -> None:
    clinic, people = make_clinic_at_work()
    needs = [need_of_new_dose(clinic, people, f"Patient {number}") for number in range(4)]
    due = Job.objects.due(timezone.now()).count()
    done = all_at_once([Hand(committed_db, "run") for _ in range(2)])
    assert sum(done) >= due
    jobs = Job.objects.filter(kind=PLAN_JOB)
    assert set(jobs.values_list("state", "attempts")) == {(JobState.DONE, 1)}
    assert integrations() == len(needs)
    assert double_bookings() == 0
    say(f"2 workers did {done} of {due} due jobs, {integrations()} appointments for {len(needs)} doses")


def test_one_of_two_hundred_people_gets_the_hour(committed_db: str, say: Say) -> None:
    clinic, people = make_clinic_at_work()
    therapist = people[Role.THERAPIST]
    episodes = [
        factories.make_episode(
            factories.make_patient(clinic, family_name=f"Patient {number}"),
            prescriber=people[Role.PRESCRIBER],
            therapist=therapist,
        )
        for number in range(10)
    ]
    start = (timezone.now() + timedelta(days=3)).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    hands = [
        Hand(
            committed_db, "book", episodes=[str(each.pk) for each in episodes], therapist=str(therapist.pk),
            starts_at=start.isoformat(), people=PEOPLE // PROCESSES, at_once=AT_ONCE,
        )
        for _ in range(PROCESSES)
    ]  # fmt: skip
    answers = [answer for answers in all_at_once(hands) for answer in answers]
    counts = Counter(answer.partition(":")[0] for answer in answers)
    assert counts == {"booked": 1, "refused": PEOPLE - 1}, Counter(answers)
    for answer in answers:
        assert answer == "booked" or "booked" in answer or "taken" in answer, answer
    assert AppointmentParticipant.objects.filter(person=therapist, is_live=True).count() == 1
    assert double_bookings() == 0
    say(f"{PEOPLE} people: {counts['booked']} booking, {counts['refused']} kind refusals, 0 errors")


def test_job_that_always_fails_ends_failed_and_a_person_sees_it(committed_db: str, say: Say) -> None:
    clinic, _ = make_clinic_at_work()
    manager = factories.make_member(clinic, Role.MANAGER)
    lost = str(clinic.pk)
    job = enqueue(kind=PLAN_JOB, key="lost", payload={"need": lost}, clinic=clinic)
    for _ in range(20):
        Job.objects.filter(pk=job.pk, state=JobState.PENDING).update(due_at=timezone.now())
        run_due()
    job.refresh_from_db()
    assert (job.state, job.attempts, job.last_error_class) == (JobState.FAILED, 8, "DoesNotExist")
    client = Client()
    client.force_login(manager)
    page = client.get(reverse("jobs:list")).content.decode()
    assert job.kind_words in page
    assert "DoesNotExist" in page
    say(f"{job.attempts} attempts, then {job.state}, shown to {Role.MANAGER}")
