"""Registering patients and keeping their details."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.postgres.search import TrigramSimilarity
from django.db import IntegrityError, transaction
from django.db.models import Value
from django.db.models.functions import Concat, Lower
from django.utils import timezone

from episodes.followups import announce
from episodes.models import Allergy, AllergyKind, Patient
from episodes.services.striking import takes_back
from kapclinic.accounts.models import User
from kapclinic.clinics.models import Clinic
from kapclinic.clinics.refusals import Reason, Refused

# Likeness of names (pg_trgm, 0 to 1) from which two records may be one person; lower where the birth date agrees too.
_SAME_BIRTH_LIKENESS = 0.3
_OTHER_BIRTH_LIKENESS = 0.65
_MOST_DUPLICATES = 5


@dataclass(frozen=True)
class Duplicate:
    """A patient who may be the same person, and why."""

    patient: Patient
    likeness: float
    same_birth_date: bool


def possible_duplicates(
    *, clinic: Clinic, given_name: str, family_name: str, date_of_birth: date, exclude: Patient | None = None
) -> list[Duplicate]:
    """Patients of the clinic that resemble the given name and birth date, most alike first (at most five)."""
    wanted = f"{given_name} {family_name}".strip().lower()
    found = (
        Patient.objects.filter(clinic=clinic)
        .annotate(likeness=TrigramSimilarity(Lower(Concat("given_name", Value(" "), "family_name")), wanted))
        .filter(likeness__gte=_SAME_BIRTH_LIKENESS)
        .order_by("-likeness")
    )
    if exclude is not None:
        found = found.exclude(pk=exclude.pk)
    duplicates = [
        Duplicate(patient, patient.likeness, patient.date_of_birth == date_of_birth) for patient in found[:50]
    ]
    return [
        duplicate
        for duplicate in duplicates
        if duplicate.same_birth_date or duplicate.likeness >= _OTHER_BIRTH_LIKENESS
    ][:_MOST_DUPLICATES]


def register_patient(
    *,
    clinic: Clinic,
    actor: User,
    details: dict[str, Any],
    duplicates_seen: bool = False,
    request_key: uuid.UUID | None = None,
    now: datetime | None = None,
) -> Patient:
    """Register a patient; `details` are the model's fields.

    Raises Refused when others resemble the patient and `duplicates_seen` is not set, or when the identifier elsewhere is
    taken. The same `request_key` again returns the patient made the first time.
    """
    now = now or timezone.now()
    if request_key is not None:
        made = Patient.objects.filter(clinic=clinic, request_key=request_key).first()
        if made is not None:
            return made
    if details["date_of_birth"] > now.astimezone(clinic.zone).date():
        raise Refused(Reason("born-later", "The date of birth lies in the future.", field="date_of_birth"))
    if not duplicates_seen:
        alike = possible_duplicates(
            clinic=clinic,
            given_name=details["given_name"],
            family_name=details["family_name"],
            date_of_birth=details["date_of_birth"],
        )
        if alike:
            raise Refused(
                Reason(
                    "possible-duplicate",
                    f"{len(alike)} patient(s) on file resemble this one. Look at them first.",
                )
            )
    try:
        with transaction.atomic():
            return Patient.objects.create(
                clinic=clinic, created_by=actor, created_at=now, request_key=request_key, **details
            )
    except IntegrityError as error:
        if "episodes_external_id_once" in str(error):
            raise Refused(
                Reason("external-id-taken", "Another patient has this identifier.", field="external_id")
            ) from error
        if request_key is not None:
            made = Patient.objects.filter(clinic=clinic, request_key=request_key).first()
            if made is not None:
                return made
        raise


def update_patient(
    *, patient: Patient, actor: User, details: dict[str, Any], now: datetime | None = None
) -> Patient:
    """Change a patient's details; the history keeps what stood before."""
    now = now or timezone.now()
    with transaction.atomic():
        patient = Patient.objects.select_for_update(of=("self",)).select_related("clinic").get(pk=patient.pk)
        born = details.get("date_of_birth", patient.date_of_birth)
        if born > now.astimezone(patient.clinic.zone).date():
            raise Refused(
                Reason("born-later", "The date of birth lies in the future.", field="date_of_birth")
            )
        for name, value in details.items():
            setattr(patient, name, value)
        try:
            with transaction.atomic():
                patient.save(update_fields=list(details))
        except IntegrityError as error:
            raise Refused(
                Reason("external-id-taken", "Another patient has this identifier.", field="external_id")
            ) from error
        announce(patient=patient, actor=actor, now=now)
        return patient


def add_allergy(
    *,
    patient: Patient,
    actor: User,
    substance: str,
    kind: AllergyKind | str = AllergyKind.ALLERGY,
    reaction: str = "",
    now: datetime | None = None,
) -> Allergy:
    """Record an allergy; raises Refused when the same substance is already on file."""
    now = now or timezone.now()
    try:
        with transaction.atomic():
            allergy = Allergy.objects.create(
                clinic=patient.clinic, patient=patient, created_by=actor, created_at=now,
                substance=substance.strip(), kind=kind, reaction=reaction,
            )  # fmt: skip
            announce(patient=patient, actor=actor, now=now)
            return allergy
    except IntegrityError as error:
        raise Refused(Reason("allergy-known", "This is already on file.", field="substance")) from error


def resolve_allergy(*, allergy: Allergy, actor: User, on: date, now: datetime | None = None) -> Allergy:
    """Mark an allergy as no longer standing from `on`."""
    now = now or timezone.now()
    with transaction.atomic():
        allergy = Allergy.objects.select_for_update(of=("self",)).select_related("patient").get(pk=allergy.pk)
        if allergy.resolved_on is None:
            allergy.resolved_on = on
            allergy.save(update_fields=["resolved_on"])
            announce(patient=allergy.patient, actor=actor, now=now)
        return allergy


def _allergy_struck(entry: Allergy, *, actor: User, now: datetime) -> None:
    announce(patient=entry.patient, actor=actor, now=now)


takes_back(Allergy)(_allergy_struck)
