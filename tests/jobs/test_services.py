"""Jobs inside one transaction: asking, taking, finishing, failing, sending off again."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from kapclinic.clinics.models import Clinic
from kapclinic.jobs import registry, services
from kapclinic.jobs.models import Job, JobState
from kapclinic.jobs.services import LEASE, backoff, enqueue, retry, run_due, take, work

pytestmark = pytest.mark.django_db
KIND = "made-up-work"


class Worker:
    """What the made-up handler was given; it raises `error` when there is one, and calls `meanwhile` first."""

    def __init__(self) -> None:
        self.payloads: list[dict[str, Any]] = []
        self.error: Exception | None = None
        self.meanwhile: Any = None
        self.again_at: datetime | None = None

    def __call__(self, payload: dict[str, Any], *, now: datetime) -> datetime | None:
        self.payloads.append(payload)
        if self.meanwhile is not None:
            self.meanwhile()
        if self.error is not None:
            raise self.error
        return self.again_at


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    """A handler of one made-up kind."""
    made_up = Worker()
    monkeypatch.setitem(registry._handlers, KIND, made_up)
    return made_up  # type: ignore[return-value]  # monkeypatch takes it away again


def _ask(key: str = "one", **changes: Any) -> Job:
    return enqueue(kind=KIND, key=key, payload=changes.pop("payload", {"id": 1}), **changes)


def test_work_is_done_once_when_it_is_asked_for_twice(worker: Worker) -> None:
    _ask()
    _ask()
    assert run_due() == 1
    assert worker.payloads == [{"id": 1}]
    assert Job.objects.get().state == JobState.DONE


def test_work_is_done_again_when_it_is_asked_for_after_it_was_done(worker: Worker) -> None:
    _ask()
    run_due()
    _ask(payload={"id": 2})
    run_due()
    assert worker.payloads == [{"id": 1}, {"id": 2}]


def test_work_stays_done_when_it_was_to_be_done_once(worker: Worker) -> None:
    _ask()
    run_due()
    _ask(once=True)
    assert run_due() == 0


def test_work_runs_once_more_when_it_is_asked_for_while_it_runs(worker: Worker) -> None:
    def ask_again() -> None:
        worker.meanwhile = None
        _ask(payload={"id": 2})

    worker.meanwhile = ask_again
    _ask()
    assert run_due() == 2
    assert worker.payloads == [{"id": 1}, {"id": 2}]
    assert Job.objects.get().state == JobState.DONE


def test_work_waits_for_the_time_that_it_named_itself(worker: Worker) -> None:
    worker.again_at = timezone.now() + timedelta(hours=1)
    _ask()
    assert run_due() == 1
    job = Job.objects.get()
    assert (job.state, job.due_at, job.attempts) == (JobState.PENDING, worker.again_at, 0)
    assert take(now=worker.again_at - timedelta(seconds=1)) is None
    assert take(now=worker.again_at) is not None


def test_work_runs_at_once_when_it_is_asked_for_while_it_names_a_later_time(worker: Worker) -> None:
    def ask_again() -> None:
        worker.meanwhile = worker.again_at = None
        _ask(payload={"id": 2})

    worker.meanwhile = ask_again
    worker.again_at = timezone.now() + timedelta(hours=1)
    _ask()
    assert run_due() == 2


def test_waiting_work_keeps_the_earlier_time_when_it_is_asked_for_again(worker: Worker) -> None:
    now = timezone.now()
    _ask(due_at=now + timedelta(hours=2))
    assert _ask(due_at=now + timedelta(hours=1)).due_at == now + timedelta(hours=1)
    assert _ask(due_at=now + timedelta(hours=3)).due_at == now + timedelta(hours=1)


@pytest.mark.parametrize(("seconds", "is_taken"), [(-1, False), (0, True), (1, True)])
def test_work_is_taken_when_its_time_has_come(worker: Worker, seconds: int, is_taken: bool) -> None:
    due_at = timezone.now()
    _ask(due_at=due_at)
    assert (take(now=due_at + timedelta(seconds=seconds)) is not None) is is_taken


@pytest.mark.parametrize(("seconds", "is_taken"), [(-1, False), (0, False), (1, True)])
def test_work_is_taken_over_when_its_lease_ran_out(worker: Worker, seconds: int, is_taken: bool) -> None:
    now = timezone.now()
    _ask(due_at=now)
    assert take(now=now) is not None
    assert (take(now=now + LEASE + timedelta(seconds=seconds)) is not None) is is_taken


def test_worker_that_lost_its_lease_changes_nothing_when_it_comes_back(worker: Worker) -> None:
    now = timezone.now()
    _ask(due_at=now)
    slow = take(now=now)
    quick = take(now=now + LEASE + timedelta(seconds=1))
    assert slow is not None
    assert quick is not None
    worker.error = RuntimeError("late")
    work(slow, now=now)
    job = Job.objects.get()
    assert job.state == JobState.RUNNING
    assert job.lease_token == quick.lease_token
    worker.error = None
    assert work(quick, now=now) == JobState.DONE


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [(0, 15), (1, 15), (2, 30), (3, 60), (8, 1920), (9, 3600), (10, 3600), (500, 3600)],
)
def test_wait_doubles_up_to_an_hour_when_work_fails_again(attempts: int, seconds: int) -> None:
    assert backoff(attempts) == timedelta(seconds=seconds)


def test_failure_is_written_down_and_tried_again_later_when_work_raises(worker: Worker) -> None:
    worker.error = ValueError("a secret that must not be kept")
    _ask()
    assert run_due() == 1
    job = Job.objects.get()
    assert job.state == JobState.PENDING
    assert job.last_error_class == "ValueError"
    assert job.due_at > timezone.now() + timedelta(seconds=10)


def test_work_waits_for_a_person_when_it_failed_too_often(worker: Worker) -> None:
    worker.error = ValueError()
    job = _ask()
    for _ in range(job.max_attempts):
        Job.objects.update(due_at=timezone.now())
        run_due()
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert run_due() == 0
    worker.error = None
    retry(job=job)
    retry(job=job)
    assert run_due() == 1
    job.refresh_from_db()
    assert job.state == JobState.DONE


def test_work_waits_for_a_person_when_its_worker_died_each_time(worker: Worker) -> None:
    now = timezone.now()
    job = _ask(due_at=now)
    for number in range(job.max_attempts):
        assert take(now=now + (LEASE + timedelta(seconds=1)) * number) is not None
    last = now + (LEASE + timedelta(seconds=1)) * job.max_attempts
    lost = take(now=last)
    assert lost is not None
    assert work(lost, now=last) == JobState.FAILED
    job.refresh_from_db()
    assert job.last_error_class == "WorkerLost"
    assert worker.payloads == []


def test_other_work_goes_on_when_one_piece_is_poisonous(worker: Worker) -> None:
    def poison_first() -> None:
        worker.error = ValueError() if len(worker.payloads) == 1 else None

    worker.meanwhile = poison_first
    _ask("one")
    _ask("two", payload={"id": 2})
    assert run_due() == 2
    assert sorted(Job.objects.values_list("state", flat=True)) == [JobState.DONE, JobState.PENDING]


def test_queue_is_left_alone_when_another_one_is_run(worker: Worker) -> None:
    _ask("one", queue="documents")
    assert run_due(queue="default") == 0
    assert run_due(queue="documents") == 1


def test_unknown_kind_is_refused_when_asked_for() -> None:
    with pytest.raises(KeyError):
        enqueue(kind="nobody does this", key="x", payload={})


def test_second_handler_is_refused_when_a_kind_has_one(worker: Worker) -> None:
    with pytest.raises(ValueError, match="two handlers"):
        registry.handler(KIND)(lambda payload, *, now: None)


def test_every_kind_has_a_handler_when_the_program_has_started() -> None:
    assert {"send_invitation"} <= registry.kinds()


@pytest.mark.parametrize("fields", [{"state": "running"}, {"state": "done"}])
def test_database_refuses_a_state_when_it_is_not_whole(worker: Worker, fields: dict[str, str]) -> None:
    job = _ask()
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(**fields)


def test_look_and_sweep_do_due_work_when_a_message_comes(worker: Worker) -> None:
    from kapclinic.jobs.tasks import look, run_queue

    job = _ask()
    look(str(job.pk))
    look(str(job.pk))
    _ask("two", payload={"id": 2})
    run_queue("default")
    assert worker.payloads == [{"id": 1}, {"id": 2}]
    services.beat("sweep", timezone.now())
    services.beat("sweep", timezone.now())


@pytest.mark.parametrize(("minutes", "is_asked"), [(-1, False), (0, True), (1, True)])
def test_daily_work_is_asked_for_once_when_its_time_of_day_has_come(
    worker: Worker, clinic: Clinic, monkeypatch: pytest.MonkeyPatch, minutes: int, is_asked: bool
) -> None:
    monkeypatch.setattr(registry, "_daily", {KIND: time(3, 0)})
    three = datetime(2026, 11, 1, 3, 0, tzinfo=clinic.zone)
    asked = [services.ask_for_daily_work(three + timedelta(minutes=minutes)) for _ in range(2)]
    assert asked == [int(is_asked), 0]
    assert list(Job.objects.values_list("payload", flat=True)) == (
        [{"clinic": str(clinic.pk), "day": "2026-11-01"}] if is_asked else []
    )


def test_daily_work_stays_done_when_the_day_goes_on(
    worker: Worker, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_daily", {KIND: time(0, 0)})
    now = timezone.now()
    services.ask_for_daily_work(now)
    run_due()
    services.ask_for_daily_work(now)
    assert run_due() == 0
    assert len(worker.payloads) == 1
