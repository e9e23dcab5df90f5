"""Parts of a snapshot that are the same in every document: letterhead, patient, signature, times."""

from datetime import date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from kapclinic.accounts.models import User
from kapclinic.clinics.models import Clinic
from kapclinic.documents.charts import day_label
from kapclinic.documents.snapshots import Letterhead, PatientBlock, Signature


class PatientLike(Protocol):
    """What a document needs to know of a patient."""

    given_name: str
    family_name: str
    preferred_name: str
    pronouns: str
    date_of_birth: date
    public_id: str

    @property
    def display_name(self) -> str: ...


def local_time(at: datetime, zone: ZoneInfo) -> str:
    """An instant in the clinic's words: `22 Nov 2026, 14:20 MST`."""
    local = at.astimezone(zone)
    return f"{day_label(local.date())}, {local:%H:%M} {local.tzname()}"


def letterhead_of(clinic: Clinic) -> Letterhead:
    """The clinic as it stands on top of its papers."""
    return Letterhead(clinic.name, clinic.address, clinic.phone, clinic.after_hours_phone, clinic.is_demo)


def patient_block(patient: PatientLike) -> PatientBlock:
    """The patient as printed on every page; the legal name too where another one is used."""
    legal = f"{patient.family_name}, {patient.given_name}" if patient.preferred_name else ""
    return PatientBlock(
        name=patient.display_name,
        born=day_label(patient.date_of_birth),
        public_id=patient.public_id,
        pronouns=patient.pronouns,
        legal_name=legal if legal != patient.display_name else "",
    )


def signature_of(*, person: User, role: str, at: datetime, zone: ZoneInfo, version: int) -> Signature:
    """Who signed, as what, when."""
    return Signature(person.full_name, role, local_time(at, zone), version)
