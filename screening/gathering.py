"""From the record to the facts that the contraindication rules read."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.utils import timezone

from episodes.models import Allergy, AllergyKind, Episode
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.services import settings_for
from screening.contraindications import Cutoffs, facts
from screening.contraindications.predicates.organs import names_ketamine
from screening.finding_settings import CUTOFFS
from screening.models import (
    Condition,
    Correction,
    HistoryAnswer,
    Medication,
    MedicationReview,
    PregnancyRecord,
    PregnancyTest,
    RiskAssessment,
    RiskOutcome,
    RiskState,
    ScreeningVitals,
)
from screening.models.measured import TestResult
from screening.models.responses import Response, ResponsePhase

PHQ9, AUDIT_C = "phq-9", "audit-c"

DoseHistory = Callable[[Episode], bool]
_dose_histories: list[DoseHistory] = []


def register_dose_history(has_had_a_dose: DoseHistory) -> None:
    """Register how to find out whether an episode has had a dose; the room that keeps doses calls this."""
    if has_had_a_dose not in _dose_histories:
        _dose_histories.append(has_had_a_dose)


def cutoffs_of(clinic: Clinic) -> Cutoffs:
    """The clinic's cut-offs, each from its setting."""
    values = settings_for(clinic, *(spec.key for spec in CUTOFFS))
    return Cutoffs(**{key.removeprefix("findings."): value for key, value in values.items()})


def local_day(episode: Episode, now: dt.datetime) -> dt.date:
    """The calendar day at `now` in the clinic's zone."""
    return now.astimezone(episode.clinic.zone).date()


def gather_facts(
    episode: Episode,
    *,
    now: dt.datetime | None = None,
    on: dt.date | None = None,
    route: facts.Route | None = None,
    day: facts.DayFacts | None = None,
) -> facts.Facts:
    """Everything that the rules may look at for `episode` as the record stands now.

    `on` is the day for which they are asked (default: today in the clinic's zone), `day` the check-in
    of a dosing day. The number of queries does not depend on the length of the record.
    """
    now = now or timezone.now()
    on = on or local_day(episode, now)
    patient = episode.patient
    answers = list(HistoryAnswer.objects.current().of_episode(episode))
    medications = list(Medication.objects.current().of_episode(episode))
    has_review = MedicationReview.objects.current().of_episode(episode).exists()
    return facts.Facts(
        on=on,
        date_of_birth=patient.date_of_birth,
        sex=facts.Sex(patient.sex_at_birth),
        route=route,
        history={entry.question: facts.Answer(entry.answer) for entry in answers},
        history_refs={entry.question: str(entry.pk) for entry in answers},
        conditions=_conditions(episode),
        allergies=_allergies(episode),
        medications=tuple(_medication(entry, on) for entry in medications),
        medications_listed=bool(medications) or has_review,
        pregnancy=_pregnancy(episode),
        screening_readings=_readings(episode),
        item_nine=_item_nine(episode),
        risk=_risk(episode),
        risk_assessment_open=RiskAssessment.objects.standing()
        .filter(episode=episode, state=RiskState.OPEN)
        .exists(),
        audit_c=_audit_c(episode),
        has_had_a_dose=any(source(episode) for source in _dose_histories),
        day=day,
    )


def _conditions(episode: Episode) -> tuple[facts.ConditionFact, ...]:
    return tuple(
        facts.ConditionFact(
            ref=str(entry.pk),
            kind=entry.kind,
            name=entry.title,
            status=facts.ConditionStatus(entry.status),
            event_on=entry.latest_event_on,
            liver_grade=facts.LiverGrade(entry.liver_grade) if entry.liver_grade else None,
            event_words=entry.event_words,
        )
        for entry in Condition.objects.current().of_episode(episode)
    )


