"""What the review of the record needs to know of patients; the room that keeps them registers it (episodes)."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kapclinic.clinics.models import Clinic


@dataclass(frozen=True)
class PatientLine:
    """A patient as the review names one."""

    patient_id: uuid.UUID
    name: str
    family_name: str
    public_id: str

    def __str__(self) -> str:
        return f"{self.name} ({self.public_id})"


class PatientDirectory(Protocol):
    """Each method costs a fixed number of queries."""

    def found(self, clinic: Clinic, text: str) -> set[uuid.UUID]:
        """Keys of the clinic's patients with this number, or all of these words in their name."""

    def lines(self, patient_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID | None, PatientLine]:
        """Patients by key."""

    def patient_of(self, episode_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID | None, uuid.UUID]:
        """The patient of each episode; a document's subject may be the patient itself."""

    def episodes_of(self, patient_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
        """Every episode of these patients."""

    def team_spans(
        self, patient_ids: Iterable[uuid.UUID]
    ) -> dict[tuple[uuid.UUID, uuid.UUID], list[tuple[datetime, datetime | None]]]:
        """When each person was on a team of each patient, by (person, patient)."""


_directory: list[PatientDirectory] = []


def register_directory(directory: PatientDirectory) -> None:
    """The room that keeps patients says how they are found."""
    _directory[:] = [directory]


def directory() -> PatientDirectory:
    """The registered one."""
    return _directory[0]
