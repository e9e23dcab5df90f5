"""Recording and correcting answered questionnaires, and what an answer to the safety item sets off."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from episodes.models import Episode, Patient
from episodes.services import record_event
from episodes.services.locking import lock_episode
from episodes.services.striking import takes_back
from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Reason, Refused, refuse_if
from kapclinic.clinics.services import setting
from screening.importing.rows import is_before_birth
from screening.instruments import InvalidAnswer, SafetyStatus, Score, instrument, score
from screening.models import (
    Response,
    ResponseMode,
    ResponsePhase,
    ResponseStatus,
    SafetyReview,
    SafetyRoute,
)
from screening.response_settings import SAFETY_ITEM_DAYS
from screening.services.findings import refresh_findings
from screening.services.risk import open_risk_assessment, withdraw_for_response

# Clocks of a tablet and a server differ a little; more is a mistyped date.
_CLOCK_SKEW = timedelta(minutes=5)


def _scored(
    instrument_id: str, answers: Sequence[int | None], functional: int | None, patient: Patient
) -> Score:
    try:
        return score(instrument(instrument_id), answers, functional=functional, sex=patient.sex_at_birth)
    except InvalidAnswer as error:
        field = f"item_{error.item}" if error.item else "functional"
        raise Refused(Reason("invalid-answer", "Choose one of the answers.", field=field)) from error


def _date_reasons(patient: Patient, completed_at: datetime, now: datetime) -> list[Reason]:
    found: list[Reason] = []
    if completed_at > now + _CLOCK_SKEW:
        found.append(Reason("in-future", "The date lies in the future.", field="completed_at"))
    if is_before_birth(completed_at, patient.date_of_birth):
        found.append(
            Reason("before-birth", "The date lies before the patient's birth.", field="completed_at")
        )
    return found


def _route(
    *, result: Score, patient: Patient, episode: Episode | None, completed_at: datetime, now: datetime
) -> SafetyRoute:
    """Where an endorsed or blank safety item goes: only the latest answer of an open episode, and a fresh one, alarms."""
    if result.safety is None or not result.safety.needs_assessment:
        return SafetyRoute.NONE
    if episode is None or not episode.is_open:
        return SafetyRoute.REVIEW
    fresh = timedelta(days=setting(patient.clinic, SAFETY_ITEM_DAYS))
    if now - completed_at > fresh:
        return SafetyRoute.REVIEW
    later = Response.objects.current().filter(
        patient=patient, instrument_id=result.instrument.id, completed_at__gt=completed_at
    )
    return SafetyRoute.REVIEW if later.exists() else SafetyRoute.ASSESSMENT


def safety_sentence(status: SafetyStatus, value: int | None) -> str:
    """Why an assessment is owed, in one sentence."""
    if status is SafetyStatus.MISSING:
        return "PHQ-9 item 9 was left blank: not assessed."
    return f"PHQ-9 item 9 = {value}."


def _store(
    *,
    patient: Patient,
    episode: Episode | None,
    result: Score,
    completed_at: datetime,
    phase: str,
    dose_number: int | None,
    mode: str,
    actor: User,
    request_key: uuid.UUID | None,
    now: datetime,
    supersedes: Response | None = None,
    supersede_reason: str = "",
) -> Response:
    """Write one response, its event, and what its safety item sets off; in the caller's transaction."""
    route = _route(result=result, patient=patient, episode=episode, completed_at=completed_at, now=now)
    numbers = [item.number for item in result.instrument.items]
    response = Response.objects.create(
        clinic=patient.clinic,
        patient=patient,
        episode=episode,
        instrument_id=result.instrument.id,
        instrument_version=result.instrument.version,
        answers={str(number): value for number, value in zip(numbers, result.given, strict=True)},
        functional=result.functional,
        total=result.total,
        band=result.band.code if result.band else "",
        status=ResponseStatus.COMPLETE if result.is_complete else ResponseStatus.INCOMPLETE,
        safety=result.safety or "",
        safety_route=route,
        completed_at=completed_at,
        phase=phase,
        dose_number=dose_number,
        mode=mode,
        supersedes=supersedes,
        supersede_reason=supersede_reason,
        request_key=request_key,
        created_at=now,
        created_by=actor,
    )
    if episode is not None:
        title = result.instrument.short_title
        what = "corrected" if supersedes else "answered" if result.is_complete else "answered in part"
        record_event(
            episode=episode,
            kind="response.corrected" if supersedes else "response.recorded",
            summary=f"{title} {what}",
            actor=actor,
            at=completed_at,
            now=now,
            subject=response,
            data={"instrument": result.instrument.id, "total": result.total, "phase": phase},
        )
        if route == SafetyRoute.ASSESSMENT and result.safety is not None:
            open_risk_assessment(
                episode=episode,
                reason=safety_sentence(result.safety, response.safety_value),
                response_id=response.pk,
                urgent=result.safety.is_urgent,
                actor=actor,
                now=now,
            )
        else:
            refresh_findings(episode=episode, actor=actor, now=now)
    return response


def _made_before(request_key: uuid.UUID | None, patient: Patient) -> Response | None:
    if request_key is None:
        return None
    return Response.objects.filter(request_key=request_key, patient=patient).first()


