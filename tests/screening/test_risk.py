"""Suicide-risk assessments: owed the same day, hold the dose, recorded by a clinician."""

import uuid
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from episodes import guards
from episodes.services import strike_entry
from kapclinic.clinics.refusals import Refused
from kapclinic.notices.models import Notice, Task, Urgency
from screening.contraindications import Standing
from screening.finding_selectors import overview_of
from screening.models import FindingAnswer, RiskAssessment, RiskState
from screening.selectors import findings_summary
from screening.services.risk import due_at, open_risk_assessment, record_risk_assessment
from tests.screening.screening_situations import answer_phq9, screen

pytestmark = pytest.mark.django_db

DENVER = ZoneInfo("America/Denver")


def record(episode, actor, **changes):
    return record_risk_assessment(
        **{
            "episode": episode,
            "outcome": "passive",
            "method": "Interview",
            "protective_plan": "Sister, dog; pills are with the sister.",
            "disposition": "safety-plan",
            "actor": actor,
            **changes,
        }
    )


def task_of(episode):
    return Task.objects.get(episode=episode, kind="risk-assessment")


def dose_reasons(episode, action="dose.start"):
    context = guards.GuardContext(action=action, episode=episode, now=timezone.now())
    return {reason.code for reason in guards.reasons(context)}


@pytest.mark.parametrize("item_nine", [1, 2, 3, None])
def test_an_assessment_is_owed_when_item_nine_is_endorsed_or_blank(episode, nurse, item_nine):
    answer_phq9(episode, nurse, item_nine=item_nine)
    assessment = RiskAssessment.objects.get(episode=episode)
    assert assessment.is_open
    assert task_of(episode).is_open
    assert findings_summary(episode).open_risk == assessment


def test_nothing_is_owed_when_item_nine_is_zero(episode, nurse):
    answer_phq9(episode, nurse, item_nine=0)
    assert not RiskAssessment.objects.exists()


def test_the_task_belongs_to_the_therapist_and_is_due_the_same_day(episode, nurse, therapist):
    answer_phq9(episode, nurse, item_nine=1)
    task = task_of(episode)
    assert task.person == therapist
    assert task.urgency == Urgency.TODAY
    assert task.due_at.astimezone(DENVER).date() == timezone.now().astimezone(DENVER).date()
    assert not Notice.objects.exists()


def test_the_care_team_is_told_at_once_from_two_points(episode, nurse, therapist, prescriber):
    answer_phq9(episode, nurse, item_nine=2)
    assert task_of(episode).urgency == Urgency.NOW
    assert {notice.receiver for notice in Notice.objects.all()} == {nurse, therapist, prescriber}
    assert all("PHQ" not in notice.title and "Demo" not in notice.title for notice in Notice.objects.all())


def test_there_is_one_open_assessment_when_two_questionnaires_ask_for_it(episode, nurse):
    now = timezone.now()
    answer_phq9(episode, nurse, item_nine=1, now=now - timedelta(hours=2))
    answer_phq9(episode, nurse, item_nine=3, now=now - timedelta(hours=1))
    assessment = RiskAssessment.objects.get(episode=episode)
    assert assessment.reasons == ["PHQ-9 item 9 = 1.", "PHQ-9 item 9 = 3."]
    assert assessment.is_urgent
    assert Task.objects.filter(kind="risk-assessment").count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        RiskAssessment.objects.create(
            clinic=episode.clinic, episode=episode, opened_at=now, due_at=now, state=RiskState.OPEN
        )


@pytest.mark.parametrize(
    ("opened", "due"),
    [
        ("2026-06-15 09:00", "2026-06-15 18:00"),
        ("2026-06-15 17:59", "2026-06-15 18:00"),
        ("2026-06-15 18:00", "2026-06-15 23:59"),
        ("2026-06-15 23:30", "2026-06-15 23:59"),
        ("2026-03-08 01:30", "2026-03-08 18:00"),  # the night the clocks go forward
        ("2026-11-01 00:30", "2026-11-01 18:00"),
    ],
)
def test_the_due_time_lies_on_the_same_day_of_the_clinic(episode, opened, due):
    at = datetime.fromisoformat(opened).replace(tzinfo=DENVER)
    assert due_at(opened_at=at, episode=episode, due_hour=18) == datetime.fromisoformat(due).replace(
        tzinfo=DENVER
    )


@pytest.mark.parametrize("action", ["dose.order", "dose.start"])
def test_a_dose_is_held_until_a_clinician_has_recorded(episode, nurse, therapist, make_ready, action):
    make_ready()
    assert "risk-open" not in dose_reasons(episode, action)
    answer_phq9(episode, nurse, item_nine=1)
    assert "risk-open" in dose_reasons(episode, action)
    record(episode, therapist, outcome="none", disposition="continue")
    assert "risk-open" not in dose_reasons(episode, action)


