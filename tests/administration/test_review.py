"""The managers' review of the record: looking for events, the export, unusual reads and their answers."""

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from episodes.models import Episode, Patient
from kapclinic.accounts.models import Role, User
from kapclinic.accounts.policy import Relation
from kapclinic.administration.jobs import mail_chain_head
from kapclinic.administration.services import find_unusual_reads, review_read
from kapclinic.audit.models import AccessEvent, Oddity, Outcome, ReadReview, Seal, UnusualRead, Verdict
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Refused
from tests import factories

pytestmark = pytest.mark.django_db
EVENTS, EXPORT, UNUSUAL = (
    reverse(f"administration:review-{name}") for name in ("events", "export", "unusual")
)


def _event(clinic: Clinic | None, user: User | None, **fields: Any) -> AccessEvent:
    values = {"action": "chart.view", "outcome": Outcome.ALLOWED, **fields}
    return AccessEvent.objects.create(
        clinic_id=clinic.pk if clinic else None, user_id=user.pk if user else None, **values
    )


@pytest.fixture
def desk(client: Client, manager: User) -> Client:
    """The manager's browser, in which they proved who they are a moment ago."""
    client.force_login(manager)
    factories.prove(client, manager)
    return client


def _body(**changes: str) -> dict[str, str]:
    today = timezone.now()
    period = {
        "since": f"{today - timedelta(days=2):%Y-%m-%d}",
        "until": f"{today + timedelta(days=1):%Y-%m-%d}",
    }
    return period | changes


def _people(answer: Any) -> list[str]:
    return [line.person for line in answer.context["lines"]]


def test_events_are_found_by_patient_person_action_and_outcome(
    desk: Client, clinic: Clinic, episode: Episode, nurse: User, therapist: User, other_clinic: Clinic
) -> None:
    other = factories.make_patient(clinic, nurse, given_name="Ana", family_name="Elsewhere")
    _event(clinic, nurse, patient_id=other.pk)
    _event(clinic, therapist, episode_id=episode.pk, action="document.read")
    _event(clinic, therapist, patient_id=episode.patient_id, outcome=Outcome.NOT_FOUND)
    _event(other_clinic, None, patient_id=other.pk, action="risk.assess")

    def shown(**asked: str) -> list[tuple[str, str]]:
        lines = desk.post(EVENTS, _body(**asked)).context["lines"]
        return [(line.person, line.event.action) for line in lines if line.event.action != "account.sign-in"]

    assert shown(patient="elsewhere ana") == [(nurse.full_name, "chart.view")]
    assert shown(patient=other.public_id) == [(nurse.full_name, "chart.view")]
    assert shown(patient=episode.patient.public_id) == [
        (therapist.full_name, "chart.view"),
        (therapist.full_name, "document.read"),
    ]
    assert shown(patient="nobody at all") == []
    assert shown(person=str(nurse.pk)) == [(nurse.full_name, "chart.view")]
    assert shown(action="document.read") == [(therapist.full_name, "document.read")]
    assert shown(outcome="denied") == [(therapist.full_name, "chart.view")]
    assert shown(action="risk.assess") == [], "another clinic's"


def test_nobody_is_told_about_whom_process_notes_are_kept(
    desk: Client, clinic: Clinic, episode: Episode, therapist: User, nurse: User
) -> None:
    for action in ("process-note.write", "process-note.hold", "process-note.read-released"):
        _event(clinic, therapist, action=action, episode_id=episode.pk, patient_id=episode.patient_id)
    _event(clinic, nurse, action="process-note.hold", episode_id=episode.pk, outcome=Outcome.NOT_FOUND)
    page = desk.post(EVENTS, _body(person=str(therapist.pk)))
    assert len(page.context["lines"]) == 3
    assert episode.patient.public_id not in page.content.decode()
    assert "kept apart" in page.content.decode()
    export = desk.post(reverse("administration:review-export"), _body(person=str(therapist.pk)))
    assert episode.patient.public_id not in export.content.decode()
    # Whoever tried and was kept out is found by the patient.
    found = desk.post(EVENTS, _body(patient=episode.patient.public_id)).context["lines"]
    assert [(line.person, line.event.action) for line in found] == [(nurse.full_name, "process-note.hold")]


