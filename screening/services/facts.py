"""Recording what is known about a patient's health. A newer fact supersedes; nothing is edited."""

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, TypeVar

from django.db import transaction
from django.utils import timezone

from episodes.models import Allergy, Episode
from episodes.services import record_event, strike_entry
from episodes.services.locking import lock_episode
from episodes.services.striking import takes_back
from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Reason, Refused, refuse_if
from screening.contraindications import Severity
from screening.medications import OTHER_CLASS, list_version, medication_classes, recognise
from screening.models import (
    FACT_MODELS,
    Classification,
    Condition,
    Correction,
    Fact,
    Finding,
    HistoryAnswer,
    Medication,
    MedicationReview,
    MonitoringCheck,
    PregnancyRecord,
    PregnancyTest,
    RemsEnrolment,
    ScreeningVitals,
    StudyResult,
)
from screening.models.clinical import Answer, PregnancyStatus
from screening.questions import QUESTION_BY_KEY
from screening.services.findings import (
    Evidence,
    changing_facts,
    current_evaluation,
    is_prescriber,
    refresh_findings,
    write_correction,
)

AnyFact = TypeVar("AnyFact", bound=Fact)


def _write(
    model: type[AnyFact],
    *,
    episode: Episode,
    values: Mapping[str, Any],
    actor: User,
    now: datetime,
    supersedes: AnyFact | None = None,
    evidence: Evidence | None = None,
    request_key: uuid.UUID | None = None,
) -> AnyFact:
    """One new fact in the caller's transaction; the fact that it supersedes stops counting now."""
    if supersedes is not None:
        changed = model._base_manager.filter(
            pk=supersedes.pk, episode=episode, superseded_at__isnull=True, entered_in_error_at__isnull=True
        ).update(superseded_at=now)
        if not changed:
            raise Refused(
                Reason("fact-changed", "Someone has changed this already. Look at it again before you save.")
            )
    return model._base_manager.create(
        clinic_id=episode.clinic_id,
        episode=episode,
        supersedes=supersedes,
        change_reason=evidence.reason.strip() if evidence else "",
        request_key=request_key,
        created_at=now,
        created_by=actor,
        **values,
    )


def _known(model: type[AnyFact], request_key: uuid.UUID | None) -> AnyFact | None:
    return model._base_manager.filter(request_key=request_key).first() if request_key else None


def _record(
    model: type[AnyFact],
    *,
    episode: Episode,
    values: Mapping[str, Any],
    actor: User,
    now: datetime | None,
    event: str,
    supersedes: AnyFact | None = None,
    evidence: Evidence | None = None,
    request_key: uuid.UUID | None = None,
) -> AnyFact:
    """Write one fact with its event and bring the findings in step; the same request again changes nothing."""
    now = now or timezone.now()
    with changing_facts(episode=episode, actor=actor, now=now, evidence=evidence, fact=supersedes) as locked:
        known = _known(model, request_key)
        if known is not None:
            return known
        fact = _write(
            model,
            episode=locked,
            values=values,
            actor=actor,
            now=now,
            supersedes=supersedes,
            evidence=evidence,
            request_key=request_key,
        )
        record_event(
            episode=locked, kind="screening.recorded", summary=event, actor=actor, now=now, subject=fact
        )
    return fact


def answer_history(
    *,
    episode: Episode,
    answers: Mapping[str, str],
    actor: User,
    evidence: Evidence | None = None,
    now: datetime | None = None,
) -> int:
    """Record answers to history questions (key -> yes, no, unknown); returns how many changed.

    An answer that is already so stays as it is. Raises Refused for a key or an answer that does not
    exist, and where an absolute finding would go without a prescriber's evidence.
    """
    now = now or timezone.now()
    refuse_if(
        Reason("no-such-question", "There is no such question.")
        for key, value in answers.items()
        if key not in QUESTION_BY_KEY or value not in Answer.values
    )
    with changing_facts(episode=episode, actor=actor, now=now, evidence=evidence) as locked:
        current = {entry.question: entry for entry in HistoryAnswer.objects.current().of_episode(locked)}
        changed = [
            (key, value)
            for key, value in answers.items()
            if key not in current or current[key].answer != value
        ]
        for key, value in changed:
            _write(
                HistoryAnswer,
                episode=locked,
                values={"question": key, "answer": value},
                actor=actor,
                now=now,
                supersedes=current.get(key),
                evidence=evidence,
            )
        if changed:
            record_event(
                episode=locked,
                kind="screening.recorded",
                summary=f"{len(changed)} history answer{'s' if len(changed) > 1 else ''} recorded",
                actor=actor,
                now=now,
                data={"questions": [key for key, _ in changed]},
            )
    return len(changed)