@pytest.mark.parametrize("who", ["nurse", "therapist", "prescriber"])
def test_nurse_therapist_and_prescriber_record(episode, nurse, who, request):
    answer_phq9(episode, nurse, item_nine=1)
    actor = request.getfixturevalue(who)
    row = record(episode, actor)
    assert row.state == RiskState.RECORDED
    assert row.by_prescriber is (who == "prescriber")
    task = task_of(episode)
    assert (task.done_by, task.is_open) == (actor, False)


@pytest.mark.parametrize("who", ["coordinator", "manager"])
def test_others_do_not_record(episode, nurse, who, request):
    answer_phq9(episode, nurse, item_nine=1)
    with pytest.raises(Refused) as excinfo:
        record(episode, request.getfixturevalue(who))
    assert {reason.code for reason in excinfo.value.reasons} == {"not-a-clinician"}


def test_every_gap_is_named_at_once(episode, nurse):
    with pytest.raises(Refused) as excinfo:
        record(episode, nurse, method=" ", protective_plan="", disposition="")
    assert {reason.field for reason in excinfo.value.reasons} == {"method", "protective_plan", "disposition"}


def test_imminent_risk_needs_emergency_care(episode, nurse):
    with pytest.raises(Refused) as excinfo:
        record(episode, nurse, outcome="imminent", disposition="continue")
    assert {reason.code for reason in excinfo.value.reasons} == {"imminent-needs-emergency"}
    record(episode, nurse, outcome="imminent", disposition="emergency")
    assert [entry.code for entry in findings_summary(episode).absolute] == ["CI-SUICIDE-IMMINENT"]


def test_imminent_risk_stands_until_a_prescriber_assesses_again(episode, nurse, prescriber):
    now = timezone.now()
    record(episode, nurse, outcome="imminent", disposition="hospital", now=now - timedelta(hours=3))
    record(episode, nurse, outcome="none", disposition="continue", now=now - timedelta(hours=2))
    assert findings_summary(episode).absolute
    record(episode, prescriber, outcome="none", disposition="continue", now=now - timedelta(hours=1))
    assert not findings_summary(episode).absolute


def test_a_prescriber_s_assessment_answers_the_finding_of_ideation(episode, nurse, prescriber):
    screen(episode, nurse, item_nine=1)
    record(episode, prescriber)
    answer = FindingAnswer.objects.get(finding__code="CI-SUICIDE-IDEATION")
    assert (answer.outcome, answer.scope, answer.signed_by) == ("accept", "session", prescriber)
    assert overview_of(episode).standing is Standing.CLEAR
    tomorrow = timezone.now() + timedelta(days=1)
    assert overview_of(episode, now=tomorrow).standing is not Standing.CLEAR


def test_a_prescriber_who_sends_to_hospital_defers(episode, nurse, prescriber):
    screen(episode, nurse, item_nine=2)
    record(episode, prescriber, outcome="intent-or-plan", disposition="hospital")
    assert FindingAnswer.objects.get(finding__code="CI-SUICIDE-IDEATION").outcome == "defer"


def test_a_nurse_s_assessment_leaves_the_finding_to_the_prescriber(episode, nurse):
    screen(episode, nurse, item_nine=1)
    record(episode, nurse)
    assert not FindingAnswer.objects.exists()
    assert overview_of(episode).standing is Standing.NEEDS_PRESCRIBER


def test_recording_twice_with_the_same_key_records_once(episode, nurse):
    answer_phq9(episode, nurse, item_nine=1)
    key = uuid.uuid4()
    first = record(episode, nurse, request_key=key)
    assert record(episode, nurse, request_key=key) == first
    assert RiskAssessment.objects.count() == 1


def test_a_recorded_assessment_cannot_be_changed(episode, nurse):
    row = record(episode, nurse)
    with pytest.raises(IntegrityError), transaction.atomic():
        RiskAssessment.objects.filter(pk=row.pk).update(outcome="none")


def test_striking_the_questionnaire_takes_the_assessment_back(episode, nurse):
    response = answer_phq9(episode, nurse, item_nine=2)
    strike_entry(entry=response, reason="another patient's form", actor=nurse)
    assert RiskAssessment.objects.get().state == RiskState.WITHDRAWN
    assert not task_of(episode).is_open


def test_striking_a_recorded_assessment_owes_it_again(episode, nurse):
    answer_phq9(episode, nurse, item_nine=2)
    row = record(episode, nurse)
    strike_entry(entry=row, reason="written for another patient", actor=nurse)
    assert findings_summary(episode).open_risk is not None
    assert task_of(episode).is_open


def test_a_clinician_opens_one_unasked(episode, therapist):
    assessment = open_risk_assessment(episode=episode, reason="Said so on the phone.", actor=therapist)
    assert assessment.is_open
    assert (
        open_risk_assessment(episode=episode, reason="Said so on the phone.", actor=therapist) == assessment
    )
