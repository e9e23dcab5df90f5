"""Patients for the review of the record (kapclinic/administration/patients.py)."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from episodes.models import CareTeamMember, Episode, Patient
from kapclinic.administration.patients import PatientLine
from kapclinic.clinics.models import Clinic


class Directory:
    """Answers from this room's tables."""

    def found(self, clinic: Clinic, text: str) -> set[uuid.UUID]:
        """Keys of the clinic's patients with this number, or all of these words in their name."""
        wanted = Q()
        for word in text.split():
            wanted &= (
                Q(public_id__iexact=word)
                | Q(given_name__icontains=word)
                | Q(family_name__icontains=word)
                | Q(preferred_name__icontains=word)
            )
        return set(Patient.objects.of_clinic(clinic).filter(wanted).values_list("pk", flat=True))

    def lines(self, patient_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID | None, PatientLine]:
        """Patients by key."""
        found = Patient.objects.filter(pk__in=set(patient_ids))
        return {
            patient.pk: PatientLine(patient.pk, patient.display_name, patient.family_name, patient.public_id)
            for patient in found
        }

    def patient_of(self, episode_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID | None, uuid.UUID]:
        """The patient of each episode; a document's subject may be the patient itself."""
        wanted = set(episode_ids)
        found: dict[uuid.UUID | None, uuid.UUID] = dict(
            Episode.objects.filter(pk__in=wanted).values_list("pk", "patient_id")
        )
        rest = wanted - found.keys()
        return found | {key: key for key in Patient.objects.filter(pk__in=rest).values_list("pk", flat=True)}

    def episodes_of(self, patient_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
        """Every episode of these patients."""
        return set(Episode.objects.filter(patient__in=set(patient_ids)).values_list("pk", flat=True))

    def team_spans(
        self, patient_ids: Iterable[uuid.UUID]
    ) -> dict[tuple[uuid.UUID, uuid.UUID], list[tuple[datetime, datetime | None]]]:
        """When each person was on a team of each patient, by (person, patient)."""
        spans: dict[tuple[uuid.UUID, uuid.UUID], list[tuple[datetime, datetime | None]]] = defaultdict(list)
        rows = CareTeamMember.objects.filter(
            episode__patient__in=set(patient_ids), user__isnull=False, entered_in_error_at__isnull=True
        )
        for user, patient, starts_at, ends_at in rows.values_list(
            "user_id", "episode__patient_id", "starts_at", "ends_at"
        ):
            spans[user, patient].append((starts_at, ends_at))
        return dict(spans)