def record_condition(
    *,
    episode: Episode,
    values: Mapping[str, Any],
    actor: User,
    supersedes: Condition | None = None,
    evidence: Evidence | None = None,
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> Condition:
    """Add a condition to the problem list, or record how it stands now."""
    now = now or timezone.now()
    reasons = []
    if values["kind"] == "other" and not values.get("name", "").strip():
        reasons.append(Reason("no-name", "Name the condition.", "name"))
    event_on = values.get("event_on")
    if event_on is not None and event_on > now.astimezone(episode.clinic.zone).date():
        reasons.append(Reason("future-event", "The event cannot lie in the future.", "event_on"))
    refuse_if(reasons)
    return _record(
        Condition,
        episode=episode,
        values=values,
        actor=actor,
        now=now,
        event="Condition recorded",
        supersedes=supersedes,
        evidence=evidence,
        request_key=request_key,
    )


def record_medication(
    *,
    episode: Episode,
    values: Mapping[str, Any],
    actor: User,
    supersedes: Medication | None = None,
    evidence: Evidence | None = None,
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> Medication:
    """Add a medication, or record it anew (another dose, stopped). Its name decides its classes.

    A name that is not on the list is stored as unclassified. When an entry is recorded anew under the
    same name, what a prescriber said about its classes is kept.
    """
    values = {**values, "name": values["name"].strip()}
    if not values["name"]:
        raise Refused(Reason("no-name", "Name the medication.", "name"))
    recognition = recognise(values["name"], is_nasal=bool(values.get("is_nasal")))
    kept = (
        supersedes is not None
        and supersedes.name == values["name"]
        and supersedes.classification
        in (
            Classification.CLASSIFIED,
            Classification.IRRELEVANT,
        )
    )
    if kept and supersedes is not None:
        values |= {
            "ingredients": supersedes.ingredients,
            "classes": supersedes.classes,
            "unrecognised": supersedes.unrecognised,
            "classification": supersedes.classification,
        }
    else:
        values |= {
            "ingredients": list(recognition.ingredients),
            "classes": sorted(recognition.classes),
            "unrecognised": list(recognition.unrecognised),
            "classification": Classification.RECOGNISED
            if recognition.is_settled
            else Classification.UNCLASSIFIED,
        }
    return _record(
        Medication,
        episode=episode,
        values={**values, "list_version": list_version()},
        actor=actor,
        now=now,
        event="Medication recorded",
        supersedes=supersedes,
        evidence=evidence,
        request_key=request_key,
    )


_MEDICATION_FIELDS = (
    "name",
    "dose",
    "frequency",
    "is_nasal",
    "reason_taken",
    "started_on",
    "stopped_on",
    "last_taken_at",
    "ingredients",
    "unrecognised",
    "list_version",
    "note",
)


def classify_medication(
    *,
    medication: Medication,
    classes: list[str],
    reason: str,
    actor: User,
    now: datetime | None = None,
) -> Medication:
    """A prescriber says which classes an unclassified medication belongs to; none means no rule concerns it.

    Raises Refused when the actor is no prescriber, a class does not exist or the reason is missing.
    """
    known = {entry.key for entry in medication_classes()} - {OTHER_CLASS}
    reasons = []
    if not is_prescriber(actor, medication.clinic):
        reasons.append(Reason("not-a-prescriber", "Only a prescriber classifies a medication."))
    if not set(classes) <= known:
        reasons.append(Reason("no-such-class", "Choose classes from the list.", "classes"))
    if not reason.strip():
        reasons.append(Reason("no-reason", "Say what it is and where you looked.", "reason"))
    refuse_if(reasons)
    recognised = {entry for entry in medication.classes if entry in known}
    merged = sorted(recognised | set(classes)) or [OTHER_CLASS]
    classification = Classification.CLASSIFIED if classes else Classification.IRRELEVANT
    if medication.classification == classification and medication.classes == merged:
        return medication
    return _record(
        Medication,
        episode=medication.episode,
        values={
            **{name: getattr(medication, name) for name in _MEDICATION_FIELDS},
            "classes": merged,
            "classification": classification,
        },
        actor=actor,
        now=now,
        event="Medication classified",
        supersedes=medication,
        evidence=Evidence(reason=reason),
    )


def review_medications(
    *, episode: Episode, takes_none: bool, actor: User, reviewed_on: date, now: datetime | None = None
) -> MedicationReview:
    """State that the list was gone through: complete, or nothing is taken.

    Raises Refused when "nothing" is stated while active medications stand on the list.
    """
    now = now or timezone.now()
    today = now.astimezone(episode.clinic.zone).date()
    active = [
        entry for entry in Medication.objects.current().of_episode(episode) if entry.is_active_on(today)
    ]
    if takes_none and active:
        raise Refused(
            Reason(
                "list-not-empty",
                "The list holds active medications: stop or strike them first.",
                "takes_none",
            )
        )
    current = MedicationReview.objects.current().of_episode(episode).first()
    if current is not None and (current.takes_none, current.reviewed_on) == (takes_none, reviewed_on):
        return current
    return _record(
        MedicationReview,
        episode=episode,
        values={"takes_none": takes_none, "reviewed_on": reviewed_on},
        actor=actor,
        now=now,
        event="Medication list gone through",
        supersedes=current,
    )


def record_pregnancy(
    *,
    episode: Episode,
    values: Mapping[str, Any],
    actor: User,
    evidence: Evidence | None = None,
    now: datetime | None = None,
) -> PregnancyRecord:
    """Record pregnancy and breastfeeding as they stand now."""
    if values["status"] == PregnancyStatus.CANNOT_BE and not values.get("note", "").strip():
        raise Refused(Reason("no-note", "Say why pregnancy is not possible.", "note"))
    current = PregnancyRecord.objects.current().of_episode(episode).first()
    if current is not None and all(getattr(current, key) == value for key, value in values.items()):
        return current
    return _record(
        PregnancyRecord,
        episode=episode,
        values=values,
        actor=actor,
        now=now,
        event="Pregnancy status recorded",
        supersedes=current,
        evidence=evidence,
    )


def _not_in_the_future(field: str, day: date, episode: Episode, now: datetime) -> None:
    if day > now.astimezone(episode.clinic.zone).date():
        raise Refused(Reason("future-date", "This day lies in the future.", field))


def record_pregnancy_test(
    *,
    episode: Episode,
    values: Mapping[str, Any],
    actor: User,
    supersedes: PregnancyTest | None = None,
    evidence: Evidence | None = None,
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> PregnancyTest:
    """Record a test. A positive one counts until a prescriber supersedes it with evidence."""
    now = now or timezone.now()
    _not_in_the_future("tested_on", values["tested_on"], episode, now)
    return _record(
        PregnancyTest,
        episode=episode,
        values=values,
        actor=actor,
        now=now,
        event="Pregnancy test recorded",
        supersedes=supersedes,
        evidence=evidence,
        request_key=request_key,
    )


def record_vitals(
    *,
    episode: Episode,
    values: Mapping[str, Any],
    actor: User,
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> ScreeningVitals:
    """Record vital signs. Impossible values are refused (systolic not above diastolic, SpO2 above 100 %)."""
    now = now or timezone.now()
    reasons = []
    systolic, diastolic = values.get("systolic"), values.get("diastolic")
    if (systolic is None) != (diastolic is None):
        reasons.append(
            Reason(
                "half-a-pressure", "Enter both pressures.", "diastolic" if diastolic is None else "systolic"
            )
        )
    elif systolic is not None and systolic <= diastolic:
        reasons.append(Reason("impossible", "The systolic pressure is the higher one.", "systolic"))
    if values.get("spo2") is not None and values["spo2"] > 100:
        reasons.append(Reason("impossible", "SpO2 is at most 100 %.", "spo2"))
    if all(values.get(name) is None for name in _MEASURED):
        reasons.append(Reason("nothing-measured", "Enter at least one value."))
    if values["taken_at"] > now:
        reasons.append(Reason("future-date", "This time lies in the future.", "taken_at"))
    refuse_if(reasons)
    return _record(
        ScreeningVitals,
        episode=episode,
        values=values,
        actor=actor,
        now=now,
        event="Vital signs recorded",
        request_key=request_key,
    )


_MEASURED = ("systolic", "heart_rate", "respiratory_rate", "spo2", "weight_kg", "height_cm")


def record_result(
    *,
    episode: Episode,
    values: Mapping[str, Any],
    actor: User,
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> StudyResult:
    """Record a laboratory, ECG or other result with its day and its paper (`values["evidence"]`)."""
    now = now or timezone.now()
    _not_in_the_future("performed_on", values["performed_on"], episode, now)
    return _record(
        StudyResult,
        episode=episode,
        values=values,
        actor=actor,
        now=now,
        event="Result recorded",
        request_key=request_key,
    )


def record_monitoring_check(
    *,
    episode: Episode,
    values: Mapping[str, Any],
    actor: User,
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> MonitoringCheck:
    """Record a look into the prescription-monitoring programme."""
    now = now or timezone.now()
    _not_in_the_future("checked_on", values["checked_on"], episode, now)
    return _record(
        MonitoringCheck,
        episode=episode,
        values=values,
        actor=actor,
        now=now,
        event="Prescription-monitoring check recorded",
        request_key=request_key,
    )


def record_rems_enrolment(
    *,
    episode: Episode,
    values: Mapping[str, Any],
    actor: User,
    now: datetime | None = None,
) -> RemsEnrolment:
    """Record the patient's REMS enrolment as it stands now."""
    current = RemsEnrolment.objects.current().of_episode(episode).first()
    if current is not None and all(getattr(current, key) == value for key, value in values.items()):
        return current
    return _record(
        RemsEnrolment,
        episode=episode,
        values=values,
        actor=actor,
        now=now,
        event="REMS enrolment recorded",
        supersedes=current,
    )


def retract_fact(*, fact: Any, evidence: Evidence, actor: User, now: datetime | None = None) -> None:
    """Strike a fact as entered in error. Under an absolute finding only a prescriber does, with evidence."""
    now = now or timezone.now()
    with changing_facts(episode=fact.episode, actor=actor, now=now, evidence=evidence, fact=fact) as locked:
        _struck_by_correction(fact, locked, evidence=evidence, actor=actor, now=now)


def _struck_by_correction(
    fact: Fact, episode: Episode, *, evidence: Evidence, actor: User, now: datetime
) -> None:
    if not evidence.reason.strip():
        raise Refused(Reason("no-reason", "Say what was wrong.", "change_reason"))
    model = type(fact)
    changed = model._base_manager.filter(pk=fact.pk, entered_in_error_at__isnull=True).update(
        entered_in_error_at=now,
        entered_in_error_by=actor,
        entered_in_error_reason=evidence.reason.strip(),
    )
    if changed:
        _bring_back_superseded(fact)
        record_event(
            episode=episode,
            kind="entry.struck",
            summary=f"Entered in error: {model._meta.verbose_name}",
            actor=actor,
            now=now,
            subject=fact,
        )


def _bring_back_superseded(fact: Fact) -> None:
    """What a struck fact had superseded counts again, unless a later one took its place."""
    before = fact.supersedes
    if before is not None and fact.superseded_at is None:
        type(fact)._base_manager.filter(pk=before.pk).update(superseded_at=None)


def refuse_to_clear_absolutes(episode: Episode, *, now: datetime) -> None:
    """Raise Refused when the record as it stands now has lost an absolute finding that is stored."""
    stored = set(
        Finding.objects.filter(
            episode=episode, session_key__isnull=True, cleared_at__isnull=True, severity=Severity.ABSOLUTE
        ).values_list("code", flat=True)
    )
    still = {finding.code for finding in current_evaluation(episode, now=now).of(Severity.ABSOLUTE)}
    if stored - still:
        raise Refused(
            Reason(
                "absolute-needs-evidence",
                "An absolute finding rests on this entry. A prescriber corrects it with evidence, in Screening.",
                "reason",
            )
        )


def _take_back(entry: Fact, *, actor: User, now: datetime) -> None:
    """A struck fact gives its place back; one under an absolute finding is not struck without evidence."""
    _bring_back_superseded(entry)
    refuse_to_clear_absolutes(entry.episode, now=now)
    refresh_findings(episode=entry.episode, actor=actor, now=now)


def _keep_correction(entry: Correction, *, actor: User, now: datetime) -> None:
    raise Refused(
        Reason(
            "correction-stays", "A correction is not struck. Record the fact again where it holds.", "reason"
        )
    )


for _model in FACT_MODELS:
    takes_back(_model)(_take_back)
takes_back(Correction)(_keep_correction)


def correct_allergy(
    *, episode: Episode, allergy: Allergy, evidence: Evidence, actor: User, now: datetime | None = None
) -> None:
    """A prescriber takes an allergy to ketamine off the record, with a reason and the paper."""
    now = now or timezone.now()
    with transaction.atomic():
        episode = lock_episode(episode)
        if not is_prescriber(actor, episode.clinic):
            raise Refused(Reason("not-a-prescriber", "Only a prescriber corrects this."))
        write_correction(
            episode=episode, codes=["CI-HYPERSENS"], fact=allergy, evidence=evidence, actor=actor, now=now
        )
        strike_entry(entry=allergy, reason=evidence.reason, actor=actor, now=now)
        refresh_findings(episode=episode, actor=actor, now=now)


__all__ = [
    "answer_history",
    "classify_medication",
    "correct_allergy",
    "record_condition",
    "record_medication",
    "record_monitoring_check",
    "record_pregnancy",
    "record_pregnancy_test",
    "record_rems_enrolment",
    "record_result",
    "record_vitals",
    "retract_fact",
    "review_medications",
]
