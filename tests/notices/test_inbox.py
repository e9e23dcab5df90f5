"""Tasks that people owe, notices to them, and the page that shows both."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from episodes.models import Episode
from kapclinic.accounts.models import Role, User
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Refused
from kapclinic.notices import kinds
from kapclinic.notices.models import Notice, Task
from kapclinic.notices.reach import tasks_owed_by
from kapclinic.notices.services import close_task, complete_by_hand, complete_task, notify, open_task
from tests import factories

pytestmark = pytest.mark.django_db
INBOX = "notices:inbox"


def _open(clinic: Clinic, **changes: Any) -> Task:
    fields: dict[str, Any] = {
        "clinic": clinic, "key": f"made-up:{uuid.uuid4()}", "kind": "made-up", "title": "Ring the patient",
        "role": Role.NURSE, **changes,
    }  # fmt: skip
    return open_task(**fields)


def _owed(user: User, clinic: Clinic) -> set[Task]:
    return set(tasks_owed_by(factories.make_actor(user, clinic)))


def test_task_is_one_when_it_is_opened_twice(clinic: Clinic) -> None:
    first = _open(clinic, key="same", title="First words")
    second = _open(clinic, key="same", title="Newer words")
    assert first == second
    assert Task.objects.get().title == "Newer words"


def test_task_opens_again_when_its_cause_returns(clinic: Clinic, nurse: User) -> None:
    task = _open(clinic, key="same")
    complete_task(task=task, actor=nurse)
    assert _open(clinic, key="same").is_open


def test_task_is_done_once_when_two_people_press(clinic: Clinic, nurse: User, therapist: User) -> None:
    task = _open(clinic)
    assert complete_task(task=task, actor=nurse, outcome="rang")
    assert not complete_task(task=task, actor=therapist, outcome="rang too")
    task.refresh_from_db()
    assert (task.done_by, task.outcome) == (nurse, "rang")


def test_task_is_withdrawn_when_its_cause_falls_away(clinic: Clinic) -> None:
    task = _open(clinic, key="same")
    close_task(key="same")
    task.refresh_from_db()
    assert task.withdrawn_at is not None
    assert task.done_at is None


def test_task_of_a_role_belongs_to_its_holders_when_no_episode_is_meant(
    clinic: Clinic, nurse: User, therapist: User
) -> None:
    task = _open(clinic)
    assert _owed(nurse, clinic) == {task}
    assert _owed(therapist, clinic) == set()


def test_task_of_a_role_belongs_to_the_team_when_an_episode_is_meant(
    clinic: Clinic, episode: Episode, nurse: User
) -> None:
    task = _open(clinic, episode=episode)
    elsewhere = factories.make_member(clinic, Role.NURSE)
    assert _owed(nurse, clinic) == {task}
    assert _owed(elsewhere, clinic) == set()


def test_task_of_a_person_is_nobody_elses(clinic: Clinic, nurse: User) -> None:
    other = factories.make_member(clinic, Role.NURSE)
    task = _open(clinic, person=other)
    assert _owed(other, clinic) == {task}
    assert _owed(nurse, clinic) == set()


def test_task_stays_at_its_clinic_when_a_person_works_at_two(
    clinic: Clinic, other_clinic: Clinic, nurse: User
) -> None:
    _open(other_clinic, person=nurse)
    assert _owed(nurse, clinic) == set()


def test_task_is_ticked_off_with_what_came_of_it(client: Client, clinic: Clinic, nurse: User) -> None:
    task = _open(clinic)
    client.force_login(nurse)
    assert "Ring the patient" in client.get(reverse(INBOX)).text
    client.post(reverse("notices:task-complete", kwargs={"pk": task.pk}), {"outcome": "  reached, fine  "})
    task.refresh_from_db()
    assert (task.done_by, task.outcome) == (nurse, "reached, fine")
    assert "Done by you lately" in client.get(reverse(INBOX)).text


def test_task_is_not_found_when_it_is_somebody_elses(client: Client, clinic: Clinic, therapist: User) -> None:
    task = _open(clinic)
    client.force_login(therapist)
    assert client.post(reverse("notices:task-complete", kwargs={"pk": task.pk})).status_code == 404
    task.refresh_from_db()
    assert task.is_open


def test_task_is_not_ticked_off_when_only_the_work_ends_it(
    client: Client, clinic: Clinic, nurse: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kinds, "_ended_by_work", {"made-up"})
    task = _open(clinic)
    with pytest.raises(Refused):
        complete_by_hand(task=task, actor=nurse)
    client.force_login(nurse)
    answer = client.post(reverse("notices:task-complete", kwargs={"pk": task.pk}), follow=True)
    assert "ends when the work itself is recorded" in answer.text
    assert f"done-{task.pk}" not in answer.text


def test_notice_comes_once_when_it_is_sent_twice(clinic: Clinic, nurse: User) -> None:
    for _ in range(2):
        notify(clinic=clinic, receivers=[nurse], key="same", title="Made up")
    assert Notice.objects.count() == 1


def test_notice_is_read_when_it_is_opened(client: Client, clinic: Clinic, nurse: User) -> None:
    notify(clinic=clinic, receivers=[nurse], key="same", title="Made up", url=reverse("accounts:self"))
    notice = Notice.objects.get()
    client.force_login(nurse)
    assert "1 unread" in client.get(reverse(INBOX)).text
    assert client.post(reverse("notices:open", kwargs={"pk": notice.pk})).url == reverse("accounts:self")
    assert "0 unread" in client.get(reverse(INBOX)).text


def test_notice_leads_nowhere_else_when_its_address_is_foreign(
    client: Client, clinic: Clinic, nurse: User
) -> None:
    notify(clinic=clinic, receivers=[nurse], key="same", title="Made up", url="https://elsewhere.example/")
    client.force_login(nurse)
    assert client.post(reverse("notices:open", kwargs={"pk": Notice.objects.get().pk})).url == reverse(INBOX)


def test_notices_of_others_stay_unread_when_a_person_reads_all(
    client: Client, clinic: Clinic, nurse: User, therapist: User
) -> None:
    notify(clinic=clinic, receivers=[nurse, therapist], key="same", title="Made up")
    client.force_login(nurse)
    client.post(reverse("notices:read-all"))
    assert Notice.objects.get(receiver=nurse).read_at is not None
    assert Notice.objects.get(receiver=therapist).read_at is None
    assert (
        client.post(
            reverse("notices:open", kwargs={"pk": Notice.objects.get(receiver=therapist).pk})
        ).status_code
        == 404
    )


def test_inbox_costs_the_same_when_it_is_full(
    client: Client, clinic: Clinic, episode: Episode, nurse: User, django_assert_num_queries
) -> None:
    client.force_login(nurse)

    def fill(count: int) -> None:
        for _ in range(count):
            _open(clinic, episode=episode, due_at=timezone.now() + timedelta(hours=1))
            notify(clinic=clinic, receivers=[nurse], key=str(uuid.uuid4()), title="Made up")

    fill(1)
    client.get(reverse(INBOX))
    with CaptureQueriesContext(connection) as few:
        client.get(reverse(INBOX))
    fill(25)
    with django_assert_num_queries(len(few)):
        client.get(reverse(INBOX))
