"""Recording what was measured, tested or looked up: pregnancy, vital signs, results, checks, REMS."""

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.utils import timezone

from episodes.models import Episode
from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Reason, Refused, refuse_if
from screening.models import (
    MonitoringCheck,
    PregnancyRecord,
    PregnancyTest,
    RemsEnrolment,
    ScreeningVitals,
    StudyResult,
)
from screening.models.measured import PregnancyStatus
from screening.services.facts.recording import record_fact
from screening.services.findings import (
    Evidence,
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
    return record_fact(
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
    return record_fact(
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
    return record_fact(
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
    return record_fact(
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
    return record_fact(
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
    return record_fact(
        RemsEnrolment,
        episode=episode,
        values=values,
        actor=actor,
        now=now,
        event="REMS enrolment recorded",
        supersedes=current,
    )
