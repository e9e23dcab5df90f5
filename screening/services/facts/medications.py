"""Recording medications, their classes, and that the list was gone through."""

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.utils import timezone

from episodes.models import Episode
from kapclinic.accounts.models import User
from kapclinic.clinics.refusals import Reason, Refused, refuse_if
from screening.medications import OTHER_CLASS, list_version, medication_classes, recognise
from screening.models import (
    Classification,
    Medication,
    MedicationReview,
)
from screening.services.facts.recording import record_fact
from screening.services.findings import (
    Evidence,
    is_prescriber,
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
    return record_fact(
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
    return record_fact(
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
    return record_fact(
        MedicationReview,
        episode=episode,
        values={"takes_none": takes_none, "reviewed_on": reviewed_on},
        actor=actor,
        now=now,
        event="Medication list gone through",
        supersedes=current,
    )