def record_response(
    *,
    patient: Patient,
    episode: Episode | None,
    instrument_id: str,
    answers: Sequence[int | None],
    functional: int | None = None,
    completed_at: datetime | None = None,
    phase: str = ResponsePhase.OTHER,
    dose_number: int | None = None,
    mode: str = ResponseMode.STAFF,
    actor: User,
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> Response:
    """Store one answered questionnaire.

    `answers` is one entry per item in the items' order, `None` for a blank: incomplete ones are kept without a total. An
    endorsed or blank item 9 of the PHQ-9 opens a suicide-risk assessment when it is the latest answer of an open episode and
    at most the clinic's number of days old; otherwise it goes to the review list. The same `request_key` again makes no second
    one. Raises Refused for an impossible answer or date, and when nothing at all is answered.
    """
    now = now or timezone.now()
    completed_at = completed_at or now
    with transaction.atomic():
        if episode is not None:
            episode = lock_episode(episode)
            if episode.patient_id != patient.pk:
                raise Refused(Reason("other-patient", "The episode belongs to another patient."))
        else:
            patient = (
                Patient.objects.select_for_update(of=("self",)).select_related("clinic").get(pk=patient.pk)
            )
        made = _made_before(request_key, patient)
        if made is not None:
            return made
        result = _scored(instrument_id, answers, functional, patient)
        reasons = _date_reasons(patient, completed_at, now)
        if all(value is None for value in result.given):
            reasons.append(Reason("nothing-answered", "Answer at least one question."))
        refuse_if(reasons)
        return _store(
            patient=patient,
            episode=episode,
            result=result,
            completed_at=min(completed_at, now),
            phase=phase,
            dose_number=dose_number,
            mode=mode,
            actor=actor,
            request_key=request_key,
            now=now,
        )


def supersede_response(
    *,
    response: Response,
    answers: Sequence[int | None],
    functional: int | None = None,
    completed_at: datetime | None = None,
    reason: str,
    actor: User,
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> Response:
    """Correct a stored questionnaire with a new one that takes its place; the old one stays readable.

    Raises Refused without a reason, when nothing differs, and when the response was struck or corrected meanwhile. An
    assessment that the old answers opened stays open: a clinician decides.
    """
    now = now or timezone.now()
    try:
        with transaction.atomic():
            patient, episode = response.patient, None
            if response.episode is not None:
                episode = lock_episode(response.episode)
            response = (
                Response.objects.select_for_update(of=("self",))
                .select_related("patient__clinic")
                .get(pk=response.pk)
            )
            made = _made_before(request_key, patient)
            if made is not None:
                return made
            completed_at = completed_at or response.completed_at
            result = _scored(response.instrument_id, answers, functional, patient)
            reasons = _date_reasons(patient, completed_at, now)
            if not reason.strip():
                reasons.append(Reason("no-reason", "Say what is corrected.", field="reason"))
            if response.is_struck:
                reasons.append(Reason("struck", "This questionnaire was marked as entered in error."))
            if response.corrections.standing().exists():
                reasons.append(
                    Reason("corrected", "This questionnaire has already been corrected; open the latest one.")
                )
            same = (response.values, response.functional, response.completed_at)
            if same == (result.given, result.functional, completed_at):
                reasons.append(Reason("nothing-changed", "Nothing differs from what is stored."))
            refuse_if(reasons)
            return _store(
                patient=patient,
                episode=episode,
                result=result,
                completed_at=min(completed_at, now),
                phase=response.phase,
                dose_number=response.dose_number,
                mode=ResponseMode.STAFF,
                actor=actor,
                request_key=request_key,
                now=now,
                supersedes=response,
                supersede_reason=reason.strip(),
            )
    except IntegrityError as error:
        if "screening_one_correction_in_force" in str(error):
            raise Refused(
                Reason("corrected", "This questionnaire has just been corrected by someone else.")
            ) from error
        raise


@takes_back(Response)
def take_back_response(entry: Response, *, actor: User, now: datetime) -> None:
    """A struck questionnaire owes no assessment any more, unless a clinician has recorded one."""
    if entry.safety_route == SafetyRoute.ASSESSMENT:
        withdraw_for_response(response_id=entry.pk, actor=actor, now=now)
    if entry.episode is not None:
        refresh_findings(episode=entry.episode, actor=actor, now=now)


def review_safety_answer(
    *, response: Response, actor: User, note: str = "", now: datetime | None = None
) -> SafetyReview:
    """A clinician has looked at an old or imported answer to the safety item; looking twice changes nothing."""
    now = now or timezone.now()
    with transaction.atomic():
        response = Response.objects.select_for_update(of=("self",)).get(pk=response.pk)
        if response.safety_route != SafetyRoute.REVIEW:
            raise Refused(Reason("not-for-review", "This questionnaire is not on the review list."))
        review, _ = SafetyReview.objects.get_or_create(
            response=response,
            defaults={
                "clinic_id": response.clinic_id,
                "note": note.strip(),
                "created_at": now,
                "created_by": actor,
            },
        )
        return review
