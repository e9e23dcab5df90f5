"""Recording and correcting questionnaires, and what item 9 sets off."""

import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, InternalError, transaction
from django.utils import timezone

from episodes.models import Episode, EpisodeEvent
from episodes.services import strike_entry
from episodes.stages import Stage
from kapclinic.clinics.models import ClinicalSetting
from kapclinic.clinics.refusals import Refused
from screening import selectors
from screening.models import Response, ResponsePhase, RiskAssessment, RiskState, SafetyRoute
from screening.services.responses import record_response, review_safety_answer, supersede_response
from tests import factories

NO_THOUGHTS = [2, 2, 2, 2, 1, 1, 2, 0, 0]
pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    """One instant for the whole test."""
    return timezone.now()


@pytest.fixture
def fill(episode, nurse, now):
    """Fills in a questionnaire of the episode's patient."""

    def fill_in(answers=NO_THOUGHTS, instrument_id="phq-9", ago=timedelta(0), **details):
        return record_response(
            patient=episode.patient,
            episode=details.pop("episode", episode),
            instrument_id=instrument_id,
            answers=answers,
            completed_at=now - ago,
            actor=nurse,
            now=now,
            **details,
        )

    return fill_in


def open_assessments(episode):
    return RiskAssessment.objects.standing().filter(episode=episode, state=RiskState.OPEN)


def test_response_keeps_items_version_total_and_band_when_recorded(fill, episode, nurse):
    response = fill(functional=1, phase=ResponsePhase.SCREENING)
    response.refresh_from_db()
    assert response.answers == dict(zip("123456789", NO_THOUGHTS, strict=True))
    assert (response.total, response.band, response.status) == (12, "moderate", "complete")
    assert (response.instrument_version, response.functional, response.phase) == ("1", 1, "screening")
    assert response.created_by == nurse
    event = EpisodeEvent.objects.get(episode=episode, kind="response.recorded")
    assert event.summary == "PHQ-9 answered"
    assert event.data["total"] == 12


def test_response_has_no_total_when_an_item_is_blank(fill):
    response = fill([3, None, 3, 3, 3, 3, 3, 3, 0])
    assert (response.total, response.band, response.status) == (None, "", "incomplete")


def test_response_is_made_once_when_the_form_is_sent_twice(fill):
    key = uuid.uuid4()
    assert fill(request_key=key) == fill(request_key=key)
    assert Response.objects.count() == 1


@pytest.mark.parametrize(
    ("details", "code"),
    [
        ({"answers": [9] * 9}, "invalid-answer"),
        ({"answers": [None] * 9}, "nothing-answered"),
        ({"ago": -timedelta(minutes=6)}, "in-future"),
        ({"ago": timedelta(days=365 * 60)}, "before-birth"),
    ],
)
def test_response_is_refused_when_impossible(fill, details, code):
    with pytest.raises(Refused) as refusal:
        fill(**details)
    assert code in [reason.code for reason in refusal.value.reasons]
    assert Response.objects.count() == 0


def test_response_is_refused_when_the_episode_is_another_patients(fill, clinic, coordinator):
    other = factories.make_episode(factories.make_patient(clinic, coordinator, given_name="Noor"))
    with pytest.raises(Refused):
        fill(episode=other)


@pytest.mark.parametrize(
    ("last", "opens", "urgent"),
    [(0, False, False), (1, True, False), (2, True, True), (3, True, True), (None, True, False)],
)
def test_item_nine_opens_an_assessment_when_endorsed_or_blank(fill, episode, last, opens, urgent):
    response = fill([0] * 8 + [last])
    assert open_assessments(episode).exists() is opens
    assert response.safety_route == (SafetyRoute.ASSESSMENT if opens else SafetyRoute.NONE)
    if opens:
        assessment = open_assessments(episode).get()
        assert assessment.response_id == response.pk
        assert assessment.is_urgent is urgent


@pytest.mark.parametrize(
    ("ago", "route"),
    [
        (timedelta(days=7, seconds=-1), SafetyRoute.ASSESSMENT),
        (timedelta(days=7), SafetyRoute.ASSESSMENT),
        (timedelta(days=7, seconds=1), SafetyRoute.REVIEW),
    ],
)
def test_item_nine_goes_to_the_review_list_when_older_than_seven_days(fill, episode, ago, route):
    assert fill([0] * 8 + [3], ago=ago).safety_route == route
    assert open_assessments(episode).exists() is (route == SafetyRoute.ASSESSMENT)


def test_item_nine_follows_the_clinic_when_it_sets_other_days(fill, clinic, prescriber, now):
    ClinicalSetting.objects.create(
        clinic=clinic, key="screening.safety_item_days", value=2, reason="made up", state="approved",
        decided_at=now, decided_by=prescriber,
    )  # fmt: skip
    assert fill([0] * 8 + [1], ago=timedelta(days=3)).safety_route == SafetyRoute.REVIEW


def test_item_nine_alarms_nobody_when_a_later_response_is_there(fill, episode):
    fill()
    assert fill([0] * 8 + [2], ago=timedelta(days=1)).safety_route == SafetyRoute.REVIEW
    assert not open_assessments(episode).exists()


def test_item_nine_alarms_nobody_when_no_episode_is_open(fill, episode, prescriber, now):
    Episode.objects.filter(pk=episode.pk).update(
        stage=Stage.CLOSED, close_reason="completed", closed_at=now, closed_by=prescriber
    )
    assert fill([0] * 8 + [2]).safety_route == SafetyRoute.REVIEW
    assert fill([0] * 8 + [1], episode=None).safety_route == SafetyRoute.REVIEW
    assert not RiskAssessment.objects.exists()