def test_period_counts_whole_days_of_the_clinics_clock(desk: Client, clinic: Clinic, nurse: User) -> None:
    midnight = timezone.now().astimezone(clinic.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    for seconds in (-1, 0, 1):
        _event(clinic, nurse, at=midnight + timedelta(seconds=seconds), action=f"made.up{seconds}")
    day = f"{midnight:%Y-%m-%d}"
    actions = [
        line.event.action
        for line in desk.post(EVENTS, {"since": day, "until": day}).context["lines"]
        if line.event.action.startswith("made")
    ]
    assert actions == ["made.up1", "made.up0"]


def test_sign_ins_of_the_clinics_people_and_of_nobody_are_shown(
    desk: Client, clinic: Clinic, nurse: User, other_clinic: Clinic
) -> None:
    stranger = factories.make_member(other_clinic, Role.NURSE, name="Demo Stranger")
    for user in (nurse, stranger, None):
        _event(None, user, action="account.sign-in", outcome=Outcome.FAILED)
    assert _people(desk.post(EVENTS, _body(outcome="failed"))) == ["nobody known", nurse.full_name]


def test_nothing_that_is_looked_for_stands_in_an_address(desk: Client, clinic: Clinic, nurse: User) -> None:
    for number in range(60):
        _event(clinic, nurse, object_id=str(number))
    answer = desk.post(EVENTS, _body(patient="", person=str(nurse.pk)))
    page = answer.content.decode()
    assert not re.findall(r'(?:href|action)="[^"]*\?[^"]*"', page)
    assert len(answer.context["lines"]) == 50
    older = re.search(r'name="before" value="(\d+)"', page)
    assert older is not None
    rest = desk.post(EVENTS, _body(person=str(nurse.pk), before=older.group(1)))
    assert len(rest.context["lines"]) == 10


def test_period_that_ends_before_it_begins_is_told_at_its_field(desk: Client) -> None:
    for address in (EVENTS, EXPORT):
        answer = desk.post(address, {"since": "2026-03-02", "until": "2026-03-01", "patient": "kept"})
        assert answer.status_code == 422
        assert "ends before it begins" in answer.content.decode()
        assert 'value="kept"' in answer.content.decode()


def test_export_runs_nothing_in_a_spreadsheet_and_is_on_the_record(
    desk: Client, clinic: Clinic, nurse: User, coordinator: User, manager: User
) -> None:
    patient = factories.make_patient(clinic, coordinator, given_name="Demo", family_name="=HYPERLINK(1)")
    User.objects.filter(pk=nurse.pk).update(name="@SUM(1)", credentials_suffix="")
    _event(clinic, nurse, patient_id=patient.pk, client_address="10.0.0.1", rows=3)
    answer = desk.post(EXPORT, _body(person=str(nurse.pk)))
    assert answer["Content-Type"].startswith("text/csv")
    head, row = csv.reader(io.StringIO(answer.content.decode()))
    line = dict(zip(head, row, strict=True))
    assert line["person"] == "'@SUM(1)"
    assert line["patient"].startswith("'=HYPERLINK(1)")
    assert (line["patient number"], line["rows shown"]) == (patient.public_id, "3")
    event = AccessEvent.objects.get(action="audit.export")
    assert (event.user_id, event.outcome, event.rows) == (manager.pk, Outcome.ALLOWED, 1)


def test_export_asks_once_more_who_it_is(client: Client, manager: User) -> None:
    client.force_login(manager)
    answer = client.post(EXPORT, _body())
    assert answer.status_code == 302
    assert answer.url.startswith("/account/confirm/")


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.NURSE, Role.THERAPIST, Role.PRESCRIBER])
def test_review_is_the_managers_alone(client: Client, clinic: Clinic, role: Role) -> None:
    client.force_login(factories.make_member(clinic, role))
    assert client.get(EVENTS).status_code == 403
    assert client.post(EXPORT, _body()).status_code == 403
    assert client.get(UNUSUAL).status_code == 403


@pytest.fixture
def yesterday_at_noon(clinic: Clinic) -> Any:
    """Noon of the clinic's last whole day."""
    now = timezone.now().astimezone(clinic.zone)
    return now.replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)


def _kinds() -> set[tuple[str, Any]]:
    return set(UnusualRead.objects.values_list("kind", "user_id"))


