"""Breaking the glass: who may, what it opens and what not, when it ends, who hears of it, and the review."""

from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from episodes.models import Episode, Patient
from kapclinic.accounts import policy
from kapclinic.accounts.models import Role, User
from kapclinic.accounts.policy import TABLE, Relation
from kapclinic.breakglass.models import EmergencyAccess, EmergencyReading, Verdict
from kapclinic.breakglass.services import (
    WATCH_REVIEW,
    break_glass,
    call_for_review,
    end_access,
    review_access,
)
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Refused
from kapclinic.jobs.models import Job
from kapclinic.jobs.services import run_due
from kapclinic.notices.models import Notice, Task, Urgency
from tests import factories

pytestmark = pytest.mark.django_db
READS = frozenset(
    {
        "patient.view", "episode.view", "chart.view", "attachment.view", "screening.view", "preparation.read", "dose.view",
        "integration.read", "handoff.status", "handoff.read", "document.read",
    }
)  # fmt: skip
CLINICAL = (Role.NURSE, Role.THERAPIST, Role.PRESCRIBER)


def _break(patient: Patient, user: User, **kwargs) -> EmergencyAccess:
    actor = factories.make_actor(user, patient.clinic)
    return break_glass(
        patient=patient, reason=kwargs.pop("reason", "Found unconscious"), actor=actor, **kwargs
    )


def _codes(error) -> list[str]:
    return [reason.code for reason in error.value.reasons]


def _browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    factories.prove(client, user)
    return client


def _chart(episode: Episode) -> str:
    return reverse("desk:chart", kwargs={"public_id": episode.public_id})


@pytest.fixture
def access(episode: Episode, therapist_off_team: User, manager: User) -> EmergencyAccess:
    """A therapist who is not on the team reads the patient's record since a moment."""
    return _break(episode.patient, therapist_off_team)


# What it opens


def test_glass_opens_reading_alone_and_to_clinicians_alone() -> None:
    opened = {
        action: roles for action, roles in TABLE.items() if any(Relation.GLASS in r for r in roles.values())
    }
    assert set(opened) == READS
    for action, roles in opened.items():
        assert {role for role, relations in roles.items() if Relation.GLASS in relations} <= set(CLINICAL), (
            action
        )


@pytest.mark.parametrize("role", CLINICAL)
def test_record_is_read_under_it_and_not_without_it(
    clinic: Clinic, episode: Episode, manager: User, role: Role
) -> None:
    person = factories.make_member(clinic, role)
    browser = _browser(person)
    assert browser.get(_chart(episode)).status_code in {403, 404}
    _break(episode.patient, person)
    assert browser.get(_chart(episode)).status_code == 200
    assert episode in Episode.objects.visible_to(factories.make_actor(person, clinic))


def test_other_patients_stay_closed(
    clinic: Clinic, access: EmergencyAccess, coordinator: User, prescriber: User, therapist_off_team: User
) -> None:
    other = factories.make_patient(clinic, coordinator, given_name="Ana")
    other_episode = factories.make_episode(other, prescriber=prescriber)
    assert _browser(therapist_off_team).get(_chart(other_episode)).status_code == 404


def test_nothing_is_changed_under_it(
    access: EmergencyAccess, episode: Episode, therapist_off_team: User
) -> None:
    actor = factories.make_actor(therapist_off_team, episode.clinic)
    allowed = {action for action in TABLE if policy.relation_for(actor, action, episode) is Relation.GLASS}
    assert allowed <= READS


def test_team_reads_as_the_team_also_while_somebody_breaks_the_glass(
    access: EmergencyAccess, episode: Episode, therapist: User
) -> None:
    answer = _browser(therapist).get(_chart(episode))
    assert "Emergency access" not in answer.text
    assert not EmergencyReading.objects.exists()


# When it ends


@pytest.mark.parametrize(("age", "is_open"), [(-1, True), (0, False), (1, False)])
def test_record_closes_at_the_end_of_the_hour(
    access: EmergencyAccess, episode: Episode, therapist_off_team: User, age: int, is_open: bool
) -> None:
    actor = factories.make_actor(therapist_off_team, episode.clinic)
    with time_machine.travel(access.until + timedelta(seconds=age), tick=False):
        assert policy.can(actor, "chart.view", episode) is is_open


def test_clinic_sets_how_long_it_lasts(access: EmergencyAccess) -> None:
    assert access.until - access.opened_at == timedelta(minutes=60)
    assert access.minutes_left(access.opened_at) == 60
    assert access.minutes_left(access.until - timedelta(seconds=1)) == 1
    assert access.minutes_left(access.until) == 0


