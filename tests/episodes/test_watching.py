"""A sharing consent that ends is named some days before: to the coordinator once, and where the consents stand."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from episodes.models import Episode
from episodes.services import revoke_consent
from episodes.services.watching import ENDS_TASK, watch_sharing_consents
from kapclinic.accounts.models import Role, User
from kapclinic.jobs.services import ask_for_daily_work, run_due
from kapclinic.notices.models import Task
from kapclinic.notices.services import complete_task
from tests import factories

pytestmark = pytest.mark.django_db


def consent_until(episode: Episode, actor: User, days: int, *categories: str, **details: Any) -> Any:
    today = timezone.localtime(timezone=episode.clinic.zone).date()
    return factories.make_sharing_consent(
        episode, actor, list(categories) or ["scores"], expires_on=today + timedelta(days=days), **details
    )


def open_tasks() -> list[Task]:
    return list(Task.objects.filter(kind=ENDS_TASK, done_at__isnull=True, withdrawn_at__isnull=True))


def watch(episode: Episode, now: datetime | None = None) -> list[Task]:
    watch_sharing_consents(clinic=episode.clinic, now=now or timezone.now())
    return open_tasks()


@pytest.mark.parametrize(("days", "is_named"), [(0, True), (14, True), (15, False)])
def test_consent_is_named_from_the_clinics_days_before_its_last(
    episode: Episode, nurse: User, days: int, is_named: bool
) -> None:
    consent_until(episode, nurse, days)
    assert len(watch(episode)) == int(is_named)
    client = Client()
    client.force_login(nurse)
    page = client.get(reverse("episodes:consents", args=[episode.public_id])).content.decode()
    assert ("ends soon" in page) is is_named
    assert ("Sharing consent ends" in page) is is_named, "and on the banner of every page"


def test_coordinator_is_asked_once_by_the_job_of_the_night(
    episode: Episode, nurse: User, coordinator: User
) -> None:
    consent_until(episode, nurse, 5)
    night = timezone.localtime(timezone=episode.clinic.zone).replace(hour=3, minute=1) + timedelta(days=1)
    with time_machine.travel(night, tick=False):
        for _ in range(2):
            ask_for_daily_work(night)
            run_due()
        (task,) = open_tasks()
    assert task.role == Role.COORDINATOR
    assert task.episode == episode
    assert "scores" not in f"{task.title} {task.detail}".lower(), "a task says nothing of what is shared"
    complete_task(task=task, actor=coordinator)
    assert watch(episode, night + timedelta(days=1)) == [], "ticked off: it does not come again"


def test_task_goes_when_the_consent_is_revoked_or_carried_on_and_stays_when_nobody_answers(
    episode: Episode, nurse: User
) -> None:
    consent = consent_until(episode, nurse, 3, "scores", "dose")
    assert len(watch(episode)) == 1
    consent_until(episode, nurse, 200, "scores")
    assert len(watch(episode)) == 1, "the new one covers less"
    assert len(watch(episode, timezone.now() + timedelta(days=10))) == 1, "ended and never answered"
    newer = consent_until(episode, nurse, 200, "scores", "dose", "themes")
    assert watch(episode) == []
    revoke_consent(consent=newer, how="By phone", actor=nurse)
    assert len(watch(episode)) == 1, "what carried it on is gone"
    revoke_consent(consent=consent, how="By phone", actor=nurse)
    assert watch(episode) == []
