"""Tasks that are mine: in person, by role, and only on episodes within my rights."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from episodes.models import Episode
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.models import Clinic
from kapclinic.desk.owed import tone_of, when_in_words
from kapclinic.notices.models import Task, Urgency
from kapclinic.notices.reach import tasks_owed_by as tasks_of
from kapclinic.notices.services import complete_task, open_task
from tests import factories

pytestmark = pytest.mark.django_db

# 11:12 in Denver.
NOW = datetime(2026, 11, 24, 18, 12, tzinfo=UTC)


def task(clinic: Clinic, role: Role, **fields: object) -> Task:
    return open_task(clinic=clinic, key=uuid.uuid4().hex, kind="k", title="Do it", role=role, **fields)  # type: ignore[arg-type]  # a test passes fields on


def test_task_is_theirs_when_it_goes_to_their_role_on_their_episode(
    clinic: Clinic, episode: Episode, therapist: User, therapist_off_team: User, coordinator: User
) -> None:
    one = task(clinic, Role.THERAPIST, episode=episode)
    assert list(tasks_of(factories.make_actor(therapist, clinic))) == [one]
    assert not tasks_of(factories.make_actor(therapist_off_team, clinic)).exists()
    assert not tasks_of(factories.make_actor(coordinator, clinic)).exists()


def test_task_is_the_persons_alone_when_it_names_one(
    clinic: Clinic, therapist: User, therapist_off_team: User
) -> None:
    one = task(clinic, Role.THERAPIST, person=therapist)
    assert list(tasks_of(factories.make_actor(therapist, clinic))) == [one]
    assert not tasks_of(factories.make_actor(therapist_off_team, clinic)).exists()


def test_task_without_an_episode_belongs_to_the_whole_role(
    clinic: Clinic, coordinator: User, nurse: User
) -> None:
    one = task(clinic, Role.COORDINATOR)
    assert list(tasks_of(factories.make_actor(coordinator, clinic))) == [one]
    assert not tasks_of(factories.make_actor(nurse, clinic)).exists()


def test_done_and_other_clinics_tasks_are_not_owed(
    clinic: Clinic, other_clinic: Clinic, coordinator: User
) -> None:
    done = task(clinic, Role.COORDINATOR)
    complete_task(task=done, actor=coordinator)
    task(other_clinic, Role.COORDINATOR)
    assert not tasks_of(factories.make_actor(coordinator, clinic)).exists()


@pytest.mark.parametrize(
    ("urgency", "hours", "words", "tone"),
    [
        (Urgency.NOW, None, "now", "red"),
        (Urgency.TODAY, None, "today", "amber"),
        (Urgency.ROUTINE, None, "when you can", "neutral"),
        (Urgency.NOW, 1, "now, by 12:12", "red"),
        (Urgency.ROUTINE, 5, "by 16:12", "amber"),
        (Urgency.ROUTINE, 20, "tomorrow 07:12", "amber"),
        (Urgency.ROUTINE, 24, "tomorrow 11:12", "amber"),
        (Urgency.ROUTINE, 25, "tomorrow 12:12", "neutral"),
        (Urgency.ROUTINE, 80, "by Fri 27 Nov", "neutral"),
        (Urgency.ROUTINE, -1, "overdue since 10:12", "red"),
        (Urgency.ROUTINE, -30, "overdue since Mon 23 Nov", "red"),
    ],
)
def test_when_is_said_in_the_clinics_time(
    clinic: Clinic, coordinator: User, urgency: Urgency, hours: int | None, words: str, tone: str
) -> None:
    due = None if hours is None else NOW + timedelta(hours=hours)
    one = Task(clinic=clinic, title="x", role=Role.COORDINATOR, urgency=urgency, due_at=due)
    actor = factories.make_actor(coordinator, clinic)
    assert when_in_words(one, now=NOW, actor=actor) == words
    assert tone_of(one, NOW) == tone