def _allergies(episode: Episode) -> tuple[facts.AllergyFact, ...]:
    """The patient's allergies; one to ketamine counts until a prescriber has corrected it with evidence."""
    rows = list(Allergy.objects.filter(patient_id=episode.patient_id))
    gone = [row for row in rows if row.is_struck or row.resolved_on is not None]
    corrected: set[Any] = set()
    if gone:
        corrected = set(
            Correction.objects.standing()
            .filter(episode__patient_id=episode.patient_id, fact_id__in=[row.pk for row in gone])
            .values_list("fact_id", flat=True)
        )
    counting = [
        row for row in rows if row not in gone or (names_ketamine(row.substance) and row.pk not in corrected)
    ]
    return tuple(
        facts.AllergyFact(str(row.pk), row.substance, row.kind == AllergyKind.ALLERGY, row.reaction)
        for row in counting
    )


def _medication(entry: Medication, on: dt.date) -> facts.MedicationFact:
    return facts.MedicationFact(
        ref=str(entry.pk),
        name=entry.name,
        is_active=entry.is_active_on(on),
        classes=frozenset(entry.classes),
        is_settled=entry.is_settled,
    )


def _pregnancy(episode: Episode) -> facts.PregnancyFact:
    """The record and the latest test; a positive test counts until a prescriber has corrected it."""
    record = PregnancyRecord.objects.current().of_episode(episode).first()
    tests = list(PregnancyTest.objects.current().of_episode(episode))
    test = next(
        (entry for entry in tests if entry.result == TestResult.POSITIVE), tests[0] if tests else None
    )
    return facts.PregnancyFact(
        ref=str(record.pk) if record else "",
        status=facts.PregnancyStatus(record.status) if record else None,
        breastfeeding=facts.Answer(record.breastfeeding) if record else None,
        test_ref=str(test.pk) if test else "",
        test_result=facts.TestResult(test.result) if test else None,
        tested_on=test.tested_on if test else None,
    )


def _readings(episode: Episode) -> tuple[facts.VitalsReading, ...]:
    return tuple(
        facts.VitalsReading(
            ref=str(entry.pk),
            taken_at=entry.taken_at.astimezone(episode.clinic.zone),
            systolic=entry.systolic,
            diastolic=entry.diastolic,
            heart_rate=entry.heart_rate,
            spo2=entry.spo2,
            on_room_air=entry.on_room_air,
        )
        for entry in ScreeningVitals.objects.current().of_episode(episode)
    )


def _latest_response(episode: Episode, instrument_id: str) -> Response | None:
    """The newest questionnaire of the episode; imported history is not a state of today."""
    return (
        Response.objects.current()
        .filter(episode=episode, instrument_id=instrument_id)
        .exclude(phase=ResponsePhase.HISTORY)
        .order_by("-completed_at", "-created_at")
        .first()
    )


def _item_nine(episode: Episode) -> facts.ItemNineFact | None:
    response = _latest_response(episode, PHQ9)
    if response is None:
        return None
    answered_at = response.completed_at.astimezone(episode.clinic.zone)
    return facts.ItemNineFact(str(response.pk), response.safety_value, answered_at)


def _audit_c(episode: Episode) -> facts.AuditCFact | None:
    response = _latest_response(episode, AUDIT_C)
    return None if response is None else facts.AuditCFact(str(response.pk), response.total)


def _risk(episode: Episode) -> facts.RiskFact | None:
    """The latest recorded assessment; an imminent one stands until a prescriber has assessed again."""
    recorded = RiskAssessment.objects.standing().filter(episode=episode, state=RiskState.RECORDED)
    found = recorded.order_by("-assessed_at").first()
    imminent = recorded.filter(outcome=RiskOutcome.IMMINENT).order_by("-assessed_at").first()
    if imminent is not None and found != imminent:
        answered = recorded.filter(by_prescriber=True, assessed_at__gt=imminent.assessed_at).exists()
        if not answered:
            found = imminent
    if found is None or found.assessed_at is None:
        return None
    assessed_at = found.assessed_at.astimezone(episode.clinic.zone)
    return facts.RiskFact(str(found.pk), facts.RiskOutcome(found.outcome), assessed_at, found.by_prescriber)