def test_reads_off_the_team_and_of_the_own_name_are_listed_once(
    clinic: Clinic, episode: Episode, therapist: User, therapist_off_team: User, coordinator: User, yesterday_at_noon: Any
) -> None:  # fmt: skip
    User.objects.filter(pk=coordinator.pk).update(name=f"Demo {episode.patient.family_name.upper()}")
    noon = yesterday_at_noon
    # The team began when the episode was opened, which is later than the noon of yesterday.
    episode.team.update(starts_at=noon - timedelta(days=30))
    for user in (therapist, therapist_off_team, coordinator):
        _event(clinic, user, at=noon, episode_id=episode.pk, relation=Relation.CLINIC.value)
    _event(clinic, therapist_off_team, at=noon, patient_id=episode.patient_id, relation=Relation.DUTY.value)
    _event(clinic, therapist_off_team, at=noon, episode_id=episode.pk, outcome=Outcome.NOT_FOUND)
    today = noon.date() + timedelta(days=1)
    assert find_unusual_reads(clinic=clinic, day=today) == 2
    assert _kinds() == {(Oddity.OFF_TEAM, therapist_off_team.pk), (Oddity.FAMILY_NAME, coordinator.pk)}
    assert set(UnusualRead.objects.values_list("patient_id", flat=True)) == {episode.patient_id}
    assert find_unusual_reads(clinic=clinic, day=today) == 0
    assert find_unusual_reads(clinic=clinic, day=today + timedelta(days=6)) == 0
    assert UnusualRead.objects.count() == 2


def test_night_is_the_clinics_setting(
    clinic: Clinic, patient: Patient, nurse: User, yesterday_at_noon: Any
) -> None:
    _event(clinic, nurse, at=yesterday_at_noon.replace(hour=22), patient_id=patient.pk)
    _event(clinic, nurse, at=yesterday_at_noon.replace(hour=21, minute=59), patient_id=patient.pk)
    find_unusual_reads(clinic=clinic, day=yesterday_at_noon.date() + timedelta(days=1))
    (read,) = UnusualRead.objects.filter(kind=Oddity.NIGHT)
    assert read.number == 1


def _unusual(clinic: Clinic, user: User) -> UnusualRead:
    now = timezone.now()
    return UnusualRead.objects.create(
        clinic_id=clinic.pk, kind=Oddity.NIGHT, key=f"made up {user.pk}", user_id=user.pk, first_at=now, last_at=now, number=2
    )  # fmt: skip


def test_answer_is_final_and_needs_a_comment(
    desk: Client, clinic: Clinic, nurse: User, manager: User
) -> None:
    read = _unusual(clinic, nurse)
    url = reverse("administration:review-answer", kwargs={"pk": read.pk})
    assert nurse.full_name in desk.get(UNUSUAL).content.decode()
    answer = desk.post(url, {"verdict": Verdict.EXPLAINED, "comment": "   "})
    assert answer.status_code == 422
    assert desk.post(url, {"verdict": Verdict.EXPLAINED, "comment": "Night shift."}).status_code == 302
    again = desk.post(url, {"verdict": Verdict.NOT_EXPLAINED, "comment": "Typed in a second tab."})
    assert again.status_code == 422
    assert "their answer stands" in again.content.decode()
    assert "Typed in a second tab." in again.content.decode()
    review = ReadReview.objects.get()
    assert (review.comment, review.reviewed_by, review.verdict) == (
        "Night shift.",
        manager.pk,
        Verdict.EXPLAINED,
    )
    assert "Night shift." in desk.get(UNUSUAL).content.decode()


def test_own_reads_are_answered_by_another_manager_where_there_is_one(clinic: Clinic, manager: User) -> None:
    another = factories.make_member(clinic, Role.MANAGER)
    read = _unusual(clinic, manager)
    with pytest.raises(Refused, match="your own reads"):
        review_read(unusual=read, verdict=Verdict.EXPLAINED, comment="Mine.", actor=manager)
    another.memberships.update(ended_at=timezone.now(), ended_by=manager)
    assert review_read(unusual=read, verdict=Verdict.EXPLAINED, comment="Alone here.", actor=manager).pk


def test_unusual_read_of_another_clinic_does_not_exist(
    desk: Client, other_clinic: Clinic, nurse: User
) -> None:
    read = _unusual(other_clinic, nurse)
    assert desk.get(reverse("administration:review-answer", kwargs={"pk": read.pk})).status_code == 404


def test_head_of_the_chain_is_mailed_once_a_day_when_somebody_wants_it(
    clinic: Clinic, other_clinic: Clinic, settings: Settings
) -> None:
    now = timezone.now()
    Seal.objects.create(
        number=1, sealed_at=now, from_position=0, upto_position=1, row_count=0, key_id="k1", previous_head="a" * 64,
        head="b" * 64,
    )  # fmt: skip
    for each in (clinic, other_clinic):
        mail_chain_head({"clinic": str(each.pk), "day": "2026-03-02"}, now=now)
    assert mail.outbox == []
    settings.AUDIT_HEAD_EMAIL = ["privacy@demo.example"]
    for each in (clinic, other_clinic):
        mail_chain_head({"clinic": str(each.pk), "day": "2026-03-02"}, now=now)
    (sent,) = mail.outbox
    assert "b" * 64 in sent.body
    assert sent.to == ["privacy@demo.example"]