def test_person_ends_it_at_the_banner_and_twice_changes_nothing(
    access: EmergencyAccess, episode: Episode, therapist_off_team: User
) -> None:
    browser = _browser(therapist_off_team)
    assert "60</span> min" in browser.get(_chart(episode)).text
    end = reverse("breakglass:end", kwargs={"pk": access.pk})
    assert browser.post(end).status_code == 302
    assert browser.get(_chart(episode)).status_code == 404
    assert not end_access(access=access, actor=therapist_off_team)


def test_banner_stands_on_each_page_of_the_patient(
    access: EmergencyAccess, episode: Episode, therapist_off_team: User
) -> None:
    browser = _browser(therapist_off_team)
    pages = [
        _chart(episode),
        reverse("episodes:patient-detail", kwargs={"public_id": episode.patient.public_id}),
        reverse("episodes:episode-detail", kwargs={"public_id": episode.public_id}),
    ]
    for page in pages:
        assert "End now" in browser.get(page).text, page
    assert "glass-banner" not in browser.get("/").text
    read = EmergencyReading.objects.values_list("page", "access")
    assert sorted(read) == sorted(
        [
            ("desk:chart", access.pk),
            ("episodes:patient-detail", access.pk),
            ("episodes:episode-detail", access.pk),
        ]
    )


# Opening it


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"reason": "Found unconscious"}, "Enter the id, or family name and date of birth."),
        ({"reason": "Found unconscious", "family_name": "Demo"}, "Enter the id, or family name"),
        (
            {"reason": "Found unconscious", "family_name": "Nobody", "date_of_birth": "1987-03-14"},
            "Nobody here",
        ),
        ({"reason": "Found unconscious", "public_id": "P-NOBODY"}, "Nobody here"),
        ({"reason": "  ", "family_name": "Demo", "date_of_birth": "1987-03-14"}, "This field is required"),
    ],
)
def test_form_says_what_is_missing_and_keeps_what_was_typed(
    episode: Episode, therapist_off_team: User, fields: dict[str, str], error: str
) -> None:
    answer = _browser(therapist_off_team).post(reverse("breakglass:open"), fields)
    assert answer.status_code == 422
    assert error in answer.text
    assert fields["reason"].strip() in answer.text
    assert not EmergencyAccess.objects.exists()


def test_person_opens_it_by_name_and_birth_and_is_led_to_the_record(
    episode: Episode, therapist_off_team: User, manager: User
) -> None:
    fields = {"family_name": "demo", "date_of_birth": "1987-03-14", "reason": "Found unconscious"}
    browser = _browser(therapist_off_team)
    answer = browser.post(reverse("breakglass:open"), fields)
    assert browser.get(answer.url).status_code == 200


def test_person_proves_who_they_are_before_it(episode: Episode, therapist_off_team: User) -> None:
    client = Client()
    client.force_login(therapist_off_team)
    assert client.get(reverse("breakglass:open")).url.startswith(reverse("account_reauthenticate"))


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.MANAGER])
def test_others_may_not_break_the_glass(clinic: Clinic, role: Role) -> None:
    assert _browser(factories.make_member(clinic, role)).get(reverse("breakglass:open")).status_code == 403


def test_patient_of_another_clinic_is_not_found(
    other_clinic: Clinic, therapist_off_team: User, clinic: Clinic
) -> None:
    stranger = factories.make_patient(other_clinic)
    fields = {"public_id": stranger.public_id, "reason": "Found unconscious"}
    assert "Nobody here" in _browser(therapist_off_team).post(reverse("breakglass:open"), fields).text


def test_team_needs_none(episode: Episode, therapist: User) -> None:
    with pytest.raises(Refused) as error:
        _break(episode.patient, therapist)
    assert _codes(error) == ["has-access"]


def test_second_one_is_refused_while_one_is_open(
    clinic: Clinic, access: EmergencyAccess, coordinator: User, therapist_off_team: User
) -> None:
    other = factories.make_patient(clinic, coordinator, given_name="Ana")
    with pytest.raises(Refused) as error:
        _break(other, therapist_off_team)
    assert _codes(error) == ["one-at-a-time"]
    with pytest.raises(IntegrityError), transaction.atomic():
        EmergencyAccess.objects.create(
            clinic=clinic, user=therapist_off_team, patient=other, reason="x", opened_at=access.opened_at,
            until=access.until,
        )  # fmt: skip
    # The same one asked for once more is the one that is open.
    assert _break(access.patient, therapist_off_team, reason="Pressed twice") == access
    assert Task.objects.filter(kind="emergency-access-review").count() == 1
    end_access(access=access, actor=therapist_off_team)
    assert _break(other, therapist_off_team).is_open_at(timezone.now())


