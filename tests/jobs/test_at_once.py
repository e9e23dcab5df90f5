"""Jobs on a database with real commits and workers side by side."""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from kapclinic.jobs import registry
from kapclinic.jobs.models import Job, JobState
from kapclinic.jobs.services import ask_for_daily_work, enqueue, run_due, take
from tests import factories

KIND = "made-up-work"


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the made-up handler did, in order."""
    numbers: list[int] = []

    def handle(payload: dict[str, Any], *, now: datetime) -> None:
        numbers.append(payload["id"])

    monkeypatch.setitem(registry._handlers, KIND, handle)
    return numbers


def _side_by_side(count: int, act: Callable[[], object]) -> list[object]:
    start = threading.Barrier(count)
    results: list[object] = []

    def run() -> None:
        try:
            start.wait()
            results.append(act())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_work_is_asked_for_again_where_the_caller_has_no_transaction(
    committed_db: str, done: list[int]
) -> None:
    for number in (1, 2):
        enqueue(kind=KIND, key="each-night", payload={"id": number})
        assert run_due() == 1
    assert done == [1, 2]


def test_each_job_is_done_once_when_four_workers_take_from_forty(committed_db: str, done: list[int]) -> None:
    now = timezone.now()
    for number in range(40):
        Job.objects.create(kind=KIND, key=f"made-up:{number}", payload={"id": number}, due_at=now)
    counts = _side_by_side(4, run_due)
    assert sum(counts) == 40  # type: ignore[arg-type]  # numbers
    assert sorted(done) == list(range(40))
    assert Job.objects.filter(state=JobState.DONE).count() == 40


def test_one_worker_gets_it_when_four_reach_for_the_same_job(committed_db: str, done: list[int]) -> None:
    now = timezone.now()
    job = Job.objects.create(kind=KIND, key="made-up", payload={"id": 1}, due_at=now)
    taken = _side_by_side(4, lambda: take(now=now, job_id=job.pk))
    assert len([one for one in taken if one is not None]) == 1


def test_one_row_is_written_when_four_ask_for_the_same_work(committed_db: str, done: list[int]) -> None:
    def ask() -> None:
        with transaction.atomic():
            enqueue(kind=KIND, key="made-up", payload={"id": 1})

    _side_by_side(4, ask)
    job = Job.objects.get()
    assert job.asked == 4
    run_due()
    assert done == [1]


def test_days_work_is_written_once_when_four_sweeps_ask_for_it(committed_db: str, done: list[int]) -> None:
    factories.make_clinic()
    now = timezone.now().replace(hour=23)
    written = _side_by_side(4, lambda: ask_for_daily_work(now))
    assert len(written) == 4
    assert Job.objects.count() == len(registry.daily_kinds()) > 0


def test_work_is_forgotten_when_the_change_that_asked_for_it_is_rolled_back(
    committed_db: str, done: list[int]
) -> None:
    with transaction.atomic():
        enqueue(kind=KIND, key="made-up", payload={"id": 1})
        transaction.set_rollback(True)
    assert not Job.objects.exists()


def test_lease_is_committed_before_the_work_begins(
    committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[str] = []

    def look_from_elsewhere(payload: dict[str, Any], *, now: datetime) -> None:
        def read() -> None:
            states.append(Job.objects.get().state)
            connection.close()

        thread = threading.Thread(target=read)
        thread.start()
        thread.join()

    monkeypatch.setitem(registry._handlers, KIND, look_from_elsewhere)
    Job.objects.create(kind=KIND, key="made-up", payload={}, due_at=timezone.now())
    run_due()
    assert states == [JobState.RUNNING]
