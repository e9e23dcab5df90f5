"""When patients cannot come, would rather come, and how: as the planner's pure inputs, in a bounded number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from kapclinic.clinics.models import Clinic
from kapclinic.scheduling import hours
from kapclinic.scheduling.models import PatientAbsence, PatientPlace, PatientTimes, Wish
from kapclinic.scheduling.rosters import weekly
from kapclinic.scheduling.spans import Span, Spans, clip, union

# How a time that the patient ruled out is named where it stands in the way.
RULED_OUT = "the patient's availability rules out"


@dataclass(frozen=True, slots=True)
class Availability:
    """One patient's time inside the limits that were asked for: cannot come, would rather come, and how they can come."""

    unavailable: Spans = ()
    preferred: Spans = ()
    place: hours.Place = hours.Place.EITHER


def availability_of(clinic: Clinic, patients: Collection[UUID], limits: Span) -> Mapping[UUID, Availability]:
    """The availability of each patient over `limits`, weekly times on the clinic's clock; three queries for all of them."""
    weekly_times: dict[tuple[UUID, str], list[hours.WeeklyHours]] = defaultdict(list)
    away: dict[UUID, list[Span]] = defaultdict(list)
    for row in PatientTimes.objects.standing().filter(clinic=clinic, patient__in=patients):
        weekly_times[row.patient_id, row.wish].append(weekly(row, clinic.time_zone))
    for absence in (
        PatientAbsence.objects.standing().filter(clinic=clinic, patient__in=patients).overlapping(limits)
    ):
        away[absence.patient_id].append(Span(absence.starts_at, absence.ends_at))
    places = dict(
        PatientPlace.objects.standing()
        .filter(clinic=clinic, patient__in=patients)
        .values_list("patient_id", "place")
    )
    return {
        key: Availability(
            unavailable=union(
                (*hours.weekly_spans(weekly_times[key, Wish.CANNOT], limits), *clip(away[key], limits))
            ),
            preferred=hours.weekly_spans(weekly_times[key, Wish.PREFERS], limits),
            place=hours.Place(places.get(key, hours.Place.EITHER)),
        )
        for key in patients
    }
