"""The page of the work in the background."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kapclinic.accounts.models import User
from kapclinic.clinics.models import Clinic
from kapclinic.jobs.models import Job, JobState

pytestmark = pytest.mark.django_db


def _failed(clinic: Clinic | None, number: int = 0) -> Job:
    now = timezone.now()
    return Job.objects.create(
        clinic=clinic, kind="render_document", key=f"made-up:{number}:{clinic}", state=JobState.FAILED, due_at=now, attempts=8,
        last_error_class="MemoryError", last_error_at=now,
    )  # fmt: skip


def test_failed_work_is_shown_and_sent_off_again(client: Client, clinic: Clinic, coordinator: User) -> None:
    job = _failed(clinic)
    client.force_login(coordinator)
    text = client.get(reverse("jobs:list")).text
    assert "Render document" in text
    assert "MemoryError" in text
    assert client.post(reverse("jobs:retry", kwargs={"pk": job.pk})).status_code == 302
    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.PENDING, 0)


def test_work_of_another_clinic_stays_unseen(
    client: Client, clinic: Clinic, other_clinic: Clinic, manager: User
) -> None:
    job = _failed(other_clinic)
    client.force_login(manager)
    assert "Render document" not in client.get(reverse("jobs:list")).text
    assert client.post(reverse("jobs:retry", kwargs={"pk": job.pk})).status_code == 404
    client.post(reverse("jobs:retry-all"))
    job.refresh_from_db()
    assert job.state == JobState.FAILED


def test_all_failed_work_goes_off_again_when_asked(client: Client, clinic: Clinic, manager: User) -> None:
    for number in range(3):
        _failed(clinic, number)
    client.force_login(manager)
    client.post(reverse("jobs:retry-all"))
    assert not Job.objects.failed().exists()


def test_page_costs_the_same_when_the_list_is_long(
    client: Client, clinic: Clinic, manager: User, django_assert_num_queries
) -> None:
    client.force_login(manager)
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    _failed(clinic, 1000)
    client.get(reverse("jobs:list"))
    with CaptureQueriesContext(connection) as few:
        client.get(reverse("jobs:list"))
    for number in range(30):
        _failed(clinic, number)
    with django_assert_num_queries(len(few)):
        client.get(reverse("jobs:list"))