def test_assessment_is_withdrawn_when_its_response_is_struck(fill, episode, nurse, now):
    response = fill([0] * 8 + [2])
    strike_entry(entry=response, reason="wrong patient", actor=nurse, now=now)
    assert not open_assessments(episode).exists()
    assert RiskAssessment.objects.get().state == RiskState.WITHDRAWN
    assert selectors.score_series(episode) == []


def test_correction_supersedes_and_keeps_the_old_one_when_recorded(fill, episode, nurse, now):
    old = fill(phase=ResponsePhase.BEFORE_DOSE, dose_number=2)
    new = supersede_response(
        response=old, answers=[0] * 9, reason="copied from the wrong sheet", actor=nurse, now=now
    )
    assert (new.supersedes, new.total, new.phase, new.dose_number) == (old, 0, "before-dose", 2)
    assert list(Response.objects.current()) == [new]
    old.refresh_from_db()
    assert old.total == 12


def test_correction_opens_an_assessment_when_item_nine_turns_out_endorsed(fill, episode, nurse, now):
    old = fill()
    supersede_response(response=old, answers=[*NO_THOUGHTS[:8], 2], reason="misread", actor=nurse, now=now)
    assert open_assessments(episode).get().is_urgent


def test_assessment_stays_open_when_a_correction_says_zero(fill, episode, nurse, now):
    old = fill([0] * 8 + [1])
    supersede_response(response=old, answers=[0] * 9, reason="misread", actor=nurse, now=now)
    assert open_assessments(episode).exists()


def test_correction_is_refused_when_it_has_no_reason_or_changes_nothing(fill, nurse, now):
    old = fill()
    with pytest.raises(Refused) as refusal:
        supersede_response(response=old, answers=NO_THOUGHTS, reason=" ", actor=nurse, now=now)
    assert {reason.code for reason in refusal.value.reasons} == {"no-reason", "nothing-changed"}


def test_correction_is_refused_when_corrected_before_unless_that_was_struck(fill, nurse, now):
    old = fill()
    new = supersede_response(response=old, answers=[0] * 9, reason="misread", actor=nurse, now=now)
    with pytest.raises(Refused, match="already been corrected"):
        supersede_response(response=old, answers=[1] * 9, reason="again", actor=nurse, now=now)
    strike_entry(entry=new, reason="the correction was wrong", actor=nurse, now=now)
    assert list(Response.objects.current()) == [old]
    again = supersede_response(response=old, answers=[1] * 9, reason="again", actor=nurse, now=now)
    assert list(Response.objects.current()) == [again]


def test_correction_is_made_once_when_sent_twice(fill, nurse, now):
    old, key = fill(), uuid.uuid4()
    first, second = (
        supersede_response(
            response=old, answers=[0] * 9, reason="misread", actor=nurse, request_key=key, now=now
        )
        for _ in range(2)
    )
    assert first == second


def test_review_takes_an_answer_off_the_list_when_done(fill, nurse, now):
    response = fill([0] * 8 + [2], ago=timedelta(days=30))
    assert list(Response.objects.awaiting_review()) == [response]
    assert review_safety_answer(response=response, actor=nurse, now=now) == review_safety_answer(
        response=response, actor=nurse, now=now
    )
    assert list(Response.objects.awaiting_review()) == []
    with pytest.raises(Refused):
        review_safety_answer(response=fill(), actor=nurse, now=now)


def test_database_refuses_when_a_stored_response_is_changed(fill):
    response = fill()
    with pytest.raises((IntegrityError, InternalError)), transaction.atomic():
        Response.objects.filter(pk=response.pk).update(total=3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "incomplete"},
        {"total": None},
        {"total": 28},
        {"instrument_id": "gad-7", "total": 22},
        {"safety_route": "review"},
        {"safety": "two-or-more"},
        {"dose_number": 1},
        {"mode": "imported"},
    ],
)
def test_database_refuses_when_a_row_contradicts_itself(fill, wrong):
    fields = {
        field.attname: getattr(fill(), field.attname)
        for field in Response._meta.concrete_fields
        if field.name not in ("id", "request_key")
    }
    with pytest.raises(IntegrityError), transaction.atomic():
        Response.objects.create(**{**fields, **wrong})


def test_series_marks_overlap_and_keeps_gaps_when_read(fill, episode, django_assert_num_queries):
    fill(ago=timedelta(days=30))
    fill([None] + [0] * 8, ago=timedelta(days=16))
    fill(ago=timedelta(days=3))
    fill([0] * 7, instrument_id="gad-7", ago=timedelta(days=2))
    with django_assert_num_queries(1):
        points = selectors.score_series(episode, instrument_id="phq-9")
    assert [point.total for point in points] == [12, None, 12]
    assert [point.is_overlapping for point in points] == [False, False, True]
    assert len(selectors.score_series(episode.patient)) == 4
    with django_assert_num_queries(1):
        assert len(selectors.score_series_for([episode])[episode.pk]) == 4


def test_baseline_is_the_last_complete_one_before_the_first_dose(fill, episode, now):
    fill([3] * 8 + [0], ago=timedelta(days=20))
    early = fill([2] * 8 + [0], ago=timedelta(days=9))
    late = fill(ago=timedelta(days=1))
    dose = now - timedelta(days=5)
    assert selectors.baseline(episode, first_dose_at=dose).response_id == early.pk
    assert selectors.baseline(episode, first_dose_at=None).response_id == late.pk
    points = selectors.score_series(episode)
    assert selectors.change_since(points[1], points[2]).label == "partial response"


def test_protocol_says_what_is_still_missing_at_screening(fill, episode):
    assert selectors.missing_instruments(episode) == ["phq-9", "gad-7", "audit-c"]
    fill()
    fill([None] + [0] * 6, instrument_id="gad-7")
    assert selectors.missing_instruments(episode) == ["gad-7", "audit-c"]