# Who hears of it


def test_managers_hear_of_it_at_once_and_owe_a_review(access: EmergencyAccess, manager: User) -> None:
    notice = Notice.objects.get(receiver=manager)
    assert notice.urgency == Urgency.NOW
    assert "Mei" not in notice.title, "e-mail tells of notices: no patient in their title"
    task = Task.objects.get(kind="emergency-access-review")
    assert task.is_open
    assert task.due_at == access.opened_at + timedelta(hours=72)
    page = _browser(manager).get(task.url)
    assert "Found unconscious" in page.text


def test_overdue_review_is_called_for_every_day_until_it_is_closed(
    access: EmergencyAccess, manager: User, therapist_off_team: User
) -> None:
    end_access(access=access, actor=therapist_off_team)
    job = Job.objects.get(kind=WATCH_REVIEW)
    for days in (3, 4):
        with time_machine.travel(access.opened_at + timedelta(days=days, minutes=1), tick=False):
            run_due()
        assert Notice.objects.filter(receiver=manager, key__contains=f"overdue:{days}").exists()
    assert Task.objects.get(kind="emergency-access-review").urgency == Urgency.NOW
    review_access(access=access, verdict=Verdict.JUSTIFIED, comment="Spoke with the team.", actor=manager)
    with time_machine.travel(access.opened_at + timedelta(days=6), tick=False):
        run_due()
    job.refresh_from_db()
    assert job.state == "done"


# The review


def test_call_for_a_review_opens_nothing_when_it_is_closed_at_that_moment(
    access: EmergencyAccess, manager: User
) -> None:
    end_access(access=access, actor=access.user)
    before = EmergencyAccess.objects.get(pk=access.pk)
    review_access(access=access, verdict=Verdict.JUSTIFIED, comment="Right.", actor=manager)
    assert call_for_review(access=before, now=timezone.now() + timedelta(days=2)) is None
    assert not Task.objects.get(key__contains=str(access.pk)).is_open


def test_review_closes_with_verdict_and_comment(
    access: EmergencyAccess, manager: User, therapist_off_team: User
) -> None:
    end_access(access=access, actor=manager)
    browser = _browser(manager)
    page = reverse("breakglass:review", kwargs={"pk": access.pk})
    assert browser.post(page, {"verdict": "justified", "comment": " "}).status_code == 422
    fields = {"verdict": "not-justified", "comment": "There was no emergency."}
    assert browser.post(page, fields).url == reverse("breakglass:index")
    assert browser.post(page, fields).status_code == 302, "pressing twice changes nothing"
    answer = browser.post(page, {"verdict": "justified", "comment": "Another mind"})
    assert "reviewed in the meantime" in answer.text
    assert not Task.objects.get(kind="emergency-access-review").is_open
    told = Notice.objects.get(receiver=therapist_off_team)
    assert "There was no emergency." in _browser(therapist_off_team).get(told.url).text


def test_review_waits_until_the_access_has_ended(access: EmergencyAccess, manager: User) -> None:
    with pytest.raises(Refused) as error:
        review_access(access=access, verdict=Verdict.JUSTIFIED, comment="ok", actor=manager)
    assert _codes(error) == ["still-open"]


@pytest.mark.parametrize("is_only_manager", [True, False])
def test_nobody_reviews_their_own_unless_there_is_no_other_manager(
    clinic: Clinic, episode: Episode, is_only_manager: bool
) -> None:
    person = factories.make_member(clinic, Role.THERAPIST, Role.MANAGER)
    if not is_only_manager:
        factories.make_member(clinic, Role.MANAGER)
    mine = _break(episode.patient, person)
    end_access(access=mine, actor=person)
    if is_only_manager:
        assert review_access(access=mine, verdict="justified", comment="Alone here", actor=person).reviewed_at
    else:
        with pytest.raises(Refused) as error:
            review_access(access=mine, verdict="justified", comment="My own", actor=person)
        assert _codes(error) == ["own-access"]


def test_task_is_not_ticked_off_in_the_inbox(access: EmergencyAccess, manager: User) -> None:
    task = Task.objects.get(kind="emergency-access-review")
    _browser(manager).post(reverse("notices:task-complete", kwargs={"pk": task.pk}))
    task.refresh_from_db()
    assert task.is_open
